//! What every head does on this prompt: a map of roles, and a table of all of them.

use std::collections::BTreeMap;
use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::roles::{Role, Share, evenness};
use crate::model::Layers;
use crate::protocol::attention::Ran;
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::app::{App, use_app, use_dark};
use crate::ui::browser::export::save;
use crate::ui::palette::Scale;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::head_grid::{HeadCell, Rows, head_grid, pick};
use crate::ui::widgets::select::Select;
use crate::ui::words::format::three;
use crate::ui::words::role::{Shown, sentence};
use crate::ui::words::table::{Cell, Table};

/// Properties of [`RoleMap`].
#[derive(Properties, PartialEq)]
pub(super) struct RoleMapProps {
    /// Patterns by layer, `[n_heads, n, n]`.
    pub patterns: BTreeMap<usize, Rc<Vec<f32>>>,
    /// The head in view.
    pub head: Option<(usize, usize)>,
    /// The prompt.
    pub ran: Rc<Ran>,
}

/// One head's numbers.
#[derive(PartialEq)]
struct Row {
    at: (usize, usize),
    shares: [(Role, Option<Share>); Role::ALL.len()],
    evenness: Option<f64>,
}

impl Row {
    /// One number, and its level of chance.
    fn value(&self, shown: Shown) -> (Option<f64>, Option<f64>) {
        match shown {
            Shown::Role(role) => {
                let share = self.shares.iter().find(|(r, _)| *r == role).and_then(|(_, s)| *s);
                (share.map(|s| s.observed), share.map(|s| s.uniform))
            }
            Shown::Evenness => (self.evenness, None),
        }
    }
}

/// The numbers of every head whose pattern is here.
fn rows(patterns: &BTreeMap<usize, Rc<Vec<f32>>>, ran: &Ran, layers: &Layers) -> Vec<Row> {
    let mut found = Vec::new();
    for (&layer, patterns) in patterns {
        // Between two prompts there is no previous token and no same one.
        let Some(ids) = ran.own_ids(layers.stack(layer)) else { continue };
        let heads = patterns.chunks_exact((ids.len() * ids.len()).max(1));
        found.extend(heads.enumerate().map(|(head, own)| Row {
            at: (layer, head),
            shares: Role::ALL.map(|role| (role, role.share(ids, own))),
            evenness: evenness(ids.len(), own),
        }));
    }
    found
}

/// A grid coloured by one role, the sentence about the head in view, the table of all.
#[component]
pub(super) fn RoleMap(props: &RoleMapProps) -> Html {
    let app = use_app();
    let dark = use_dark();
    let layers = app.value().model.as_ref().map(|model| model.summary.layers.clone());
    let known =
        use_memo((props.patterns.clone(), props.ran.clone(), layers), |(patterns, ran, layers)| {
            layers.as_ref().map(|layers| rows(patterns, ran, layers)).unwrap_or_default()
        });
    let Some(model) = app.value().model.clone() else { return Html::default() };
    let shown = app.value().route.read(&keys::ROLE);
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.choose(&keys::ROLE, &slug))
    };
    let options =
        Shown::ALL.into_iter().map(|s| (s.slug().into(), s.name().into())).collect::<Vec<_>>();
    let scale = Scale::Sequential { max: 1.0 };
    let cell = |layer: usize, head: usize| {
        let row = known.iter().find(|row| row.at == (layer, head));
        let Some((value, chance)) = row.map(|row| row.value(shown)) else {
            return HeadCell::waiting(format!("{} …", shown.name()));
        };
        let Some(value) = value else {
            return HeadCell::empty(format!("{}: nowhere to look", shown.name()));
        };
        let chance = chance.map_or_else(String::new, |c| format!(", chance {}", three(c)));
        let label = format!("{} {}{chance}", shown.name(), three(value));
        HeadCell::coloured(three(value), label, value, scale, dark)
    };
    let layers = &model.summary.layers;
    let is_one = |layer: &usize| props.ran.own_ids(layers.stack(*layer)).is_some();
    let drawn: Vec<usize> = props.patterns.keys().copied().filter(is_one).collect();
    let said = props.head.and_then(|at| {
        let row = known.iter().find(|row| row.at == at)?;
        Some(sentence(&app.value().head_name(at.0, at.1), &row.shares))
    });
    if drawn.is_empty() {
        return Html::default();
    }
    html! {
        <section class="roles" aria-label="Roles on this prompt">
            <h2>{ "What each head does on this prompt" }</h2>
            <div class="controls"><Select label="colour by" {options} value={shown.slug()} on_change={choose} /></div>
            <Gloss term={shown.name()} meaning={shown.meaning()} />
            { head_grid(&app, &format!("{} of every head", shown.name()), Rows { layers, shown: &drawn }, props.head, &[keys::SRC], cell) }
            if let Some(said) = said { <p class="sentence" aria-live="polite">{ said }</p> }
            { table(&app, &known, &props.ran) }
        </section>
    }
}

/// All heads and all roles, with their levels of chance, and the same as a file.
fn table(app: &App, known: &Rc<Vec<Row>>, ran: &Rc<Ran>) -> Html {
    let state = app.value();
    let columns = || Shown::ALL.into_iter().map(|s| s.name());
    let cell = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), three);
    let save = {
        let (app, known, n) = (app.clone(), known.clone(), ran.ids.len());
        Callback::from(move |_: MouseEvent| {
            let chances = || Shown::ALL.into_iter().filter(|s| *s != Shown::Evenness);
            let header = std::iter::once("head".to_owned())
                .chain(columns().map(str::to_owned))
                .chain(chances().map(|s| format!("{}, chance", s.name())));
            let number = |x: Option<f64>| x.map_or(Cell::Empty, Cell::Number);
            let table = known.iter().fold(Table::new(header), |table, row| {
                let name = Cell::from(app.value().head_name(row.at.0, row.at.1));
                let values = Shown::ALL.map(|shown| number(row.value(shown).0));
                let chances = chances().map(|shown| number(row.value(shown).1));
                table.row(std::iter::once(name).chain(values).chain(chances))
            });
            let stamp: Stamp = app.value().stamp(app.value().weights());
            let stamp = stamp.how(format!(
                "attention of one prompt of {n} tokens, averaged over its destinations"
            ));
            // A refused download leaves the table on the page.
            let _ = save("roles.csv", "text/csv", table.csv(&stamp).as_bytes());
        })
    };
    html! {
        <details>
            <summary>{ "All heads, all roles" }</summary>
            <button type="button" onclick={save}>{ "CSV" }</button>
            <div class="numbers" tabindex="0" role="region" aria-label="Roles of all heads">
                <table>
                    <thead><tr><th scope="col">{ "head" }</th>{ for columns().map(|c| html! { <th scope="col">{ c }</th> }) }</tr></thead>
                    <tbody>{ for known.iter().map(|row| {
                        let (app, (layer, head)) = (app.clone(), row.at);
                        let choose = Callback::from(move |_: MouseEvent| pick(&app, layer, head, &[keys::SRC]));
                        html! {
                            <tr key={format!("{layer}-{head}")}>
                                <th scope="row"><button type="button" onclick={choose}>{ state.head_name(layer, head) }</button></th>
                                { for Shown::ALL.into_iter().map(|shown| row.value(shown)).map(|(value, chance)| html! { <td title={chance.map(|c| format!("chance {}", three(c)))}>{ cell(value) }</td> }) }
                            </tr>
                        }
                    }) }</tbody>
                </table>
            </div>
        </details>
    }
}
