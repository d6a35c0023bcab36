//! Compare: what training, fine-tuning or an adapter changed, head by head, from a second model to the open one.

use std::cell::RefCell;
use std::rc::Rc;

use yew::prelude::*;

use crate::model::Weights;
use crate::protocol::compare::{Beside, Between, Compare as Heads};
use crate::protocol::model::Hints;
use crate::protocol::{Failure, Unclear};
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::{App, use_app};
use crate::ui::browser::time::now;
use crate::ui::drawing::DRAWING_MS;
use crate::ui::memory::compare::{Compared, News};
use crate::ui::remembered::{Remembered, use_memory};
use crate::ui::session::Session;
use crate::ui::widgets::asked::Asked as Question;
use crate::ui::words::change::summary;
use crate::ui::words::compare as words;
use crate::ui::words::format::three;
use crate::worker::pool::Files;
use crate::worker::request::{JobEvent, Request};
use second::{Choose, Second, use_beside};

mod export_bar;
mod grid;
mod head;
mod score;
mod second;
mod together;
mod training;
mod way;

/// All that makes a comparison another one.
#[derive(Clone, PartialEq)]
struct ComparisonKey {
    generation: u32,
    weights: Weights,
    match_heads: bool,
    second: Second,
}

/// The page: which second model, the grid of change, and the head in view.
#[component]
pub fn Compare() -> Html {
    let app = use_app();
    let store = use_memory::<Compared>();
    let own = use_state(|| None::<Second>);
    let own_third = use_state(|| None::<Second>);
    let second = use_beside(&app, &keys::WITH, &own);
    let third = use_beside(&app, &keys::YARDSTICK, &own_third);
    let state = app.value();
    let weights = state.weights();
    let match_heads = state.route.read(&keys::LIKENESS);
    let asked = state.model.as_ref().zip(second.clone()).map(|(model, second)| ComparisonKey {
        generation: model.generation,
        weights,
        match_heads,
        second,
    });
    // Out of view nothing new is asked; what was found stays.
    let last = use_mut_ref(|| None::<ComparisonKey>);
    let last_third = use_mut_ref(|| None::<Second>);
    if in_view(&app) {
        *last.borrow_mut() = asked;
        *last_third.borrow_mut() = third.clone();
    }
    let (asked, beside) = (last.borrow().clone(), last_third.borrow().clone());
    let yardstick = (asked.clone(), beside);
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
    {
        let (session, hears) = (app.session.clone(), store.dispatcher());
        use_effect_with(yardstick.clone(), move |yardstick| {
            session.jobs.stop("compare/third");
            hears.dispatch(News::Third(yardstick.1.as_ref().map(|third| third.name.clone())));
            if let (Some(asked), Some(third)) = yardstick {
                ask_third(&session, hears, asked, third);
            }
        });
    }
    let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else {
        return html! { <p class="empty">{ words::BUILTIN_MODEL_BEING_LOADED }</p> };
    };
    let (on_second, again) = placed(&own, &second);
    let (set_third, third_again) = placed(&own_third, &third);
    let on_third = Callback::from(move |third: Option<Second>| set_third.emit(third));
    let on_second = on_second.reform(Some);
    let compared = &store.0;
    let once_more = {
        let (session, hears, asked) =
            (app.session.clone(), store.dispatcher(), yardstick.0.clone());
        Callback::from(move |_: MouseEvent| {
            hears.dispatch(News::Begun);
            asked.iter().for_each(|asked| ask(&session, hears.clone(), asked.clone()));
        })
    };
    let refused_third = compared.third.as_ref().and_then(|third| third.refused.clone());
    let body = match (&second, &compared.refused, &compared.models) {
        (None, ..) => {
            html! { <p class="empty">{ words::CHOOSE_MODEL_ONE_CAME }</p> }
        }
        (Some(_), Some(refused), _) => question(refused, words::TWO_CANNOT_COMPARED, again),
        (Some(_), None, None) => {
            html! { <p class="empty" role="status">{ words::SECOND_MODEL_BEING_OPENED }</p> }
        }
        (Some(second), None, Some(models)) => html! {
            <>
                <p class="sentence" aria-live="polite" data-testid="compared">
                    { words::before_now(&(models.conventions[0].model), &model.name) }
                    if let Some(third) = compared.held_against() { { words::the_yardstick_is(&third) } }
                    if compared.complete {
                        { summary(compared.heads.values().map(|head| &**head), |l, h| state.head_name(l, h)) }
                    } else {
                        { words::heads_compared_so_far(&compared.heads.len()) }
                    }
                    if compared.stopped { { words::COMPARISON_CANCELLED } }
                </p>
                if compared.stopped { <p><button type="button" onclick={once_more}>{ words::COMPARE_AGAIN }</button></p> }
                <div class="columns">
                    <grid::Grid compared={compared.clone()} />
                    <head::HeadView change={compared.heads.get(&(at.layer, at.head)).cloned()} absent={absent(compared)} circuit={at.circuit}
                        {weights} {match_heads} second={second.clone()} stamp={stamp(compared)} d_model={model.summary.d_model} />
                </div>
                <together::OnOnePrompt second={second.clone()} {weights} {match_heads} conventions={Rc::new(models.conventions.clone())}
                    head={compared.heads.get(&(at.layer, at.head)).map(|change| (at.layer, change.head))} />
                { remarks(compared) }
                <export_bar::ExportBar compared={compared.clone()} stamp={stamp(compared)} />
            </>
        },
    };
    html! {
        <>
            <Choose {on_second} {on_third} has_third={third.is_some()} />
            if let Some(refused) = refused_third { { question(&refused, words::THIRD_MODEL_NO_YARDSTICK, third_again) } }
            { body }
            <training::Training />
        </>
    }
}

/// Puts a model where the page finds it; and what the reader says of it besides, or nothing, which lets it go.
fn placed(
    own: &UseStateHandle<Option<Second>>,
    now: &Option<Second>,
) -> (Callback<Option<Second>>, Callback<Option<Hints>>) {
    let set = {
        let own = own.clone();
        Callback::from(move |model| own.set(model))
    };
    let now = now.clone();
    let again = set.reform(move |hints: Option<Hints>| {
        hints.and_then(|hints| now.as_ref().map(|model| model.said(hints)))
    });
    (set, again)
}

/// Why a model cannot stand beside the open one; where the reader's word would do, the question.
fn question(refused: &Failure, what: &str, on_answer: Callback<Option<Hints>>) -> Html {
    let open = |unclear: &Unclear| {
        matches!(unclear, Unclear::HeadCount(_) | Unclear::Family(_) | Unclear::Model(_))
    };
    if refused.unclear.as_ref().is_some_and(open) {
        let on_forget = on_answer.reform(|()| None);
        return html! { <Question failure={refused.clone()} on_answer={on_answer.reform(Some)} {on_forget} /> };
    }
    html! {
        <p class="empty" role="status" data-testid="refused">{ format!("{what}: {} {}", refused.what, refused.hint) }</p>
    }
}

/// Opens the second model, then compares every head.
fn ask(session: &Session, hears: UseReducerDispatcher<Remembered<Compared>>, asked: ComparisonKey) {
    let ComparisonKey { weights, match_heads, second, .. } = asked;
    let name = second.name.clone();
    let request = Request::new(Beside { name, weights })
        .beside(&second.files)
        .owner("compare/beside")
        .urgent();
    let again = session.clone();
    session.jobs.ask(request, move |event| match event {
        JobEvent::Part { answer: both, .. } => {
            let layers = both.common.layers.clone();
            hears.dispatch(News::BothModels(both));
            let question = Heads { layers, weights, match_heads };
            let request =
                Request::new(question).beside(&second.files).owner("compare/heads").shared();
            let (hears, session) = (hears.clone(), again.clone());
            // Heads that wait for the next drawing, and when the last one was: drawing takes a core from the workers.
            let waiting = RefCell::new((Vec::new(), 0.0));
            again.jobs.ask(request.listed(words::HEADS_TWO_MODELS_COMPARED), move |event| {
                match event {
                    JobEvent::Begun => {
                        session.answered("compare/heads");
                        waiting.take();
                        hears.dispatch(News::Begun);
                    }
                    JobEvent::Part { answer, .. } => {
                        let (parts, drawn) = &mut *waiting.borrow_mut();
                        parts.push(answer);
                        if now() - *drawn > DRAWING_MS {
                            *drawn = now();
                            hears.dispatch(News::Parts(std::mem::take(parts)));
                        }
                    }
                    JobEvent::Failed { failure, .. } => session.failed("compare/heads", failure),
                    JobEvent::Done => {
                        hears.dispatch(News::Parts(waiting.take().0));
                        hears.dispatch(News::Complete);
                    }
                    JobEvent::Stopped => hears.dispatch(News::Stopped),
                    JobEvent::Gpu(_) => {}
                }
            });
        }
        JobEvent::Failed { failure, .. } => hears.dispatch(News::Refused(failure)),
        _ => {}
    });
}

/// Follows the heads of the second model to the third.
fn ask_third(
    session: &Session,
    hears: UseReducerDispatcher<Remembered<Compared>>,
    asked: &ComparisonKey,
    third: &Second,
) {
    let (before, after) = (&asked.second.files, &third.files);
    let question = Between {
        n_before: before.list().len(),
        hints: [before.hints().clone(), after.hints().clone()],
        weights: asked.weights,
        match_heads: asked.match_heads,
    };
    let files = Files::new([before.list(), after.list()].concat());
    let request = Request::new(question).beside(&files).owner("compare/third");
    let name = third.name.clone();
    let waiting = RefCell::new(Vec::new());
    session.jobs.ask(request.listed(words::HEADS_THIRD_MODEL), move |event| match event {
        JobEvent::Begun => {
            waiting.take();
            hears.dispatch(News::Third(Some(name.clone())));
        }
        JobEvent::Part { answer, .. } => waiting.borrow_mut().push(answer),
        JobEvent::Failed { failure, .. } => hears.dispatch(News::ThirdRefused(failure)),
        JobEvent::Done => {
            let parts = waiting.take();
            // One that failed has told nothing, and holds nothing.
            if !parts.is_empty() {
                hears.dispatch(News::ThirdParts(parts));
                hears.dispatch(News::ThirdComplete);
            }
        }
        JobEvent::Gpu(_) | JobEvent::Stopped => {}
    });
}

/// Why nothing is known of a head.
fn absent(compared: &Compared) -> &'static str {
    match (compared.complete, compared.stopped) {
        (true, _) => words::HEAD_NOT_BOTH_MODELS,
        (false, true) => words::HEAD_NOT_COMPARED,
        (false, false) => words::HEAD_BEING_COMPARED,
    }
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
                <p class="hint">{ words::gains_norms_front_attention(&moved.join(", ")) }</p>
            }
            { for compared.notes.iter().map(|note| html! { <p class="hint">{ note }</p> }) }
        </>
    }
}

/// Where the numbers come from.
fn stamp(compared: &Compared) -> Stamp {
    match &compared.models {
        Some(models) => {
            let stamp = Stamp::between(models.conventions.each_ref());
            match compared.held_against() {
                Some(third) => stamp.how(format!("yardstick: {third}")),
                None => stamp,
            }
        }
        None => Stamp::new("nothing compared", &()),
    }
}

/// Whether the page is the one in view.
fn in_view(app: &App) -> bool {
    app.value().route.page == Page::Compare
}
