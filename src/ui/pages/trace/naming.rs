//! What the reader calls a node: a name of its own, or that of several which are then drawn as one. All of it stands in the address.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::trace::Node;
use crate::protocol::trace::Answer;
use crate::ui::address::keys;
use crate::ui::app::{App, use_app};
use crate::ui::layered::Picture;
use crate::ui::layered::groups::Groups;
use crate::ui::words::circuit::full_name;
use crate::ui::words::trace as words;

/// Properties of [`Naming`].
#[derive(Properties, PartialEq)]
pub(super) struct NamingProps {
    /// What was found.
    pub answer: Rc<Answer>,
    /// What is drawn of it.
    pub picture: Rc<Picture>,
    /// The node that is pinned.
    pub node: Node,
}

/// A field for the name, the names that are there already, and what is under this one.
#[component]
pub(super) fn Naming(props: &NamingProps) -> Html {
    let app = use_app();
    let groups = Groups::parse(&app.value().route.read(&keys::GROUPS));
    let named = props.picture.named(Some(props.node));
    let now = named.map(|named| named.name.clone()).unwrap_or_default();
    let field = use_node_ref();
    let slug = props.node.to_string();
    let name_it = {
        let (app, groups) = (app.clone(), groups.clone());
        let (now, slug) = (now.clone(), slug.clone());
        Callback::from(move |name: String| {
            let groups = groups.clone();
            let named = if now.is_empty() {
                groups.with(&name, &slug)
            } else {
                groups.renamed(&now, &name)
            };
            keep(&app, named);
        })
    };
    let onsubmit = {
        let (field, name_it) = (field.clone(), name_it.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(field) = field.cast::<web_sys::HtmlInputElement>() {
                name_it.emit(field.value());
            }
        })
    };
    let others = groups.iter().filter(|group| group.name != now).map(|group| {
        let name = group.name.clone();
        let onclick = name_it.reform(move |_: MouseEvent| name.clone());
        html! { <button type="button" {onclick}>{ format!("into “{}”", group.name) }</button> }
    });
    let members = named.filter(|named| named.members.len() > 1).map(|named| {
        let rows = named.members.iter().map(|member| {
            let (app, groups, slug) = (app.clone(), groups.clone(), member.to_string());
            let onclick =
                Callback::from(move |_: MouseEvent| keep(&app, groups.clone().without(&slug)));
            html! { <li>{ full_name(&props.answer, Some(*member)) }{ " " }<button type="button" {onclick}>{ "take out" }</button></li> }
        });
        html! { <><h3>{ "Its parts" }</h3><ul class="ends" data-testid="parts">{ for rows }</ul></> }
    });
    let label = if now.is_empty() { words::NAME_YOURS } else { words::YOUR_NAME };
    html! {
        <div class="naming" data-testid="naming">
            <form class="fields" {onsubmit}>
                <label class="field"><span>{ label }</span><input key={slug.clone()} ref={field} type="text" size="18" maxlength="40" value={now.clone()} data-testid="node-name" /></label>
                <button type="submit">{ if now.is_empty() { "name it" } else { "rename" } }</button>
                { for others }
            </form>
            { members }
            if now.is_empty() { <p class="hint">{ words::NODES_UNDER_ONE_NAME }</p> }
        </div>
    }
}

/// Puts the names into the address; what is pinned stays pinned under its new name.
fn keep(app: &App, groups: Groups) {
    let route = app.value().route.clone();
    let text = groups.to_string();
    app.replace(if text.is_empty() {
        route.clear(&keys::GROUPS)
    } else {
        route.put(&keys::GROUPS, text)
    });
}
