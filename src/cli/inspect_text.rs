//! The inspection of a checkpoint as lines of text, as the page's loading panel shows it.

use std::io::Write;

use super::inspect::{Bad, Inspection};

/// Prints the inspection on standard output.
pub(super) fn print(inspection: &Inspection<'_>) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut line = |label: &str, text: String| writeln!(out, "{label:<12} {text}");
    let Inspection { n_layers, n_heads, n_kv_heads, d_model, d_head, .. } = inspection;
    line("family", format!("{} ({})", inspection.title, inspection.family))?;
    line("layers", n_layers.to_string())?;
    let assumed = if inspection.convention.heads_assumed { " (head count assumed)" } else { "" };
    line("heads", format!("{n_heads} per layer, {n_kv_heads} key/value heads{assumed}"))?;
    line("sizes", format!("d_model {d_model}, d_head {d_head}"))?;
    if let Some(d_vocab) = inspection.d_vocab {
        line("vocabulary", d_vocab.to_string())?;
    }
    let sight = if inspection.causal { "sees earlier positions only" } else { "sees both ways" };
    line("positions", format!("{}; {sight}", inspection.positions))?;
    let dtypes: Vec<String> =
        inspection.dtypes.iter().map(|(name, count)| format!("{name} × {count}")).collect();
    line("dtypes", dtypes.join(", "))?;
    line("weights", format!("{} in {} tensors", inspection.n_parameters, inspection.n_tensors))?;
    for file in &inspection.files {
        line("file", format!("{} ({})", file.name, size(file.size)))?;
    }
    for file in &inspection.side_files {
        line("with", (*file).to_owned())?;
    }
    if let Some(words) = &inspection.tokenizer {
        let around = match (words.before.is_empty(), words.by_default) {
            (true, _) => String::new(),
            (false, true) => format!(", prompts begin with {}", words.before.join(" ")),
            (false, false) => format!(", prompts can begin with {}", words.before.join(" ")),
        };
        line("tokenizer", format!("{} tokens{around}", words.n_tokens))?;
    }
    for missing in &inspection.missing {
        line("missing", missing.clone())?;
    }
    if inspection.complete_layers.len() < *n_layers {
        line("complete", format!("layers {:?} of {n_layers}", inspection.complete_layers))?;
    }
    let convention = &inspection.convention;
    line("convention", format!("{}; {}", convention.qk, convention.ov))?;
    line("folded", convention.folding.clone())?;
    for note in &inspection.notes {
        line("note", note.clone())?;
    }
    match &inspection.not_finite {
        Some(bad) if bad.is_empty() => line("not finite", "none".into())?,
        Some(bad) => {
            for Bad { tensor, count, first } in bad {
                line("not finite", format!("{count} in {tensor:?}, the first at {first:?}"))?;
            }
        }
        None => {}
    }
    for entry in inspection.tensors.iter().flatten() {
        line("tensor", format!("{:?} {} {:?}", entry.name, entry.dtype.name(), entry.shape))?;
    }
    out.flush()
}

/// A size in decimal units, as file managers show it.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
