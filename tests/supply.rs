//! What we build on: every dependency comes from crates.io, under a licence that `deny.toml` allows, in as few versions as can be.
//!
//! The same rules as `cargo deny check` reads, without the network; advisories need their database and are checked in the workflow.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// Crates that come in several versions, with the reason; all but `r-efi` and `glam` are small.
const SEVERAL: &[(&str, &str)] = &[
    ("bit-set", "proptest and naga, tests only"),
    ("bit-vec", "proptest and naga, tests only"),
    ("getrandom", "tokenizers, tempfile and ahash each ask for another"),
    ("glam", "optional conversions of nalgebra that are not built"),
    ("hashbrown", "indexmap and wgpu"),
    ("r-efi", "only built for UEFI"),
    ("rand", "tokenizers and proptest"),
    ("rand_core", "tokenizers and proptest"),
    ("rustc-hash", "wgpu and yew"),
    ("syn", "build time only"),
    ("thiserror", "yew's dependencies and ours"),
    ("thiserror-impl", "build time only"),
];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--all-features"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = found["packages"].as_array().unwrap().clone();
    let ours = ["omega-lens", "omega-math"];
    packages.into_iter().filter(|package| ours.iter().all(|own| package["name"] != *own)).collect()
}

/// The names in quotes between `allow = [` and `]` in the section `[licenses]` of `deny.toml`.
fn allowed() -> Vec<&'static str> {
    let rules = include_str!("../deny.toml");
    let list = rules.split("[licenses]").nth(1).unwrap().split(']').next().unwrap();
    list.split('"').skip(1).step_by(2).collect()
}

/// Whether a licence expression can be met: one alternative of each part that `AND` joins is allowed.
fn is_met(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], " ");
    let is_allowed = |licence: &str| allowed.contains(&licence.trim());
    expression.split(" AND ").all(|part| part.split(" OR ").any(is_allowed))
}

#[test]
fn every_dependency_comes_from_the_registry() {
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    for package in packages() {
        assert_eq!(package["source"], registry, "{}", package["name"]);
    }
}

#[test]
fn every_licence_is_allowed() {
    let allowed = allowed();
    assert!(
        allowed.len() > 5 && !is_met("GPL-3.0", &allowed) && !is_met("MIT AND GPL-3.0", &allowed)
    );
    for package in packages() {
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(is_met(licence, &allowed), "{}: {licence}", package["name"]);
    }
}

#[test]
fn several_versions_of_a_crate_have_a_reason() {
    let mut versions = BTreeMap::<String, usize>::new();
    for package in packages() {
        *versions.entry(package["name"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    versions.retain(|_, count| *count > 1);
    let found: Vec<&str> = versions.keys().map(String::as_str).collect();
    let expected: Vec<&str> = SEVERAL.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, expected);
}
