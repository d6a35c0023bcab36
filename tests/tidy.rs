//! Keeps the borders that `src/lib.rs` draws: layers point down, one part knows wgpu, files stay short and announced.
//!
//! Longer than most files: every border with the few lines that read it off the source.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says by panicking what is wrong"
)]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules, lowest layer first; those of one row do not know each other.
const LAYERS: &[&[&str]] = &[
    &["math", "tokenizer"],
    &["toy"],
    &["checkpoint"],
    &["model"],
    &["circuits"],
    &["study"],
    &["gpu", "protocol"],
    &["engine"],
    &["worker"],
    &["ui", "cli"],
];

/// Crates that only some modules may name: the crate's name in code, and who knows it.
const KNOWN_BY: &[(&str, &[&str])] = &[
    ("wgpu", &["gpu"]),
    ("pollster", &["gpu"]),
    ("yew", &["ui"]),
    ("qrcodegen", &["ui"]),
    ("web_sys", &["ui", "worker"]),
    ("js_sys", &["ui", "worker"]),
    ("serde_wasm_bindgen", &["worker"]),
    ("clap", &["cli"]),
    ("rayon", &["cli"]),
    ("tokenizers", &["tokenizer"]),
    ("omega_tokenizer", &["model", "tokenizer"]),
];

const LONGEST: usize = 350;
/// What the header of a longer file must say, with the reason after it.
const LONG_BECAUSE: &str = "Longer than";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` whose name ends in one of `endings`, with its text.
fn files(folder: &str, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir()
                && !["node_modules", "output", "target", "golden"].contains(&name.as_str())
            {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_path_buf(), text));
            }
        }
    }
    found
}

/// The code of a file: comments may point anywhere.
fn code(text: &str) -> String {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The module of a file in `src`; the root file and the programs have none.
fn module(path: &Path) -> Option<String> {
    let first = path.strip_prefix("src").ok()?.components().next()?.as_os_str().to_str()?;
    let name = first.trim_end_matches(".rs");
    (name != "lib" && name != "bin").then(|| name.to_owned())
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

/// The names that follow `crate::`, also inside braces.
fn crate_names(code: &str) -> Vec<String> {
    let word = |text: &str| {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    let mut names = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let mut depth = 1;
        let mut item = String::new();
        for c in group.chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if depth == 1 && c != ',' && !c.is_whitespace() {
                item.push(c);
            }
            if depth == 0 || (depth == 1 && c == ',') {
                names.push(word(&item));
                item.clear();
            }
            if depth == 0 {
                break;
            }
        }
    }
    names
}

/// Whether `code` names the crate, as a path or in a `use`.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let boundary = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let after = &code[at + name.len()..];
        let before = code[..at].chars().next_back();
        boundary(before)
            && before != Some(':')
            && (after.starts_with("::") || code[..at].ends_with("use "))
    })
}

/// Paths that lead out of a file in a way that moving it would break.
const DETOURS: &[&str] = &["super::super", "omega_lens::"];

fn assert_none(found: Vec<String>, what: &str) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn layers_point_down() {
    let mut found = Vec::new();
    for (path, text) in files("src", &[".rs"]) {
        let Some(own) = module(&path) else { continue };
        let Some(rank) = layer(&own) else {
            found.push(format!("{}: module `{own}` has no layer in tests/tidy.rs", path.display()));
            continue;
        };
        for name in crate_names(&code(&text)) {
            if layer(&name).is_some_and(|other| name != own && other >= rank) {
                found.push(format!("{}: `{own}` knows `{name}`", path.display()));
            }
        }
    }
    assert_none(found, "a layer knows one beside or above it");
}

#[test]
fn paths_are_from_the_crate_or_from_one_floor_up() {
    let mut found = Vec::new();
    for (path, text) in files("src", &[".rs"]) {
        // A program that is a crate of its own names the library.
        if module(&path).is_none() || path.ends_with("program.rs") {
            continue;
        }
        let code = code(&text);
        let used = DETOURS.iter().filter(|detour| code.contains(**detour));
        found.extend(used.map(|detour| format!("{}: `{detour}`", path.display())));
    }
    assert_none(found, "a path takes a detour");
}

/// The names that `code` declares as public.
fn public_names(code: &str) -> Vec<String> {
    const KINDS: [&str; 8] =
        ["const fn ", "async fn ", "fn ", "struct ", "enum ", "trait ", "const ", "static "];
    let word = |text: &str| {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    let after = |line: &str| {
        let rest = line.trim_start().strip_prefix("pub ")?;
        KINDS.iter().find_map(|kind| rest.strip_prefix(kind)).map(word)
    };
    code.lines().filter_map(after).collect()
}

/// The part of a file before its own tests.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text)
}

/// What is public for tests alone, with the test that has no other way in.
const FOR_TESTS: &[(&str, &str)] = &[
    ("kolmogorov_smirnov_uniform", "tests/alignment.rs judges whole distributions of p with it"),
    ("from_dense", "tests/toy_golden.rs trains on numpy's batches"),
    ("step_on", "tests/toy_golden.rs trains on numpy's batches"),
    ("last_gradient", "tests/toy_golden.rs compares gradients, not only their effect"),
];

#[test]
fn nothing_is_public_that_only_its_own_file_and_tests_name() {
    let all: Vec<(PathBuf, String)> = files("src", &[".rs"])
        .into_iter()
        .filter(|(path, _)| !path.ends_with("tests.rs"))
        .map(|(path, text)| (path, code(product(&text))))
        .collect();
    let words = |code: &str| -> HashSet<String> {
        code.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect()
    };
    let named: Vec<HashSet<String>> = all.iter().map(|(_, code)| words(code)).collect();
    let mut found = Vec::new();
    for (own, (path, code)) in all.iter().enumerate() {
        for name in public_names(code) {
            let others = named.iter().enumerate().any(|(i, set)| i != own && set.contains(&name));
            // A type that a public item of the same file hands out is named by whoever takes it.
            let uses = code.matches(&name).count();
            let excused = FOR_TESTS.iter().any(|(known, _)| *known == name);
            if !others && uses < 2 && !excused {
                found.push(format!("{}: `{name}`", path.display()));
            }
        }
    }
    assert_none(found, "an item is public that nothing outside its file and tests names");
}

/// Whether `code` names `item` of the page's file in `protocol`, by its path or in a `use`.
fn names_of_page(code: &str, page: &str, item: &str) -> bool {
    let word = |text: &str| text.split(|c: char| !c.is_alphanumeric()).next() == Some(item);
    code.split(&format!("{page}::")).skip(1).any(|rest| match rest.strip_prefix('{') {
        Some(list) => {
            list.split('}').next().unwrap_or_default().split(',').any(|item| word(item.trim()))
        }
        None => word(rest),
    })
}

/// Files that a question costs which a page asks in one place; with one on a GPU, one more. The work itself lies below, in `study`, and
/// whether an address says it is another matter.
const QUESTION_COSTS: usize = 4;

#[test]
fn a_question_costs_few_files() {
    let read = |folder: &str| -> Vec<(PathBuf, String)> {
        let read = files(folder, &[".rs"]).into_iter();
        read.map(|(path, text)| (path, code(product(&text)))).collect()
    };
    let above = ["src/engine", "src/worker", "src/ui/memory"].map(read).concat();
    let (mut found, mut counted) = (Vec::new(), 0);
    for (path, text) in read("src/protocol") {
        let Some((_, list)) = text.split_once("\nquestions! {") else { continue };
        let page = path.file_stem().unwrap().to_str().unwrap();
        let list = list.split('}').next().unwrap();
        let names = list.split("=>").filter_map(|before| before.split_whitespace().next_back());
        for name in names.filter(|name| !name.ends_with(['>', ','])) {
            counted += 1;
            let asks = |code: &str| {
                let arm =
                    names_of_page(code, page, "Ask") && code.contains(&format!("Ask::{name}("));
                arm || names_of_page(code, page, name)
            };
            let by: Vec<_> = above.iter().filter(|(_, code)| asks(code)).collect();
            let on_gpu = by.iter().any(|(path, _)| path.starts_with("src/engine/on_gpu"));
            // The protocol's own file, and the page's.
            if by.len() + 2 > QUESTION_COSTS + usize::from(on_gpu) {
                found.push(format!(
                    "`{name}`: {:?}",
                    by.iter().map(|(path, _)| path).collect::<Vec<_>>()
                ));
            }
        }
    }
    assert!(counted > 30, "{counted} questions found");
    assert_none(found, "a question is spread over too many files");
}

#[test]
fn each_border_crate_is_known_to_its_own_part_only() {
    let mut found = Vec::new();
    for (path, text) in files("src", &[".rs"]) {
        let Some(own) = module(&path) else { continue };
        let code = code(&text);
        for (name, known_by) in KNOWN_BY {
            if names_crate(&code, name) && !known_by.contains(&own.as_str()) {
                found.push(format!("{}: `{own}` names {name}", path.display()));
            }
        }
    }
    assert_none(found, "a crate is named outside the part that knows it");
}

#[test]
fn every_file_announces_its_idea_and_stays_short() {
    let mut found = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for (path, text) in files(folder, &[".rs"]) {
            if !text.starts_with("//! ") {
                found.push(format!("{}: no `//!` in the first line", path.display()));
            }
            let header = text
                .lines()
                .take_while(|line| line.starts_with("//!"))
                .collect::<Vec<_>>()
                .join("\n");
            let lines = text.lines().count();
            if lines > LONGEST && !header.contains(LONG_BECAUSE) {
                found.push(format!(
                    "{}: {lines} lines, and no \"{LONG_BECAUSE} …\" in its header",
                    path.display()
                ));
            }
        }
    }
    assert_none(found, "a file does not say what it is, or is too long");
}

/// What draws alone takes values and gives events: where the reader is, what is open and who computes is told to it, and it tells what
/// was turned or clicked.
#[test]
fn a_chart_knows_neither_the_state_nor_the_address() {
    let mut found = Vec::new();
    for (path, text) in files("src/ui/charts", &[".rs"]) {
        let code = code(&text);
        let taken =
            ["use_app", "use_route", "use_save", "address", "session", "memory", "protocol"];
        let taken = taken.iter().filter(|name| {
            code.contains(&format!("{name}::")) || code.contains(&format!("{name}("))
        });
        found.extend(taken.map(|name| format!("{}: `{name}`", path.display())));
    }
    assert_none(found, "a chart takes what should be handed to it");
}

/// Why: `src/ui/nothing.rs`.
#[test]
fn what_has_nothing_to_show_draws_nothing_by_name() {
    let mut found = Vec::new();
    for (path, text) in files("src/ui", &[".rs"]) {
        for (i, line) in code(&text).lines().enumerate() {
            let bare: String = line.split_whitespace().collect();
            if bare.contains("Html::default()") || bare.contains("html!{}") {
                found.push(format!("{}:{}", path.display(), i + 1));
            }
        }
    }
    assert_none(found, "a component without a node of its own brings the page down: `nothing()`");
}

#[test]
fn every_shader_has_a_rust_file_of_its_name() {
    let alone: Vec<_> = files("src", &[".wgsl"])
        .into_iter()
        .filter(|(path, _)| !root().join(path).with_extension("rs").exists())
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert_none(alone, "a shader without its twin");
}

#[test]
fn the_repository_stands_alone_and_leaves_nothing_half_said() {
    let forbidden = [
        ["/wo", "rk/"].concat(),
        ["../sha", "red"].concat(),
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
    ];
    let text = [
        ".rs", ".wgsl", ".md", ".py", ".mjs", ".js", ".html", ".css", ".toml", ".json", "Makefile",
    ];
    let mut found = Vec::new();
    let mut all = files(".ci", &[""]);
    for folder in ["src", "tests", "benches", "www", ".github"] {
        all.extend(files(folder, &text));
    }
    for name in ["README.md", "Makefile", "Cargo.toml", "Trunk.toml", "index.html"] {
        all.push((name.into(), fs::read_to_string(root().join(name)).unwrap_or_default()));
    }
    for (path, text) in all {
        for (number, line) in text.lines().enumerate() {
            if forbidden.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert_none(found, "a line points outside the repository, or at work not done");
}

/// What stands in quotes and is said to nobody: words for the model to read, and the names of columns.
const UNSAID: &[&str] = &[
    "Alice is at the park",
    "When Mary and John went",
    "Mary went to the park because",
    "one Mary key at",
    "The answer is",
    "sigma sigma' cos",
];

/// The string literals of a file's code, each with the code in front of it.
fn literals(code: &str) -> Vec<(&str, &str)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(next) = code[at..].find(['"', '/', '\'']).map(|next| at + next) {
        let rest = &code[next..];
        if rest.starts_with("//") {
            at = next + rest.find('\n').unwrap_or(rest.len());
        } else if let Some(text) = rest.strip_prefix('"') {
            let mut escaped = false;
            let end = text.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            let end = end.unwrap_or(text.len());
            found.push((&text[..end], &code[..next]));
            at = (next + end + 2).min(code.len());
        } else if rest.starts_with("'\"'") {
            at = next + 3;
        } else {
            at = next + 1;
        }
    }
    found
}

/// Whether a literal is said to a reader: three words or more, and neither a class nor a style nor an address.
fn is_said(text: &str, before: &str) -> bool {
    let mut depth = 0;
    let bare: String = text
        .replace("\\n", " ")
        .chars()
        .filter(|&c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0 && c != '}'
        })
        .collect();
    let letters = |word: &&str| word.chars().filter(|c| c.is_alphabetic()).count() >= 2;
    let words = bare.split_whitespace().filter(letters).count();
    let quiet =
        ["class=", "class={Some(", "style=", "viewBox=", "classes!(\n", "classes!(", "reason ="];
    let before = before.trim_end().trim_end_matches("format!(").trim_end();
    let styled = text.contains(": ")
        && text.contains(';')
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '-');
    words >= 3
        && !styled
        && !quiet.iter().any(|mark| before.ends_with(mark.trim_end()))
        && !UNSAID.iter().any(|unsaid| text.starts_with(unsaid))
}

#[test]
fn what_a_reader_sees_is_said_in_the_words_room() {
    let sentence =
        |text: &str| literals(text).iter().filter(|(t, before)| is_said(t, before)).count();
    assert_eq!(
        sentence("// \"one two three\"\nf(\"one {two} three\", '\"', \"a \\\"one\\\" two three\")"),
        1
    );
    assert_eq!(sentence("class=\"one two three\" label=\"one two three\""), 1);
    let mut found = Vec::new();
    // The files of `src/ui` itself are the frame.
    let frame = files("src/ui", &[".rs"])
        .into_iter()
        .filter(|(p, _)| p.parent() == Some("src/ui".as_ref()));
    let rooms = [files("src/ui/pages", &[".rs"]), files("src/ui/widgets", &[".rs"])].concat();
    for (path, text) in rooms.into_iter().chain(frame) {
        for (said, before) in literals(product(&text)) {
            if is_said(said, before) {
                found.push(format!("{}:{}: “{said}”", path.display(), before.lines().count()));
            }
        }
    }
    assert_none(found, "a sentence stands in a page or in the frame; it belongs into src/ui/words");
}

#[test]
fn every_file_of_tests_is_part_of_a_program() {
    let root =
        fs::read_to_string("tests/main.rs").unwrap() + &fs::read_to_string("Cargo.toml").unwrap();
    for path in fs::read_dir("tests").unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.extension().is_some_and(|e| e == "rs") {
            let is_named = root.contains(&format!("mod {name};"))
                || root.contains(&format!("name = \"{name}\""));
            assert!(is_named, "{} runs nowhere: name it in tests/main.rs", path.display());
        }
    }
}
