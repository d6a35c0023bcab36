//! The words of the notebook and of its report.

/// Said where nothing is pinned.
pub const EMPTY: &str = "Nothing is pinned yet. “pin this view”, beside the path at the top of every page, keeps its address, what the page says, its \
    figures with where their numbers come from, and the same in Python. A note of yours goes with it.";

/// Where pins are.
pub const KEPT: &str = "Pins live in this tab until it is closed: save them as a file, and open it again. A report is one page that stands alone, \
    for reading and printing. The files of a model are not in either; a pin's link says which one it is about.";

/// Said of a file that is none.
pub const NO_NOTEBOOK: &str = "This file is no notebook of this page.";

/// Said of a file from a later version.
pub const LATER: &str = "This notebook was saved by a later version of this page: reload it, or open the notebook where it was made.";

/// Said when there is no room.
pub const FULL: &str =
    "The notebook is full (200 pins): take some away, or save it and begin another.";

/// The beginning of a report, to its first pin.
pub const REPORT_HEAD: &str = "<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\"><title>Omega Lens: report</title>\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>\
    body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; background: #fff; }\
    section { border-top: 1px solid #ccc; padding-top: 0.5rem; break-inside: avoid-page; } figure { margin: 1rem 0; } img { max-width: 100%; height: auto; }\
    .note { border-left: 4px solid #0b5cad; padding-left: 0.8rem; } .convention, .address { color: #555; font-size: 0.85rem; overflow-wrap: anywhere; }\
    pre { overflow: auto; font-size: 0.8rem; background: #f4f6f8; padding: 0.6rem; white-space: pre-wrap; }\
    </style></head><body><h1>Omega Lens: report</h1>\n";

/// Its last lines.
pub fn report_foot(version: &str) -> String {
    format!(
        "<footer><p class=\"convention\">Made with omega-lens {version}. Every link shows its view again, once the model that it names is open.</p></footer>"
    )
}

/// How many pins there are, for the link to them under its `title`.
pub fn link(title: String, n: usize) -> String {
    if n == 0 { title } else { format!("{title} ({n})") }
}

sentences! {
    const WHAT_PINNED_STILL_THERE = "What was pinned is still there.";
}
