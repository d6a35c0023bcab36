//! One singular pair: what each side looks for, in tokens, at both ends, and one sentence that says it.

use yew::prelude::*;

use crate::circuits::alignment::Side;
use crate::circuits::omega::Circuit;
use crate::circuits::spectrum::blocks;
use crate::protocol::heads::{PairTokens, SideTokens, TokenCosine};
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::{App, use_app};
use crate::ui::lessons::speech::Speech;
use crate::ui::memory::state::Vectors;
use crate::ui::memory::token_chance::TokenChance;
use crate::ui::nothing::nothing;
use crate::ui::widgets::select::Switch;
use crate::ui::words::format::{three, token};
use crate::ui::words::heads as words;
use crate::ui::words::pictures::{self, OnStage};
use crate::ui::words::text;

/// The pair in view, the list of pairs, and where to go from here.
#[component]
pub fn Pair() -> Html {
    let app = use_app();
    let state = app.value();
    let speech = app.speech();
    let (lang, foreign) = (speech.own(), speech.foreign());
    let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else {
        return nothing();
    };
    let Some(vectors) = state.vectors.clone().filter(|v| v.at == at) else {
        return html! { <section class="column pair" aria-label={speech.say(OnStage::PairOf)} {lang}><p class="empty" role="status">{ speech.say(OnStage::PairSoon) }</p></section> };
    };
    let k = state.k();
    let sigma = vectors.sigma.get(k).copied().unwrap_or(0.0);
    let nearest = state.nearest.clone().filter(|n| n.at == at);
    let pair = nearest.as_ref().and_then(|n| n.pairs.iter().find(|p| p.k == k)).cloned();
    let together =
        blocks(&vectors.sigma).into_iter().find(|b| b.contains(&k)).map_or(1, |b| b.len());
    let [left, right] = pictures::side_names(&speech, at.circuit);
    let chance = state.token_chance();
    let critical = chance.each_ref().map(|level| level.as_ref().map(|level| level.critical));
    // The pair in view, said whole: another page has another default.
    let here = state.route.clone().put(&keys::LAYER, at.layer).put(&keys::HEAD, at.head);
    let here = here.put(&keys::CIRCUIT, at.circuit).put(&keys::K, k);
    let of_circuit = |side: &Side| side.circuit() == at.circuit;
    let seen = state.route.find(&keys::SIDE).filter(of_circuit);
    let side_seen = seen.or(Side::ALL.into_iter().find(of_circuit)).unwrap_or(Side::Dest);
    let to_chance = here.clone().put(&keys::SIDE, side_seen).on(Page::Features).to_hash();
    let to_prompt = here.on(Page::Attention).to_hash();
    let set_mean = {
        let app = app.clone();
        Callback::from(move |on: bool| app.put(&keys::MEAN, on))
    };
    let written = at.circuit == Circuit::Ov && model.summary.has_unembedding;
    let near = if written { OnStage::NearestWritten } else { OnStage::Nearest };
    html! {
        <section class="column pair" aria-label={speech.say(OnStage::PairOf)} {lang}>
            <div class="controls">
                { step(&app, k.checked_sub(1), speech.say(OnStage::PairBefore), "‹") }
                <h2 data-testid="pair">{ format!("k = {k}") }</h2>
                { step(&app, Some(k + 1).filter(|k| *k < vectors.sigma.len()), speech.say(OnStage::PairAfter), "›") }
                <span class="sigma">{ format!("σ {} · {}", three(sigma), pictures::share(&speech, &vectors.sigma, k)) }</span>
            </div>
            if let Some(pair) = &pair {
                <p class="sentence" aria-live="polite">{ pictures::pair_sentence(&speech, at.circuit, (sigma, together), pair, critical) }</p>
                <div class="sides">
                    { side(&speech, left, &pair.left, chance[0].as_ref()) }
                    { side(&speech, right, &pair.right, chance[1].as_ref()) }
                </div>
            } else if model.summary.d_vocab == 0 {
                <p class="empty" lang={foreign}>{ words::FILES_HOLD_NO_TOKEN }</p>
            } else {
                <p class="empty" role="status">{ speech.say(OnStage::ReadingTokens) }</p>
            }
            if let Some(why) = nearest.as_ref().and_then(|nearest| nearest.wordless.as_ref()) {
                <p class="hint" data-testid="wordless" lang={foreign}>{ words::tokens_shown_ids(why) }</p>
            }
            if let Some(nearest) = &nearest {
                <p class="hint">
                    { speech.fill(near, &[&nearest.of.to_string()]) }{ " " }
                    { speech.say(pictures::grey_words(&chance)) }{ " " }
                    if nearest.rows < nearest.of { { speech.fill(OnStage::ReadSoFar, &[&nearest.rows.to_string()]) } }
                </p>
            }
            <Switch label={speech.say(OnStage::RemoveCommon)} on={state.route.read(&keys::MEAN)} on_change={set_mean} />
            if !model.summary.has_tokenizer { <p class="hint" lang={foreign}>{ text::NO_TOKENIZER }</p> }
            <p class="onward">
                // A score is made by QK alone.
                if at.circuit == Circuit::Qk { <a href={to_prompt}>{ speech.say(OnStage::SeePrompt) }</a> }
                <a href={to_chance}>{ speech.say(OnStage::MoreThanChance) }</a>
            </p>
            { list(&app, &vectors, nearest.as_ref().map(|n| n.pairs.as_slice()).unwrap_or_default(), k, critical) }
        </section>
    }
}

fn step(app: &App, to: Option<usize>, label: String, mark: &'static str) -> Html {
    let app = app.clone();
    let onclick = Callback::from(move |_: MouseEvent| {
        if let Some(to) = to {
            app.put(&keys::K, to);
        }
    });
    html! { <button type="button" class="step" aria-label={label} disabled={to.is_none()} {onclick}>{ mark }</button> }
}

fn side(speech: &Speech, name: String, tokens: &SideTokens, chance: Option<&TokenChance>) -> Html {
    let critical = chance.map(|level| level.critical);
    let end = |mark: &'static str, spoken: OnStage, list: &[TokenCosine]| {
        html! {
            <div class="end">
                <h4 aria-label={speech.say(spoken)}>{ mark }</h4>
                <ol lang={speech.foreign()}>
                    { for list.iter().map(|t| html! {
                        <li key={t.id} class={(!pictures::stands_out(t, critical)).then_some("by-chance")}><code>{ token(&t.text) }</code><span class="cosine">{ three(f64::from(t.cosine)) }</span></li>
                    }) }
                </ol>
            </div>
        }
    };
    html! {
        <div class="side">
            <h3>{ name }</h3>
            if let Some(level) = chance { <p class="hint" data-testid="token-chance">{ pictures::chance_of_tokens(speech, level) }</p> }
            { end("+", OnStage::PositiveEnd, &tokens.plus) }
            { end("−", OnStage::NegativeEnd, &tokens.minus) }
        </div>
    }
}

/// Every pair in a line, to pick from.
fn list(
    app: &App,
    vectors: &Vectors,
    pairs: &[PairTokens],
    k: usize,
    [on_left, on_right]: [Option<f64>; 2],
) -> Html {
    let speech = app.speech();
    let first = |side: &SideTokens, critical: Option<f64>| -> Html {
        let word = |t: &TokenCosine| {
            let class = (!pictures::stands_out(t, critical)).then_some("by-chance");
            html! { <span {class}>{ token(&t.text) }{ " " }</span> }
        };
        side.plus.iter().take(3).map(word).collect()
    };
    let sigma = vectors.sigma.as_slice();
    let likeness = vectors.likeness();
    let row = |i: usize, s: f64| {
        let app = app.clone();
        let onclick = Callback::from(move |_: MouseEvent| app.put(&keys::K, i));
        let pair = pairs.iter().find(|p| p.k == i);
        html! {
            <tr key={i} class={(i == k).then_some("selected")}>
                <th scope="row"><button type="button" {onclick}>{ i }</button></th>
                <td>{ three(s) }</td>
                <td>{ pictures::share(&speech, sigma, i) }</td>
                if let Some((cosines, critical)) = &likeness {
                    { for cosines.get(i).map(|c| html! { <td class={(c.abs() <= *critical).then_some("by-chance")}>{ three(*c) }</td> }) }
                }
                <td><code lang={speech.foreign()}>{ pair.map(|p| first(&p.left, on_left)).unwrap_or_default() }</code></td>
                <td><code lang={speech.foreign()}>{ pair.map(|p| first(&p.right, on_right)).unwrap_or_default() }</code></td>
            </tr>
        }
    };
    html! {
        <details class="all-pairs">
            <summary>{ speech.fill(OnStage::AllPairs, &[&sigma.len().to_string()]) }</summary>
            if let Some((_, critical)) = &likeness { <p class="hint">{ speech.fill(OnStage::Likeness, &[&three(*critical)]) }</p> }
            <div class="numbers" tabindex="0" role="region" aria-label={speech.say(OnStage::AllPairsSpoken)}>
                <table>
                    <thead><tr><th scope="col">{ "k" }</th><th scope="col">{ "σ" }</th><th scope="col">{ speech.say(OnStage::PairShare) }</th>
                        if likeness.is_some() { <th scope="col">{ "cos(u, v)" }</th> }
                        <th scope="col">{ speech.say(OnStage::LeftPlus) }</th><th scope="col">{ speech.say(OnStage::RightPlus) }</th></tr></thead>
                    <tbody>{ for sigma.iter().enumerate().map(|(i, s)| row(i, *s)) }</tbody>
                </table>
            </div>
        </details>
    }
}
