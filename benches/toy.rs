//! How fast a toy trains: `cargo bench --bench toy` prints seconds for the two runs of the budget and the two that open the lab.

use omega_lens::toy::{Config, ToyError, Trainer, presets};
use std::time::Instant;

fn main() -> Result<(), ToyError> {
    let preset =
        |id: &str| presets().into_iter().find(|p| p.id == id).map(|p| p.config).unwrap_or_default();
    let budget = Config { batch: 128, steps: 2000, ..preset("one-pair") };
    for (name, config, limit) in [
        ("one pair, batch 128", budget, Some(1.5)),
        ("one pair, as the lab opens", preset("one-pair"), None),
        ("eight pairs, as the lab opens", preset("eight-pairs"), None),
        ("twenty pairs", preset("twenty-pairs"), Some(15.0)),
    ] {
        let (n, d, m, batch) = (config.n_features, config.d_model, config.n_keys, config.batch);
        let mut trainer = Trainer::new(config)?;
        let start = Instant::now();
        while !trainer.is_done() {
            trainer.step();
        }
        let seconds = start.elapsed().as_secs_f64();
        let steps = trainer.state().step;
        let limit = limit.map_or(String::new(), |s: f64| format!(", budget in a browser {s} s"));
        println!("{name} (N={n} D={d} m={m} B={batch}): {steps} steps in {seconds:.2} s{limit}");
    }
    Ok(())
}
