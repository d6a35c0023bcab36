//! A Python with numpy, for references that are programs.

#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this file")]

use std::path::PathBuf;
use std::process::Command;

use super::skip;

/// The Python in the variable `PYTHON`, or the one that `.ci/setup` made. `None` where
/// `OMEGA_SKIP` names python; a failure where there is none and nobody says so.
pub fn python() -> Option<PathBuf> {
    if skip::skips("python") {
        return None;
    }
    let usual = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".tools/venv/bin/python");
    let found = std::env::var_os("PYTHON").map_or(usual, PathBuf::from);
    assert!(
        found.exists() || found.components().count() == 1,
        "{} is not there: run .ci/setup, set PYTHON to one with numpy, or OMEGA_SKIP=python",
        found.display()
    );
    Some(found)
}

/// What `code` prints, a line each, run with these arguments.
pub fn lines(python: &PathBuf, code: &str, arguments: &[String]) -> Vec<String> {
    let output = Command::new(python).arg("-c").arg(code).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}\n{code}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}
