//! The top of every page: name, navigation, the open model, the path to what is in view.

use yew::prelude::*;

use super::loading::Loading;
use super::theme;
use crate::ui::address::route::Page;
use crate::ui::app::use_app;
use crate::ui::browser::capture;
use crate::ui::memory::state::Action;
use crate::ui::words::{notebook, text};

/// Name, navigation, model, path.
#[component]
pub fn Header() -> Html {
    let app = use_app();
    let state = app.value();
    let here = state.route.page;
    let link = |page: Page| {
        let href = state.route.clone().on(page).to_hash();
        let current = (page == here).then_some("page");
        html! { <a {href} aria-current={current}>{ page.title() }</a> }
    };
    let path = state.path();
    let pin = {
        let (app, title) = (app.clone(), format!("{}: {}", here.title(), path.join(" › ")));
        Callback::from(move |_: MouseEvent| {
            let pin = capture::view(title.clone(), app.value().route.to_hash());
            app.session.act(Action::Pin(Box::new(pin)));
        })
    };
    let notebook = {
        let href = state.route.clone().on(Page::Notebook).to_hash();
        let current = (here == Page::Notebook).then_some("page");
        html! { <a {href} aria-current={current}>{ notebook::link(state.notebook.pins.len()) }</a> }
    };
    html! {
        <header>
            <div class="bar">
                <h1><span aria-hidden="true">{ "Ω" }</span>{ " Omega Lens" }</h1>
                <nav aria-label="Pages">{ for Page::ALL.into_iter().filter(|p| !matches!(p, Page::Notebook | Page::SelfTest)).map(link) }</nav>
                <div class="tools">
                    { notebook }{ link(Page::SelfTest) }
                    <button type="button" class="theme" onclick={Callback::from(|_| theme::toggle())}
                        aria-label={if app.dark { "Switch to light" } else { "Switch to dark" }}>{ "◐" }</button>
                </div>
            </div>
            <p class="what-it-is">{ text::WHAT }</p>
            <Loading />
            if !path.is_empty() {
                <nav class="path" aria-label="Where you are">
                    <ol>{ for path.into_iter().map(|step| html! { <li>{ step }</li> }) }</ol>
                    if here != Page::Notebook { <button type="button" class="pin" onclick={pin}>{ "pin this view" }</button> }
                </nav>
            }
        </header>
    }
}
