//! What a machine lacks on purpose: a test that needs it fails, unless `OMEGA_SKIP=gpu,minilm,python` names it; and skips are counted.

#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this file")]

use std::io::Write;

/// Whether `OMEGA_SKIP` names `need`. A skip leaves a line in the file that `OMEGA_SKIPPED` names, for `.ci/test` to count.
pub fn skips(need: &str) -> bool {
    let asked = std::env::var("OMEGA_SKIP").unwrap_or_default();
    if !asked.split(',').any(|name| name.trim() == need) {
        return false;
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    println!("skipped: {test} needs {need}");
    if let Some(path) = std::env::var_os("OMEGA_SKIPPED") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{need}: {test}").unwrap();
    }
    true
}
