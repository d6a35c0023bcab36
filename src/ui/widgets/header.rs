//! The top of every page: name, navigation, the open model, the path to what is in view.

use yew::prelude::*;

use super::loading::Loading;
use super::theme;
use crate::ui::address::keys::LANG;
use crate::ui::address::route::Page;
use crate::ui::app::use_app;
use crate::ui::browser::capture;
use crate::ui::memory::state::Action;
use crate::ui::words::frame::Word;
use crate::ui::words::language::Language;
use crate::ui::words::notebook;

/// Name, navigation, model, path.
#[component]
pub fn Header() -> Html {
    let app = use_app();
    let state = app.value();
    let here = state.route.page;
    let speech = state.speech();
    let link = |page: Page| {
        let href = state.route.clone().on(page).to_hash();
        let current = (page == here).then_some("page");
        html! { <a {href} aria-current={current}>{ speech.title(page) }</a> }
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
        html! { <a {href} aria-current={current}>{ notebook::link(speech.title(Page::Notebook), state.notebook.pins.len()) }</a> }
    };
    let wanted = state.route.read(&LANG);
    let others = Language::ALL.into_iter().filter(|language| *language != wanted).map(|other| {
        let href = state.route.clone().put(&LANG, other).to_hash();
        html! { <a {href} class="language" lang={other.code()} hreflang={other.code()}>{ other.name() }</a> }
    });
    html! {
        <header>
            <div class="bar">
                <h1><span aria-hidden="true">{ "Ω" }</span>{ " Omega Lens" }</h1>
                <nav aria-label={speech.say(Word::Pages)}>{ for Page::ALL.into_iter().filter(|p| !matches!(p, Page::Notebook | Page::SelfTest)).map(link) }</nav>
                <div class="tools">
                    { notebook }{ link(Page::SelfTest) }{ for others }
                    <button type="button" class="theme" onclick={Callback::from(|_| theme::toggle())}
                        aria-label={speech.say(if app.dark { Word::Light } else { Word::Dark })}>{ "◐" }</button>
                </div>
            </div>
            <p class="what-it-is">{ speech.say(Word::What) }</p>
            <Loading />
            if !path.is_empty() {
                <nav class="path" aria-label={speech.say(Word::WhereYouAre)}>
                    <ol lang={speech.foreign()}>{ for path.into_iter().map(|step| html! { <li>{ step }</li> }) }</ol>
                    if here != Page::Notebook { <button type="button" class="pin" onclick={pin}>{ speech.say(Word::PinThis) }</button> }
                </nav>
            }
        </header>
    }
}
