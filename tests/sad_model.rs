//! Decomposed scores of real forward passes: they add up in every family, split over their writers, and can be edited.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;

use golden::{Fixture, fixtures, more_families, variants};
use omega_lens::circuits::sad::components::model::{split_head, unsplittable};
use omega_lens::circuits::sad::intervention::{Action, Intervention};
use omega_lens::circuits::sad::run::{HeadSad, LayerRun, Look, edited_scores, position_scores};
use omega_lens::circuits::sad::terms::TermBasis;
use omega_lens::math::product_svd;
use omega_lens::model::architecture::QkNorm;
use omega_lens::model::{
    AttentionLayer, ForwardPass, HeadWeights, LayerTrace, Model, Part, Weights,
};

/// The traces of all layers for the fixture's prompt.
fn traces(fixture: &Fixture, model: &Model) -> Vec<LayerTrace> {
    let mut pass = ForwardPass::of_input(model, &fixture.input()).unwrap();
    let mut traces = Vec::new();
    while pass.next_layer() < model.arch.n_layers {
        traces.extend(pass.step(model, true, None).unwrap());
    }
    traces
}

fn head(model: &Model, layer: usize, head: usize) -> (HeadWeights, TermBasis) {
    let attention = AttentionLayer::read(model, layer, Part::Qk).unwrap();
    let weights = attention.head(head, Weights::Folded).unwrap();
    // Of a latent attention, the rotary part beside the other, as they meet in a score.
    let whole = attention.head(head, Weights::Folded).unwrap().whole();
    let basis = TermBasis::of(&product_svd(&whole.w_q, &whole.w_k).unwrap());
    (weights, basis)
}

/// True if a LayerNorm stands on the queries of some layer.
fn centred_queries(model: &Model) -> bool {
    let norms = model.arch.attentions().filter_map(|attention| attention.qk_norm.as_ref());
    let mut queries = norms.filter_map(|norm| match norm {
        QkNorm::Shared { q, .. } | QkNorm::Together { q, .. } | QkNorm::Rows { q, .. } => Some(q),
        QkNorm::Each { q, .. } => q.first(),
    });
    queries.any(|q| q.kind.centres())
}

#[test]
fn the_terms_of_every_family_sum_to_what_its_forward_pass_scored() {
    for fixture in fixtures().into_iter().chain(variants()).chain(more_families()) {
        let model = fixture.model();
        // `families2` checks the reasons.
        if model.arch.cannot_run.is_some() {
            continue;
        }
        for trace in traces(&fixture, &model) {
            // A delta net or a state space scores nothing.
            let Some(run) = LayerRun::of(&model.arch, &trace) else {
                assert!(model.arch.attention(trace.layer).is_none(), "{}", fixture.name);
                continue;
            };
            for at in 0..run.n_heads {
                let (_, basis) = head(&model, trace.layer, at);
                let place = (trace.layer, at);
                let sad = HeadSad::of(&run, place, &basis, Look::default()).unwrap();
                let name = format!("{} L{}H{at}", fixture.name, trace.layer);
                // A LayerNorm on queries takes their mean out, so W_Q loses a rank; a bias or a rotation leads back out of
                // its row space, and no singular vector carries that: it is the remainder's.
                if !centred_queries(&model) {
                    // Both sides are sums of d_head products in f64.
                    assert!(sad.remainder_share < 1e-9, "{name}: {}", sad.remainder_share);
                }
                let sum: f64 = sad.terms.iter().sum();
                assert!((sum + sad.remainder - sad.score).abs() < 1e-9 * sad.score.abs().max(1.0));
                // An edit that does nothing gives the very scores of the forward pass: scale, soft-cap, ALiBi and
                // relative positions included.
                let terms = run.terms(at, &basis).unwrap();
                let nothing = Intervention {
                    directions: vec![0],
                    action: Action::Scale(1.0),
                    dests: 0..trace.n,
                };
                let added = position_scores(&trace, at);
                let scores = edited_scores(&model.arch, place, &terms, &nothing, added).unwrap();
                let size = trace.n * trace.n_src;
                for (a, b) in scores.iter().zip(&trace.scores[at * size..(at + 1) * size]) {
                    assert!((a - b).abs() < 1e-4 * b.abs().max(1.0), "{name}: {a} {b}");
                }
            }
        }
    }
}

#[test]
fn the_writers_of_every_family_sum_to_its_queries_and_keys() {
    let (mut split, mut refused) = (0, Vec::new());
    for fixture in fixtures().into_iter().chain(variants()) {
        let model = fixture.model();
        let traces = traces(&fixture, &model);
        let Some(last) = traces.last() else { continue };
        let run = LayerRun::of(&model.arch, last).unwrap();
        let place = (last.layer, model.arch.n_heads - 1);
        let (weights, basis) = head(&model, place.0, place.1);
        let found = split_head(&model, &traces, place, &weights, &basis);
        if unsplittable(&model, place.0).is_some() {
            assert!(found.is_err());
            refused.push(fixture.name);
            continue;
        }
        let (q, k) = found.unwrap();
        if fixture.name != "phi_qk_norm" {
            for side in [&q, &k] {
                // The stream and the trace are in f32.
                assert!(
                    side.remainder_share() < 1e-4,
                    "{}: {}",
                    fixture.name,
                    side.remainder_share()
                );
            }
        }
        let terms = run.terms(place.1, &basis).unwrap();
        let dest = last.n - 1;
        let relative = terms.relative(dest, run.view.visible(dest, last.n), dest - 1).unwrap();
        let sides = [q.dest_terms(&relative), k.src_terms(&relative, run.view)];
        for side in sides.map(Option::unwrap) {
            for (k, term) in relative.terms.iter().enumerate() {
                let sum = side.totals(Some(&[k])).iter().sum::<f64>() + side.remainder[k];
                assert!((sum - term).abs() < 1e-6 * term.abs().max(1.0), "{}", fixture.name);
            }
        }
        split += 1;
    }
    assert!(split > 25, "{split}");
    let post_norm = ["bert", "distilbert", "roberta", "opt_post_norm"];
    assert!(post_norm.iter().all(|name| refused.iter().any(|r| r == name)), "{refused:?}");
}

#[test]
fn a_norm_with_a_bias_on_queries_shows_as_remainder_and_nowhere_else_does() {
    let fixture = variants().into_iter().find(|f| f.name == "phi_qk_norm").unwrap();
    let model = fixture.model();
    let traces = traces(&fixture, &model);
    let place = (model.arch.n_layers - 1, 0);
    let (weights, basis) = head(&model, place.0, place.1);
    let (q, _) = split_head(&model, &traces, place, &weights, &basis).unwrap();
    assert!(q.remainder_share() > 1e-3, "{}", q.remainder_share());
}

#[test]
fn taking_every_vector_away_leaves_uniform_attention_and_changes_what_follows() {
    let fixture = Fixture::named("gpt2");
    let model = fixture.model();
    let start = || ForwardPass::of_tokens(&model, &[fixture.ids().unwrap()]).unwrap();
    let trace = start().step(&model, true, None).unwrap().remove(0);
    let run = LayerRun::of(&model.arch, &trace).unwrap();
    let (_, basis) = head(&model, 0, 1);
    let terms = run.terms(1, &basis).unwrap();
    let (n, d_head) = (trace.n, terms.d_head);
    let all =
        Intervention { directions: (0..d_head).collect(), action: Action::Ablate, dests: n - 1..n };
    let scores = edited_scores(&model.arch, (0, 1), &terms, &all, &[]).unwrap();
    let mut pass = start();
    let mut edit = |site: omega_lens::model::forward::Site, own: &mut [f32]| {
        if site.head == 1 {
            own.copy_from_slice(&scores);
        }
    };
    let edited = pass.step(&model, true, Some(&mut edit)).unwrap().remove(0);
    let row = |trace: &LayerTrace, head: usize| {
        let from = (head * n + n - 1) * n;
        trace.pattern[from..from + n].to_vec()
    };
    assert!(row(&edited, 1).iter().all(|p| (p - 1.0 / n as f32).abs() < 1e-5));
    assert_eq!(row(&edited, 0), row(&trace, 0));
    assert_ne!(edited.attn_out, trace.attn_out);
}
