//! A comparison as a table for people.

use std::io::Write;

use super::CliError;
use super::compare_prompt::Together;
use crate::circuits::alignment::{Match, SideAlignment};
use crate::circuits::compare::CircuitChange;
use crate::circuits::compare::chance::Evidence;
use crate::circuits::convention::Convention;
use crate::model::Head;
use crate::study::compare::Found;

/// A q below this is starred.
const LEVEL: f64 = 0.01;

pub(super) fn print_text(
    [a, b]: &[Convention; 2],
    found: &Found,
    together: Option<&Together>,
) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(out, "from {}", a.line())?;
    writeln!(out, "to   {}", b.line())?;
    writeln!(out, "weights: {}", a.folding)?;
    writeln!(
        out,
        "head          change    (chance,       z)    inside left (chance)  right (chance)    overlap left (chance)  right (chance)"
    )?;
    for head in &found.heads {
        for (name, circuit) in [("QK", &head.qk), ("OV", &head.ov)] {
            let who = Head::new(head.layer, head.head).to_string();
            let partner = if head.head == head.head_b {
                String::new()
            } else {
                format!("→H{}", head.head_b)
            };
            writeln!(out, "{:<9} {name} {}", format!("{who}{partner}"), line(circuit))?;
        }
    }
    if let Some(third) = &found.third {
        beside_third(&mut out, third, found)?;
    }
    writeln!(out, "* q < {LEVEL}: further from chance than so many heads make by accident")?;
    for norm in &found.norms {
        let moved = |x: Option<f64>| x.filter(|x| *x > 0.0);
        if let Some(queries) = moved(norm.queries) {
            writeln!(out, "L{}: the norm in front moved by {queries:.3e}", norm.layer)?;
        }
        if let Some(keys) = moved(norm.keys).filter(|keys| norm.queries != Some(*keys)) {
            writeln!(out, "L{}: the norm in front of the keys moved by {keys:.3e}", norm.layer)?;
        }
    }
    for side in &found.words {
        words(&mut out, side)?;
    }
    together.map(|together| together.print(&mut out)).transpose()?;
    for broken in &found.failed {
        writeln!(out, "{}: {}", Head::new(broken.layer, broken.head), broken.why)?;
    }
    for note in &found.notes {
        writeln!(out, "note: {note}")?;
    }
    out.flush()?;
    Ok(())
}

/// Every change beside that of the third model, brought to one measure by all other heads.
fn beside_third(out: &mut impl Write, third: &str, found: &Found) -> std::io::Result<()> {
    writeln!(out, "beside {third}, which came from the first model too")?;
    writeln!(
        out,
        "head          change (as there,      z)    turned left (as there)  right (as there)"
    )?;
    for head in &found.heads {
        for (name, circuit) in [("QK", &head.qk), ("OV", &head.ov)] {
            let told = |of: &Option<Evidence>| {
                of.map_or_else(
                    || "-".to_owned(),
                    |of| format!("{:.3e} ({:.3e}){}", of.observed, of.expected, star(&of)),
                )
            };
            let chance = &circuit.chance;
            let z =
                chance.third_change.map_or_else(|| "-".to_owned(), |of| format!("{:+.1}", of.z));
            writeln!(
                out,
                "{:<9} {name} {:>22} {z:>7} {:>23} {:>23}",
                Head::new(head.layer, head.head).to_string(),
                told(&chance.third_change),
                told(&chance.third_left),
                told(&chance.third_right),
            )?;
        }
    }
    Ok(())
}

fn line(circuit: &CircuitChange) -> String {
    let chance = &circuit.chance;
    let number = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| format!("{x:.3e}"));
    let expected = |of: &Option<Evidence>| number(of.map(|of| of.expected));
    let z = chance.change.map_or_else(|| "-".to_owned(), |change| format!("{:+.1}", change.z));
    let share = |x: Option<f64>, of: &Option<Evidence>| match (x, of) {
        (None, _) => "-".to_owned(),
        (Some(x), None) => format!("{x:.3} (certain)"),
        (Some(x), Some(of)) => format!("{x:.3} ({:.3}){}", of.expected, star(of)),
    };
    let overlap = |of: &Option<Evidence>| {
        of.map_or_else(
            || "-".to_owned(),
            |of| format!("{:.3} ({:.3}){}", of.observed, of.expected, star(&of)),
        )
    };
    format!(
        "{:>9} ({:>9}, {z:>7}){} {:>18} {:>18} {:>18} {:>18}",
        number(circuit.change),
        expected(&chance.change),
        chance.change.as_ref().map_or(" ", star),
        share(circuit.inside_left, &chance.inside_left),
        share(circuit.inside_right, &chance.inside_right),
        overlap(&chance.overlap_left),
        overlap(&chance.overlap_right),
    )
}

/// The leading pairs of a change, a line each: what stands at either end.
fn words(out: &mut impl Write, side: &SideAlignment) -> std::io::Result<()> {
    let name = side.side.name();
    writeln!(
        out,
        "{} {name} of the change, by its singular pairs",
        Head::new(side.layer, side.head)
    )?;
    for direction in &side.directions {
        let end = |matches: &[Match]| {
            let each = matches.iter().map(|m| format!("{:?} {:+.2}", m.label, m.cos));
            each.collect::<Vec<_>>().join("  ")
        };
        // No rotations are drawn for a change, so its words have the isotropic chance level alone.
        let chance = direction.isotropic.map_or_else(String::new, |isotropic| {
            format!("if words were isotropic: z {:+.1}  p {:.1e}", isotropic.z, isotropic.p)
        });
        let (k, sigma) = (direction.k, direction.sigma);
        let (plus, minus) = (end(&direction.positive), end(&direction.negative));
        writeln!(out, "  {k}  σ {sigma:.3}  {chance}  {plus}  |  {minus}")?;
    }
    Ok(())
}

fn star(evidence: &Evidence) -> &'static str {
    if evidence.q.is_some_and(|q| q < LEVEL) { "*" } else { " " }
}
