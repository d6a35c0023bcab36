//! What we build on: every dependency comes from crates.io, under a licence that `deny.toml` allows, in as few versions as can be.
//!
//! The same rules as `cargo deny check` reads, without the network. What RustSec knows against a crate is in `supply.json`, which
//! `.ci/advisories.mjs` writes; what it has learned since is asked where there is a network (`.ci/advisories`, and the workflow).
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
    let ours = ["omega-lens", "omega-math", "omega-tokenizer", "omega-toy", "omega-worker"];
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

/// A version as numbers; what stands behind a hyphen or a plus counts for nothing.
fn numbers(version: &str) -> [u64; 3] {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = plain.split('.').map(|part| part.trim().parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

/// Whether a version meets a requirement as Cargo writes it: `>= 1.2.3, < 2.0.0`, `^0.3.1`.
fn meets(version: &str, requirement: &str) -> bool {
    let version = numbers(version);
    requirement.split(',').all(|one| {
        let one = one.trim();
        let at = one.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
        let (operator, than) = (one[..at].trim(), numbers(&one[at..]));
        match operator {
            ">=" => version >= than,
            ">" => version > than,
            "<=" => version <= than,
            "<" => version < than,
            "=" => version == than,
            "^" | "" => {
                let fixed = than.iter().position(|&n| n > 0).unwrap_or(2);
                version >= than && version[..=fixed] == than[..=fixed]
            }
            other => panic!("{other:?} in {requirement:?}"),
        }
    })
}

#[test]
fn requirements_are_read_as_cargo_reads_them() {
    for (version, requirement, met) in [
        ("1.2.3", ">= 1.2.3", true),
        ("1.2.2", ">= 1.2.3", false),
        ("1.1.5", ">= 1.1.2, < 1.2.0", true),
        ("1.2.0", ">= 1.1.2, < 1.2.0", false),
        ("0.3.9", "^0.3.1", true),
        ("0.4.0", "^ 0.3.1", false),
        ("2.0.0", "^1.1.1", false),
        ("0.2.5-rc.1", "< 0.3", true),
        ("10.0.0", "> 9.9.9", true),
    ] {
        assert_eq!(meets(version, requirement), met, "{version} {requirement}");
    }
}

#[test]
fn nothing_is_known_against_a_dependency_but_what_deny_toml_excuses() {
    let known: Value = serde_json::from_str(include_str!("supply.json")).unwrap();
    let crates: Vec<&str> =
        known["crates"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let rules = include_str!("../deny.toml");
    let excused = |id: &str| rules.contains(&format!("id = \"{id}\""));
    let all = known["advisories"].as_array().unwrap();
    let (mut found, mut used) = (Vec::new(), 0);
    for package in packages() {
        let (name, version) =
            (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        assert!(crates.contains(&name), "{name} was not looked up: run .ci/advisories.mjs");
        for advisory in all.iter().filter(|advisory| advisory["crate"] == name) {
            let within = |list: &str| {
                let list = advisory[list].as_array().unwrap();
                list.iter().any(|one| meets(version, one.as_str().unwrap()))
            };
            let id = advisory["id"].as_str().unwrap();
            if within("patched") || within("unaffected") {
                continue;
            }
            if excused(id) {
                used += 1;
            } else {
                found.push(format!("{id}: {name} {version}: {}", advisory["title"]));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    // An excuse that nothing needs any more goes; each has its date and its reason beside it.
    assert_eq!(used, rules.matches("id = \"RUSTSEC-").count());
}
