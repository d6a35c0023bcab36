//! Every claim of every preset over several seeds: `cargo bench --bench claims -- [seeds] [preset]` prints the table.

use omega_lens::toy::{History, Outcome, Preset, ToyError, Trainer, presets};

fn outcome(preset: &Preset, seed: u32) -> Result<Outcome, ToyError> {
    let mut config = preset.config.clone();
    config.seed = seed;
    // The order of events needs a record; everything else only the end.
    let every = if preset.figure == "3" { 10 } else { config.steps.max(1) };
    let mut trainer = Trainer::new(config)?;
    let mut history = History::default();
    while !trainer.is_done() {
        trainer.step();
        if trainer.state().step.is_multiple_of(every) {
            history.record(&mut trainer)?;
        }
    }
    Outcome::of(&mut trainer, &history)
}

fn main() -> Result<(), ToyError> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let n_seeds: u32 = words.first().and_then(|word| word.parse().ok()).unwrap_or(5);
    println!("| preset | claim | range | holds | measured, seed by seed |\n|---|---|---|---|---|");
    for preset in presets()
        .iter()
        .filter(|preset| words.get(1).is_none_or(|id| preset.id.starts_with(id.as_str())))
    {
        let outcomes: Vec<Outcome> =
            (0..n_seeds).map(|seed| outcome(preset, seed)).collect::<Result<_, _>>()?;
        for claim in &preset.claims {
            let verdicts: Vec<_> = outcomes.iter().map(|outcome| claim.judge(outcome)).collect();
            let holds = verdicts.iter().filter(|verdict| verdict.holds).count();
            let measured: Vec<String> = verdicts
                .iter()
                .map(|v| v.measured.map_or("never".into(), |x| format!("{x:.3}")))
                .collect();
            let high = if claim.high > 1e300 { "…".into() } else { format!("{}", claim.high) };
            println!(
                "| {} | {:?}: {} ({:?}) | {} to {high} | {holds}/{n_seeds} | {} |",
                preset.id,
                claim.origin,
                claim.says,
                claim.quantity,
                claim.low,
                measured.join(" ")
            );
        }
    }
    Ok(())
}
