//! Sets the lessons: Markdown becomes HTML and formulae become MathML when the page is built.
//!
//! So the page carries neither a Markdown nor a TeX reader (155 kB of gzipped WebAssembly together), and a formula that
//! cannot be set stops the build instead of a class. What stays as it is: titles, scenes, answers, and the lines that
//! name things; `src/ui/lessons/parse.rs` reads the result. English lessons go into the page; the texts that few open are files
//! beside it, and every other language is one file, `OUT_DIR/lessons/NAME.txt` (`.ci/texts.mjs`).

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html::push_html};

const TEXTS: &str = "www/lessons";

/// Texts that are pages of their own. In English they and [`METHODS`] are fetched when somebody opens them.
const PAGES: [&str; 2] = ["answers.md", "teachers.md"];

/// The methods, of which one section is opened.
const METHODS: &str = "methods.md";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rustc-env=OMEGA_BUILD={:016x}", build(Path::new("src"), FNV.0)?);
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed={TEXTS}");
    println!("cargo:rerun-if-changed=build.rs");
    let formulae = LatexToMathML::new(MathCoreConfig::default())
        .map_err(|why| format!("the setter of formulae: {why:?}"))?;
    let out = Path::new(&env::var("OUT_DIR")?).join("lessons");
    fs::create_dir_all(&out)?;
    for folder in sorted(Path::new(TEXTS))? {
        let language = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut joined = String::new();
        for path in sorted(&folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path)?;
            let is_a_page = PAGES.contains(&name.as_str());
            let set = if is_a_page { html(&formulae, &text) } else { sections(&formulae, &text) };
            let set = set.map_err(|why| format!("{}: {why}", path.display()))?;
            if language == "en" && is_a_page {
                fs::write(out.join(&name).with_extension("txt"), set)?;
            } else if language == "en" && name == METHODS {
                fs::write(out.join(&name).with_extension("txt"), &set)?;
                // What is fetched section by section can be found by its titles.
                let titles = set.lines().filter(|line| line.starts_with("## "));
                fs::write(
                    out.join(&name),
                    titles.map(|line| format!("\n{line}\n")).collect::<String>(),
                )?;
            } else if language == "en" {
                fs::write(out.join(&name), set)?;
            } else {
                joined += &format!("\n=== {}\n{set}", name.trim_end_matches(".md"));
            }
        }
        if !joined.is_empty() {
            fs::write(out.join(format!("{language}.txt")), joined)?;
        }
    }
    Ok(())
}

/// What is in a folder, by name.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths: Vec<_> = fs::read_dir(folder)?
        .map(|entry| Ok::<_, std::io::Error>(entry?.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    Ok(paths)
}

/// Offset and prime of the 64-bit FNV-1a hash.
const FNV: (u64, u64) = (0xcbf2_9ce4_8422_2325, 0x0000_0100_0000_01b3);

/// A hash of the code: the page and its workers are two programs, and say by it whether they were made together.
fn build(folder: &Path, hash: u64) -> Result<u64, Box<dyn Error>> {
    sorted(folder)?.iter().try_fold(hash, |hash, path| {
        if path.is_dir() {
            return build(path, hash);
        }
        let add = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(FNV.1);
        Ok(fs::read(path)?.iter().fold(hash, add))
    })
}

/// The first lines as they are, then each section: its title as it is, its prose set.
fn sections(formulae: &LatexToMathML, text: &str) -> Result<String, String> {
    let mut sections = text.split("\n## ");
    let mut out = sections.next().unwrap_or_default().to_owned();
    for section in sections {
        let (title, body) = section.split_once('\n').unwrap_or((section, ""));
        out += &format!("\n## {title}\n");
        // Prose and fenced blocks take turns.
        for (i, piece) in body.split("```").enumerate() {
            if i % 2 == 0 {
                out += &html(formulae, piece)?;
            } else {
                let lines = piece.lines().map(|line| answer(formulae, line));
                out += &format!("```{}\n```\n", lines.collect::<Result<Vec<_>, _>>()?.join("\n"));
            }
        }
    }
    Ok(out)
}

/// A line of a scene or of a question: its words set, its name and its values as they are.
fn answer(formulae: &LatexToMathML, line: &str) -> Result<String, String> {
    let marks = [
        "choose: ",
        "number: ",
        "do: ",
        "right: ",
        "hint: ",
        "slide: ",
        "predict: ",
        "seen: ",
        "found: ",
        "- ",
        "+ ",
    ];
    for mark in marks {
        if let Some(words) = line.strip_prefix(mark) {
            let parts = words.split(" | ").map(|part| {
                // The guess that is right is marked as the right answer of a question is.
                let (right, part) = part.strip_prefix("+ ").map_or(("", part), |rest| ("+ ", rest));
                let set = html(formulae, part)?;
                let inside = set.trim().strip_prefix("<p>").and_then(|s| s.strip_suffix("</p>"));
                let inside = inside.ok_or_else(|| format!("more than a sentence: {part}"))?;
                Ok::<_, String>(format!("{right}{inside}"))
            });
            return Ok(format!("{mark}{}", parts.collect::<Result<Vec<_>, _>>()?.join(" | ")));
        }
    }
    Ok(line.to_owned())
}

/// Markdown as HTML. A link to `gloss:word` becomes a button that opens its word in place, one to `light:mark` words that
/// light a mark of the picture beside them.
fn html(formulae: &LatexToMathML, markdown: &str) -> Result<String, String> {
    let (mut end, mut failed) = (None, None);
    let mut set = |tex: &str, display| match formulae.convert_with_local_state(tex, display) {
        // A formula that is wider than its column is scrolled, by keyboard too.
        Ok(done) => Event::InlineHtml(
            done.mathml.replace(r#"display="block""#, r#"display="block" tabindex="0""#).into(),
        ),
        Err(why) => {
            failed = Some(format!("cannot set {tex}: {why:?}"));
            Event::Text(tex.to_owned().into())
        }
    };
    let events = Parser::new_ext(markdown, Options::ENABLE_MATH | Options::ENABLE_TABLES);
    let events = events.map(|event| match event {
        Event::InlineMath(tex) => set(&tex, MathDisplay::Inline),
        Event::DisplayMath(tex) => set(&tex, MathDisplay::Block),
        Event::Start(Tag::Link { dest_url, .. }) if dest_url.starts_with("gloss:") => {
            end = Some("</button>");
            let word = &dest_url["gloss:".len()..];
            let button = r#"<button type="button" class="word" aria-expanded="false""#;
            Event::InlineHtml(format!("{button} data-word=\"{word}\">").into())
        }
        Event::Start(Tag::Link { dest_url, .. }) if dest_url.starts_with("light:") => {
            end = Some("</span>");
            let mark = &dest_url["light:".len()..];
            Event::InlineHtml(
                format!("<span class=\"light\" tabindex=\"0\" data-light=\"{mark}\">").into(),
            )
        }
        Event::End(TagEnd::Link) if end.is_some() => {
            Event::InlineHtml(end.take().unwrap_or_default().into())
        }
        event => event,
    });
    let mut out = String::new();
    push_html(&mut out, events);
    failed.map_or(Ok(out), Err)
}
