//! Compare: what training, fine-tuning or an adapter changed, head by head, from a second model to the open one.

use std::cell::RefCell;
use std::rc::Rc;

use yew::prelude::*;

use crate::model::Weights;
use crate::protocol::compare::{Beside, Compare as Heads};
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::{App, use_app};
use crate::ui::browser::time::now;
use crate::ui::drawing::DRAWING_MS;
use crate::ui::memory::compare::{Compared, News};
use crate::ui::session::Session;
use crate::ui::words::change::summary;
use crate::ui::words::format::three;
use crate::worker::request::{Heard, Request};
use second::{Choose, Second, use_second};

mod export_bar;
mod grid;
mod head;
mod score;
mod second;
mod together;
mod training;
mod way;

/// The comparison as Yew's reducer sees it.
#[derive(Clone, PartialEq, Default)]
struct Store(Compared);

impl Reducible for Store {
    type Action = News;

    fn reduce(self: Rc<Self>, news: News) -> Rc<Self> {
        Rc::new(Self(self.0.after(news)))
    }
}

/// All that makes a comparison another one.
#[derive(Clone, PartialEq)]
struct Asked {
    generation: u32,
    weights: Weights,
    match_heads: bool,
    second: Second,
}

/// The page: which second model, the grid of change, and the head in view.
#[component]
pub fn Compare() -> Html {
    let app = use_app();
    let store = use_reducer(Store::default);
    let own = use_state(|| None::<Second>);
    let second = use_second(&app, &own);
    let state = app.value();
    let weights = state.weights();
    let match_heads = state.route.read(&keys::LIKENESS);
    let asked = state.model.as_ref().zip(second.clone()).map(|(model, second)| Asked {
        generation: model.generation,
        weights,
        match_heads,
        second,
    });
    // Out of view nothing new is asked; what was found stays.
    let last = use_mut_ref(|| None::<Asked>);
    if in_view(&app) {
        *last.borrow_mut() = asked;
    }
    let asked = last.borrow().clone();
    {
        let (session, hears) = (app.session.clone(), store.dispatcher());
        use_effect_with(asked, move |asked| {
            hears.dispatch(News::Fresh);
            match asked {
                Some(asked) => ask(&session, hears, asked.clone()),
                None => ["compare/beside", "compare/heads"]
                    .iter()
                    .for_each(|owner| session.jobs.stop(owner)),
            }
        });
    }
    let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else {
        return html! { <p class="empty">{ "The built-in model is being loaded." }</p> };
    };
    let on_files = Callback::from(move |files| own.set(Some(files)));
    let compared = &store.0;
    let body = match (&second, &compared.refused, &compared.known) {
        (None, ..) => {
            html! { <p class="empty">{ "Choose the model that this one came from: its base, an earlier step, another seed. Every head is compared with the head that it was." }</p> }
        }
        (Some(_), Some(refused), _) => html! {
            <p class="empty" role="status" data-testid="refused">{ format!("These two cannot be compared: {} {}", refused.what, refused.hint) }</p>
        },
        (Some(_), None, None) => {
            html! { <p class="empty" role="status">{ "The second model is being opened." }</p> }
        }
        (Some(second), None, Some(known)) => html! {
            <>
                <p class="sentence" aria-live="polite" data-testid="compared">
                    { format!("From {} (before) to {} (now). ", known.conventions[0].model, model.name) }
                    if compared.complete {
                        { summary(compared.heads.values().map(|head| &**head), |l, h| state.head_name(l, h)) }
                    } else {
                        { format!("{} heads compared so far.", compared.heads.len()) }
                    }
                </p>
                <div class="columns">
                    <grid::Grid compared={compared.clone()} />
                    <head::HeadView change={compared.heads.get(&(at.layer, at.head)).cloned()} complete={compared.complete} circuit={at.circuit}
                        {weights} {match_heads} second={second.clone()} stamp={stamp(compared)} d_model={model.summary.d_model} />
                </div>
                <together::OnOnePrompt second={second.clone()} {weights} {match_heads} conventions={Rc::new(known.conventions.clone())}
                    head={compared.heads.get(&(at.layer, at.head)).map(|change| (at.layer, change.head))} />
                { remarks(compared) }
                <export_bar::ExportBar compared={compared.clone()} stamp={stamp(compared)} />
            </>
        },
    };
    html! { <><Choose {on_files} />{ body }<training::Training /></> }
}

/// Opens the second model, then compares every head.
fn ask(session: &Session, hears: UseReducerDispatcher<Store>, asked: Asked) {
    let Asked { weights, match_heads, second, .. } = asked;
    let name = second.name.clone();
    let request = Request::new(Beside { name, weights })
        .beside(&second.files)
        .owner("compare/beside")
        .urgent();
    let again = session.clone();
    session.jobs.ask(request, move |heard| match heard {
        Heard::Part { answer: known, .. } => {
            let layers = known.common.layers.clone();
            hears.dispatch(News::Known(known));
            let question = Heads { layers, weights, match_heads };
            let request =
                Request::new(question).beside(&second.files).owner("compare/heads").shared();
            let (hears, session) = (hears.clone(), again.clone());
            // Heads that wait for the next drawing, and when the last one was: drawing takes a core from the workers.
            let waiting = RefCell::new((Vec::new(), 0.0));
            again.jobs.ask(
                request.listed("heads of two models compared"),
                move |heard| match heard {
                    Heard::Begun => {
                        waiting.take();
                        hears.dispatch(News::Begun);
                    }
                    Heard::Part { answer, .. } => {
                        let (parts, drawn) = &mut *waiting.borrow_mut();
                        parts.push(answer);
                        if now() - *drawn > DRAWING_MS {
                            *drawn = now();
                            hears.dispatch(News::Parts(std::mem::take(parts)));
                        }
                    }
                    Heard::Failed { failure, .. } => session.note(failure),
                    Heard::Done => {
                        hears.dispatch(News::Parts(waiting.take().0));
                        hears.dispatch(News::Complete);
                    }
                    Heard::Gpu(_) | Heard::Stopped => {}
                },
            );
        }
        Heard::Failed { failure, .. } => hears.dispatch(News::Refused(failure)),
        _ => {}
    });
}

/// What else the reader should know: norms that moved, heads that are left out.
fn remarks(compared: &Compared) -> Html {
    let moved = compared.norms.values().filter_map(|norm| {
        let largest = norm.queries.into_iter().chain(norm.keys).fold(0.0, f64::max);
        (largest > 0.0).then(|| format!("L{} by {}", norm.layer, three(largest)))
    });
    let moved: Vec<String> = moved.collect();
    html! {
        <>
            if !moved.is_empty() {
                <p class="hint">{ format!("The gains of the norms in front of the attention moved too, relative to their size: {}. Folded weights hold that; raw ones do not.", moved.join(", ")) }</p>
            }
            { for compared.notes.iter().map(|note| html! { <p class="hint">{ note }</p> }) }
        </>
    }
}

/// Where the numbers come from.
fn stamp(compared: &Compared) -> Stamp {
    match &compared.known {
        Some(known) => Stamp::between(known.conventions.each_ref()),
        None => Stamp::new("nothing compared", &()),
    }
}

/// Whether the page is the one in view.
fn in_view(app: &App) -> bool {
    app.value().route.page == Page::Compare
}
