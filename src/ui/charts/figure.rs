//! The frame of every chart: caption, picture, the numbers, and ways to take them along.

use web_sys::{Element, HtmlDetailsElement};
use yew::prelude::*;

use crate::study::stamp::Stamp;
use crate::ui::app::use_speech;
use crate::ui::browser::export;
use crate::ui::lessons::speech::Speech;
use crate::ui::words::pictures::OnStage;
use crate::ui::words::table::{Cell, Table};

/// Properties of [`Figure`].
#[derive(Properties, PartialEq)]
pub struct FigureProps {
    /// File name for exports, without extension.
    pub name: AttrValue,
    /// What the picture shows.
    pub caption: Html,
    /// The language of caption and picture, where it is not the page's.
    #[prop_or_default]
    pub lang: Option<&'static str>,
    /// Where the numbers come from: it stands under the picture, and in every file.
    pub convention: Stamp,
    /// The numbers, made when asked for.
    pub table: Callback<(), Table>,
    /// The picture: one `svg`.
    pub children: Html,
}

/// Most rows of a table that are put on the page; the CSV has them all.
const MAX_ROWS: usize = 400;

/// A chart with its caption, its numbers and its exports.
#[component]
pub fn Figure(props: &FigureProps) -> Html {
    let speech = use_speech();
    let picture = use_node_ref();
    let open = use_state(|| false);
    let on_toggle = {
        let open = open.clone();
        Callback::from(move |event: Event| {
            if let Some(details) = event.target_dyn_into::<HtmlDetailsElement>() {
                open.set(details.open());
            }
        })
    };
    let frame = picture.clone();
    let svg =
        move || picture.cast::<Element>().and_then(|p| p.query_selector("svg").ok().flatten());
    let save_csv = {
        let (name, table, stamp) =
            (props.name.clone(), props.table.clone(), props.convention.clone());
        Callback::from(move |_| {
            let csv = table.emit(()).csv(&stamp);
            // A refused download leaves the table on the page.
            let _ = export::save(&format!("{name}.csv"), "text/csv", csv.as_bytes());
        })
    };
    let save_svg = {
        let (name, svg, stamp) = (props.name.clone(), svg.clone(), props.convention.clone());
        Callback::from(move |_| {
            if let Some(Ok((text, _))) = svg().map(|svg| export::svg_text(&svg, &stamp)) {
                let _ = export::save(&format!("{name}.svg"), "image/svg+xml", text.as_bytes());
            }
        })
    };
    let save_png = {
        let (name, svg, stamp) = (props.name.clone(), svg.clone(), props.convention.clone());
        Callback::from(move |_| {
            if let Some(svg) = svg() {
                let _ = export::save_png(&format!("{name}.png"), &svg, &stamp);
            }
        })
    };
    html! {
        <figure class="figure">
            <figcaption lang={props.lang}>{ props.caption.clone() }</figcaption>
            <div class="picture" ref={frame} lang={props.lang}>{ props.children.clone() }</div>
            <div class="figure-tools">
                <details ontoggle={on_toggle}>
                    <summary lang={speech.own()}>{ speech.say(OnStage::Numbers) }</summary>
                    if *open { { numbers(&speech, &props.name, &props.table.emit(())) } }
                </details>
                <span class="exports">
                    <button type="button" onclick={save_csv}>{ "CSV" }</button>
                    <button type="button" onclick={save_svg}>{ "SVG" }</button>
                    <button type="button" onclick={save_png}>{ "PNG" }</button>
                </span>
            </div>
            <p class="convention">{ props.convention.line() }</p>
        </figure>
    }
}

fn numbers(speech: &Speech, figure: &str, table: &Table) -> Html {
    let more = table.rows.len().saturating_sub(MAX_ROWS);
    html! {
        <div class="numbers" tabindex="0" role="region" aria-label={speech.fill(OnStage::NumbersOf, &[figure])} lang={speech.own()}>
            <table lang={speech.foreign()}>
                <thead><tr>{ for table.header.iter().map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                <tbody>
                    { for table.rows.iter().take(MAX_ROWS).map(|row| html! {
                        <tr>{ for row.iter().map(cell) }</tr>
                    }) }
                </tbody>
            </table>
            if more > 0 { <p>{ speech.fill(OnStage::MoreRows, &[&more.to_string()]) }</p> }
        </div>
    }
}

/// Rounded for the eye; whoever reads the page by a program finds the whole number.
fn cell(cell: &Cell) -> Html {
    match cell.exact() {
        Some(value) => html! { <td><data {value}>{ cell.shown() }</data></td> },
        None => html! { <td>{ cell.shown() }</td> },
    }
}
