//! What may be said of a score's sparseness, given its controls.

use super::format::three;
use crate::circuits::sad::controls::ControlSparsity;

/// The p under which one look counts as sparser than chance, and the false discovery rate of heads over a set of prompts.
pub const FOUND: f64 = 0.05;

/// Where a look stands among `draws` draws of every control; `None` where nothing is defined.
pub fn standing(controls: &ControlSparsity, draws: usize) -> Option<String> {
    let named = [
        ("basis control", controls.basis.p?),
        ("subspace control", controls.subspace.p?),
        ("matched control", controls.matched.p?),
    ];
    let (name, p) = named.into_iter().reduce(|a, b| if b.1 > a.1 { b } else { a })?;
    let as_sparse = (p * (draws + 1) as f64).round() as usize - 1;
    let verdict = if p < FOUND { "Sparser than chance" } else { "No sparser than chance" };
    let rank = match as_sparse {
        0 => format!("none of {draws} draws of any control is as sparse"),
        n => format!("{n} of {draws} draws of the {name} are as sparse"),
    };
    Some(format!("{verdict}: {rank} (p {}, of this one look).", three(p)))
}

/// How many heads of a set are sparser than chance.
pub fn found_heads(q: &[f64]) -> String {
    let found = q.iter().filter(|q| **q < FOUND).count();
    let heads = q.len();
    let which = match found {
        0 => "No head is".to_owned(),
        1 => "One head is".to_owned(),
        n => format!("{n} heads are"),
    };
    format!(
        "{which} sparser than chance at q < {FOUND}, of {heads} with an event: q is of the weakest of the three controls, over the prompts, \
         corrected over these heads. The clearest come first."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::sad::controls::Spread;
    use crate::circuits::sad::sparsity::Sparsity;

    fn controls(p: [f64; 3]) -> ControlSparsity {
        let spread = Spread::of(&[], &Sparsity::of(&[1.0]));
        let [basis, subspace, matched] = p.map(|p| Spread { p: Some(p), ..spread.clone() });
        ControlSparsity { basis, subspace, matched }
    }

    #[test]
    fn the_weakest_control_decides() {
        let said = |p| standing(&controls(p), 199).unwrap();
        assert!(said([0.005; 3]).starts_with("Sparser than chance: none of 199 draws of any"));
        let decaying = said([0.005, 0.4, 0.01]);
        assert!(decaying.starts_with("No sparser than chance: 79 of 199 draws of the subspace"));
        assert!(said([0.005, 0.01, 0.2]).contains("39 of 199 draws of the matched control"));
        assert!(said([0.045, 0.01, 0.01]).contains("Sparser than chance: 8 of 199"));
    }

    #[test]
    fn heads_are_counted_after_correction() {
        assert!(found_heads(&[0.2, 0.9]).starts_with("No head is"));
        assert!(found_heads(&[0.01, 0.9, 0.04]).starts_with("2 heads are sparser"));
    }
}
