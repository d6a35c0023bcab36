//! What every head does on this prompt: a map of roles, and a table of all of them.

use std::rc::Rc;

use yew::prelude::*;

use crate::protocol::attention::Ran;
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::app::{App, use_app, use_dark};
use crate::ui::browser::export::save;
use crate::ui::memory::roles::PromptRoles;
use crate::ui::nothing::nothing;
use crate::ui::palette::Scale;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::head_grid::{HeadCell, Label, Rows, head_grid, pick};
use crate::ui::widgets::select::Select;
use crate::ui::words::attention as words;
use crate::ui::words::format::three;
use crate::ui::words::role::{Shown, sentence};
use crate::ui::words::table::{Cell, Table};

/// Properties of [`RoleMap`].
#[derive(Properties, PartialEq)]
pub(super) struct RoleMapProps {
    /// The head in view.
    pub head: Option<(usize, usize)>,
    /// The prompt.
    pub ran: Rc<Ran>,
}

/// A grid coloured by one role, the sentence about the head in view, the table of all.
#[component]
pub(super) fn RoleMap(props: &RoleMapProps) -> Html {
    let app = use_app();
    let dark = use_dark();
    let Some(model) = app.value().model.clone() else { return nothing() };
    // Those of the prompt before are not this one's.
    let Some(known) = app.value().roles.clone().filter(|roles| roles.ran == props.ran) else {
        return nothing();
    };
    let shown = app.value().route.read(&keys::ROLE);
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.choose(&keys::ROLE, &slug))
    };
    let options =
        Shown::ALL.into_iter().map(|s| (s.slug().into(), s.name().into())).collect::<Vec<_>>();
    let scale = Scale::Sequential { max: 1.0 };
    let cell = |layer: usize, head: usize| {
        let row = known.heads.get(&(layer, head));
        let Some((value, chance)) = row.map(|row| row.value(shown)) else {
            return HeadCell::waiting(format!("{} …", shown.name()));
        };
        let Some(value) = value else {
            return HeadCell::empty(words::nowhere_to_look(&shown.name()));
        };
        let chance = chance.map_or_else(String::new, |c| format!(", chance {}", three(c)));
        let label = format!("{} {}{chance}", shown.name(), three(value));
        HeadCell::coloured(three(value), label, value, scale, dark)
    };
    let layers = &model.summary.layers;
    let mut drawn: Vec<usize> = known.heads.keys().map(|at| at.0).collect();
    drawn.dedup();
    let said = props.head.and_then(|at| {
        let row = known.heads.get(&at)?;
        Some(sentence(&app.value().head_name(at.0, at.1), &row.shares))
    });
    if drawn.is_empty() {
        return nothing();
    }
    html! {
        <section class="roles" aria-label={words::ROLES_PROMPT}>
            <h2>{ words::WHAT_EACH_HEAD_DOES }</h2>
            <div class="controls"><Select label="colour by" {options} value={shown.slug()} on_change={choose} /></div>
            <Gloss term={shown.name()} meaning={shown.meaning()} />
            { head_grid(&app, Label(&words::every_head(&shown.name()), None), Rows { layers, shown: &drawn }, props.head, &[keys::SRC], cell) }
            if let Some(said) = said { <p class="sentence" aria-live="polite">{ said }</p> }
            { table(&app, &known) }
        </section>
    }
}

/// All heads and all roles, with their levels of chance, and the same as a file.
fn table(app: &App, known: &Rc<PromptRoles>) -> Html {
    let state = app.value();
    let columns = || Shown::ALL.into_iter().map(|s| s.name());
    let cell = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), three);
    let save = {
        let (app, known) = (app.clone(), known.clone());
        Callback::from(move |_: MouseEvent| {
            let chances = || Shown::ALL.into_iter().filter(|s| *s != Shown::Evenness);
            let header = std::iter::once("head".to_owned())
                .chain(columns().map(str::to_owned))
                .chain(chances().map(|s| format!("{}, chance", s.name())));
            let number = |x: Option<f64>| x.map_or(Cell::Empty, Cell::Number);
            let table = known.heads.iter().fold(Table::new(header), |table, (at, row)| {
                let name = Cell::from(app.value().head_name(at.0, at.1));
                let values = Shown::ALL.map(|shown| number(row.value(shown).0));
                let chances = chances().map(|shown| number(row.value(shown).1));
                table.row(std::iter::once(name).chain(values).chain(chances))
            });
            let stamp: Stamp = app.value().stamp(app.value().weights());
            let stamp = stamp.how(words::attention_averaged_over(&known.prompt()));
            // A refused download leaves the table on the page.
            let _ = save("roles.csv", "text/csv", table.csv(&stamp).as_bytes());
        })
    };
    html! {
        <details>
            <summary>{ words::ALL_HEADS_ALL_ROLES }</summary>
            <button type="button" onclick={save}>{ "CSV" }</button>
            <div class="numbers" tabindex="0" role="region" aria-label={words::ROLES_ALL_HEADS}>
                <table>
                    <thead><tr><th scope="col">{ "head" }</th>{ for columns().map(|c| html! { <th scope="col">{ c }</th> }) }</tr></thead>
                    <tbody>{ for known.heads.iter().map(|(&(layer, head), row)| {
                        let app = app.clone();
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
