//! What `omega align` prints for people.

use std::io::Write;

use super::CliError;
use super::align::Output;
use super::heads::Row;

/// Features shown for each direction; JSON has all that were asked for.
const SHOWN: usize = 5;

/// Prints a summary of every side, and its directions with their best features.
///
/// # Errors
/// [`CliError::Write`].
pub(super) fn print_text(output: &Output<'_>) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(
        out,
        "dictionary  {} ({} features)",
        output.dictionary.name, output.survey.n_features
    )?;
    for warning in output.dictionary.notes.iter().chain(&output.warnings) {
        writeln!(out, "note        {warning}")?;
    }
    if let Some(c) = &output.comparison {
        writeln!(
            out,
            "chance      |cos| {:.3} on average, {:.3} once in twenty (d = {})",
            c.chance, c.critical, c.d_null
        )?;
    }
    for Row { name, of: side, .. } in &output.heads {
        write!(out, "\n{name} {}  mmcs {:.3}", side.side.name(), side.mmcs)?;
        if let Some(null) = &side.rotation_null {
            write!(
                out,
                "  rotations {:.3} ± {:.3}  z {:+.1}  p {:.3}",
                null.mean, null.sd, null.z, null.p
            )?;
        }
        writeln!(out)?;
        for direction in &side.directions {
            let best: Vec<String> = direction
                .best
                .iter()
                .take(SHOWN)
                .map(|m| format!("{:?} {:+.2}", m.label, m.cos))
                .collect();
            let (k, sigma, q) = (direction.k, direction.sigma, direction.q);
            writeln!(
                out,
                "  {k:3}  σ {sigma:8.3}  z {:+5.1}  q {q:.1e}  {}",
                direction.z,
                best.join("  ")
            )?;
        }
    }
    out.flush()?;
    Ok(())
}
