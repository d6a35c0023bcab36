//! What `omega align` prints for people.

use std::io::Write;

use super::CliError;
use super::align::Output;
use super::heads::Row;
use crate::circuits::alignment::{Form, Method, RotationNull};

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
    if let Some((c, level)) =
        output.comparison.as_ref().and_then(|c| Some((c, c.isotropic.as_ref()?)))
    {
        writeln!(
            out,
            "isotropic   |cos| {:.3} on average, {:.3} once in twenty (d = {})",
            level.mean, level.critical, c.d_null
        )?;
    }
    for Row { name, of: side, .. } in &output.heads {
        write!(out, "\n{name} {}  mmcs {:.3}", side.side.name(), side.mmcs)?;
        if let Some(null) = &side.rotation_null {
            write!(
                out,
                "  rotations {:.3} ± {:.3}  z {:+.1}  p {:.1e} ({})",
                null.mean,
                null.sd,
                null.z,
                null.p,
                how(null)
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
            let (k, sigma) = (direction.k, direction.sigma);
            let chance = match (direction.z, direction.q) {
                (Some(z), Some(q)) => format!("z {z:+5.1}  q {q:.1e}"),
                _ => "no rotations".to_owned(),
            };
            writeln!(out, "  {k:3}  σ {sigma:8.3}  {chance}  {}", best.join("  "))?;
        }
    }
    out.flush()?;
    Ok(())
}

/// How the p of a side was obtained, and in what form the side is surprising.
fn how(null: &RotationNull) -> String {
    let method = match null.method {
        Method::Counted => "counted",
        Method::Scaled => "scaled",
        Method::Bounded => "bounded",
    };
    let form = match null.form {
        Form::Few => "few directions closer",
        Form::ManyCloser => "all directions closer",
        Form::ManyFarther => "all directions farther",
    };
    format!("{method}; {form}")
}
