//! The trainer against an independent reference in numpy: step for step from given batches, and whole runs from a seed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says by panicking what is wrong"
)]

use omega_lens::toy::{
    Batch, Config, Metrics, PairFit, Params, ReconOn, Schedule, StepReport, Template, Trainer,
};
use serde_json::Value;

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("golden files are JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

fn count(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("{value} is not a count")) as usize
}

fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(flat).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn transposed(value: &Value) -> Vec<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(flat).collect();
    (0..rows[0].len()).flat_map(|c| rows.iter().map(move |row| row[c])).collect()
}

/// The golden's W [D, N], W_Q and W_K [H, D] are the transposes of ours.
fn params(value: &Value) -> Params {
    Params {
        features: transposed(&value["W"]),
        bias: flat(&value["b"]),
        w_q: transposed(&value["Wq"]),
        w_k: transposed(&value["Wk"]),
    }
}

fn config(cfg: &Value) -> Config {
    let strength = number(&cfg["tscale"]);
    let template = match cfg["task"].as_str() {
        Some("single") => Template::OnePair { strength },
        _ => Template::Pairs {
            n_pairs: count(&cfg["n_pairs"]),
            strongest: strength,
            weakest: strength * number(&cfg["tfloor"]),
        },
    };
    Config {
        n_features: count(&cfg["N"]),
        d_model: count(&cfg["D"]),
        d_head: count(&cfg["H"]),
        n_keys: count(&cfg["m"]),
        batch: count(&cfg["B"]),
        p: number(&cfg["p"]),
        lambda: number(&cfg["lam"]),
        lr: number(&cfg["lr"]),
        schedule: if cfg["lr_sched"] == "cosine" { Schedule::Cosine } else { Schedule::Constant },
        steps: cfg["steps"].as_u64().unwrap_or(20) as usize,
        seed: cfg["seed"].as_u64().unwrap_or(0) as u32,
        template,
        ..Config::default()
    }
}

fn largest_difference(found: &Params, expected: &Params) -> f64 {
    let parts =
        |p: &Params| [p.features.clone(), p.bias.clone(), p.w_q.clone(), p.w_k.clone()].concat();
    parts(found).iter().zip(parts(expected)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The measures of the reference, under its names.
fn assert_metrics(trainer: &Trainer, expected: &Value, case: &str) {
    let found = Metrics::of(trainer.config(), trainer.params()).unwrap();
    let mean = |side: fn(&PairFit) -> f64| {
        found.pairs.iter().map(side).sum::<f64>() / found.pairs.len() as f64
    };
    for (found, name) in [
        (found.sigma[1] / found.sigma[0], "sig2_over_sig1"),
        (found.pairs[0].others_u, "w0_others_mean"),
        (found.pairs[0].others_v, "w1_others_mean"),
        (found.interference, "interf_rel"),
        (found.interference_others, "interf_irr"),
        (found.anisotropy, "aniso_E"),
        (mean(|p| p.cos_u), "hung_u"),
        (mean(|p| p.cos_v), "hung_v"),
        (found.least_cos, "hung_min"),
        (2.0 * found.same_rank_cos - number(&expected["rank_align_v"]), "rank_align_u"),
    ] {
        let expected = number(&expected[name]);
        // The 2e-11 of the trajectory, divided by the gap between neighbouring singular values.
        assert!((found - expected).abs() < 1e-8, "{case}, {name}: {found} against {expected}");
    }
    let final_only = [
        (found.sigma.clone(), "sv"),
        (found.pairs.iter().map(|p| p.effective).collect(), "eff_target"),
        (found.pairs.iter().map(|p| p.target).collect(), "target"),
        (found.pairs.iter().map(|p| p.k.unwrap() as f64).collect(), "best_k"),
    ];
    for (found, name) in final_only {
        for (found, expected) in found.iter().zip(expected.get(name).map(flat).unwrap_or_default())
        {
            assert!((found - expected).abs() < 1e-8, "{case}, {name}: {found} against {expected}");
        }
    }
}

fn assert_losses(report: &StepReport, expected: &Value, tolerance: f64, case: &str) {
    let losses = report.losses;
    for (found, name) in [
        (losses.recon, "recon"),
        (losses.attention, "attn_ce"),
        (losses.kl, "attn_kl"),
        (losses.total, "total"),
    ] {
        let expected = number(&expected[name]);
        let error = (found - expected).abs() / expected.abs().max(1.0);
        assert!(
            error < tolerance,
            "{case}, step {}, {name}: {found} against {expected}",
            report.step
        );
    }
}

#[test]
fn twenty_steps_from_given_batches_follow_the_reference() {
    let golden = read(include_str!("golden/toy/train.json"));
    let tolerance = number(&golden["tol"]["f64"]);
    for case in golden["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let config = Config {
            weight_decay: number(&case["wd"]),
            recon_on: if case["recon_on"] == "query" { ReconOn::Queries } else { ReconOn::All },
            ..config(&golden["cfg"])
        };
        let mut trainer = Trainer::start(config.clone(), params(&golden["init"])).unwrap();
        for (step, batch) in golden["batches"].as_array().unwrap().iter().enumerate() {
            let batch = Batch::from_dense(
                &flat(&batch["Fq"]),
                &flat(&batch["Fk"]),
                config.n_features,
                config.n_keys,
            );
            let report = trainer.step_on(&batch.unwrap()).unwrap();
            assert_losses(&report, &case["losses"][step], tolerance, name);
            if step == 0 {
                assert!(
                    largest_difference(trainer.last_gradient(), &params(&case["grads_step0"]))
                        < tolerance,
                    "{name}"
                );
            }
            if let Some(expected) = case["params_after"].get((step + 1).to_string()) {
                assert!(
                    largest_difference(trainer.params(), &params(expected)) < tolerance,
                    "{name}, step {step}"
                );
            }
        }
    }
}

#[test]
fn whole_runs_from_a_seed_follow_the_reference() {
    let golden = read(include_str!("golden/toy/train_long.json"));
    for run in golden["runs"].as_array().unwrap() {
        let name = run["name"].as_str().unwrap();
        let mut trainer = Trainer::new(config(&run["cfg"])).unwrap();
        let mut trace = run["trace"].as_array().unwrap().iter().peekable();
        let mut mid = run["mid"].as_array().unwrap().iter().peekable();
        while let Some(expected) = trace.peek() {
            let done = trainer.state().step;
            if let Some(expected) = mid.next_if(|mid| count(&mid["step"]) == done) {
                assert_metrics(&trainer, expected, name);
            }
            if trainer.is_done() {
                assert_metrics(&trainer, &run["final"], name);
            }
            let report = trainer.step();
            if report.step == count(&expected["step"]) {
                // Two orders of the same sums differ by 2e-11 after 3000 steps.
                assert_losses(&report, expected, 1e-9, name);
                trace.next();
            }
        }
    }
}

#[test]
fn a_run_resumed_from_its_state_is_the_same_run() {
    let config = Config { steps: 60, schedule: Schedule::Cosine, batch: 16, ..Config::default() };
    let mut straight = Trainer::new(config).unwrap();
    for _ in 0..25 {
        straight.step();
    }
    let text = serde_json::to_string(straight.state()).unwrap();
    let mut resumed = Trainer::resume(serde_json::from_str(&text).unwrap()).unwrap();
    while !straight.is_done() {
        assert_eq!(straight.step(), resumed.step());
    }
    assert_eq!(straight.state(), resumed.state());
}
