//! What the page in view shows, taken from the page itself: sentences, figures with their conventions, Python.

use wasm_bindgen::JsCast;
use web_sys::{Document, Element};

use super::export::svg_text;
use crate::study::stamp::Stamp;
use crate::ui::memory::notebook::{Pin, PinnedFigure};

/// Figures of a view that are taken; those further down are behind its address.
const FIGURES: usize = 6;

/// The view as it is.
pub fn view(title: String, address: String) -> Pin {
    let page =
        document().and_then(|d| d.query_selector("main > .page:not([hidden])").ok().flatten());
    let Some(page) = page else { return Pin { title, address, ..Pin::default() } };
    let said = all(&page, ".sentence").iter().map(text).filter(|said| !said.is_empty()).collect();
    let figures = all(&page, "figure.figure").iter().filter_map(figure).take(FIGURES).collect();
    let python = all(&page, ".python code").first().map(text).unwrap_or_default();
    Pin { title, address, said, figures, python, ..Pin::default() }
}

fn figure(figure: &Element) -> Option<PinnedFigure> {
    let part = |selector: &str| figure.query_selector(selector).ok().flatten();
    // What is folded away has no picture to take.
    let svg = part(".picture svg").filter(|svg| svg.get_bounding_client_rect().width() > 0.0)?;
    let convention = part(".convention").as_ref().map(text).unwrap_or_default();
    // The stamp says the version by itself.
    let version = concat!(" · omega-lens ", env!("CARGO_PKG_VERSION"));
    let stamp = Stamp::new(convention.trim_end_matches(version), &());
    let caption = part("figcaption").as_ref().map(text).unwrap_or_default();
    let (svg, _) = svg_text(&svg, &stamp).ok()?;
    Some(PinnedFigure { caption, convention, ground: ground().unwrap_or_default(), svg })
}

/// The colour of the page.
fn ground() -> Option<String> {
    let window = web_sys::window()?;
    let style = window.get_computed_style(document()?.body()?.as_ref()).ok()??;
    style.get_property_value("background-color").ok()
}

fn text(element: &Element) -> String {
    let text = element.text_content().unwrap_or_default();
    // Marks that open an explanation are no words of the sentence.
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let joined = lines.collect::<Vec<_>>().join("\n");
    if element.tag_name() == "CODE" { text } else { joined.trim_end_matches('?').trim().to_owned() }
}

fn all(page: &Element, selector: &str) -> Vec<Element> {
    let Ok(list) = page.query_selector_all(selector) else { return Vec::new() };
    (0..list.length()).filter_map(|i| list.item(i)?.dyn_into().ok()).collect()
}

fn document() -> Option<Document> {
    web_sys::window()?.document()
}
