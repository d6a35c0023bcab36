//! What may be said of a side, given its rotations.

use super::format::three;
use crate::circuits::alignment::{
    Disagreement, Family, Form, IsotropicLevel, Method, RotationNull, SideAlignment,
};
use crate::circuits::matching::MatchingNull;

/// The false discovery rate at which a side counts as aligned.
pub const FOUND: f64 = 0.01;

/// Up to this rate the page speaks of a hint.
const HINT: f64 = 0.05;

/// Directions that are named in a sentence.
const NAMED: usize = 8;

/// The verdict on a side; `None` while its rotations are still to come.
pub fn verdict(side: &SideAlignment) -> Option<String> {
    let Some((null, q)) = side.rotation_null.as_ref().zip(side.q_rotation) else {
        // One direction has no other basis; more have one soon.
        return (side.directions.len() < 2)
            .then(|| "One direction has no other basis, so there is no chance level.".to_owned());
    };
    let weight = match q {
        q if q < FOUND => "",
        q if q < HINT => "No more than a hint: ",
        _ => {
            let dense = match side.disagreement {
                Some(Disagreement::SubspaceNotBasis) => {
                    " The head reads where the features are dense; that its singular vectors single any out is not shown."
                }
                _ => "",
            };
            return Some(format!(
                "As random bases of the same subspace, as far as {} of them can tell (q {}).{dense}",
                null.rotations,
                three(q)
            ));
        }
    };
    let few = match &null.carried_by[..] {
        [] => None,
        [k] => Some(format!("one of its directions, k = {k}, is closer to a feature")),
        many => Some(format!(
            "{} of its directions, {}, are closer to features",
            many.len(),
            listed(many)
        )),
    };
    let together = match null.form {
        Form::Few => None,
        Form::ManyCloser => Some("its directions on the whole are closer to features"),
        Form::ManyFarther => Some("its directions on the whole are farther from features"),
    };
    let what = match (few, together) {
        (Some(few), None) => few,
        (Some(few), Some(together)) => format!("{few}, and {together}"),
        (None, together) => {
            together.unwrap_or("its directions lie otherwise to features").to_owned()
        }
    };
    let sentence = format!("{weight}{what} than chance in the same subspace (q {}).", three(q));
    let mut letters = sentence.chars();
    Some(letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect())
}

/// How well a side's directions and the features pair up, beside what random bases of its subspace reach.
pub fn matching(mean: f64, pairs: usize, null: Option<&MatchingNull>) -> String {
    let own = format!("mean |cosine| of the {pairs} matched pairs is {}", three(mean));
    let Some(null) = null else { return format!("{own}.") };
    let chance = format!("{} ± {}", three(null.mean), three(null.sd));
    let (n, p) = (null.rotations, three(null.p));
    let finest =
        if null.p * (n as f64 + 1.0) < 1.5 { ", the finest that so many can tell" } else { "" };
    if null.p < FOUND {
        format!(
            "{own}, better than {n} random bases of the same subspace, {chance} (p {p}{finest})."
        )
    } else if null.p < HINT {
        format!(
            "{own}; {n} random bases of the same subspace reach {chance}: no more than a hint (p {p}{finest})."
        )
    } else {
        format!("{own}, as of {n} random bases of the same subspace, {chance} (p {p}).")
    }
}

/// `k = 0, 1, 2 …`.
fn listed(directions: &[usize]) -> String {
    let names: Vec<String> = directions.iter().take(NAMED).map(usize::to_string).collect();
    format!("k = {}{}", names.join(", "), if directions.len() > NAMED { " …" } else { "" })
}

/// What a q is over.
pub fn over(family: &Family) -> String {
    let [directions, sides, heads] = family.tests();
    let heads = if heads == 1 { "one head".to_owned() } else { format!("{heads} heads") };
    format!("{directions} directions and {sides} sides of {heads}")
}

/// How a p came about, and how fine it can be.
pub fn method(null: &RotationNull) -> String {
    let how = match null.method {
        Method::Counted => "counted among the rotations",
        Method::Scaled => "scaled from the tail of the rotations",
        Method::Bounded => "a closed-form bound for the closest direction",
    };
    format!("{how}, no finer than {}", three(null.resolution))
}

/// The line across the bars of a side: the best |cosine| that chance exceeds once in twenty, and whose chance that is.
pub fn line(
    side: &SideAlignment,
    isotropic: Option<&IsotropicLevel>,
) -> Option<(f64, &'static str)> {
    let rotated = side.rotated_direction.as_ref().map(|level| {
        (
            level.critical,
            "the line is what a random direction of the same subspace exceeds once in twenty",
        )
    });
    rotated.or_else(|| {
        isotropic.map(|level| {
            (
                level.critical,
                "the line is what chance exceeds once in twenty if features were isotropic",
            )
        })
    })
}

/// `−log₁₀ q`: two is a q of 0.01.
pub fn evidence(q: f64) -> f64 {
    -q.max(1e-300).log10() + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::alignment::Side;

    fn side(q: f64, form: Form, carried_by: Vec<usize>) -> SideAlignment {
        let null = RotationNull {
            mean: 0.3,
            sd: 0.01,
            z: 1.0,
            p: q,
            rotations: 64,
            seed: 0,
            resolution: 1e-7,
            method: Method::Scaled,
            form,
            carried_by,
        };
        SideAlignment {
            layer: 0,
            head: 0,
            side: Side::Src,
            mmcs: 0.3,
            mmcs_weighted: 0.3,
            z_isotropic: Some(9.0),
            rotation_null: Some(null),
            rotation_null_weighted: None,
            rotated_direction: None,
            q_rotation: Some(q),
            disagreement: Some(Disagreement::SubspaceNotBasis),
            n_null: 0,
            directions: Vec::new(),
            blocks: Vec::new(),
        }
    }

    #[test]
    fn words_follow_the_numbers() {
        let said = |q, form, carried: &[usize]| verdict(&side(q, form, carried.to_vec())).unwrap();
        let found = said(1e-4, Form::Few, &[0, 3]);
        assert_eq!(
            found,
            "2 of its directions, k = 0, 3, are closer to features than chance in the same subspace (q 1.0e-4)."
        );
        let both = said(1e-4, Form::ManyFarther, &[2]);
        assert!(both.contains("k = 2, is closer to a feature, and its directions on the whole"));
        assert!(said(0.03, Form::ManyCloser, &[]).starts_with("No more than a hint: its"));
        // At 0.05 and above nothing is claimed, whatever the form and the isotropic z.
        let nothing = said(0.06, Form::Few, &[0]);
        assert!(nothing.starts_with("As random bases") && nothing.contains("is not shown"));
        assert!(!nothing.contains("k = 0"));
    }

    #[test]
    fn nothing_is_said_before_the_rotations_are_there() {
        let mut side = side(1.0, Form::Few, Vec::new());
        side.rotation_null = None;
        assert!(verdict(&side).unwrap().contains("no chance level"));
        assert_eq!(line(&side, None), None);
    }

    #[test]
    fn a_matching_says_no_more_than_its_rotations() {
        let null = |p| MatchingNull { mean: 0.3, sd: 0.01, p, rotations: 199, seed: 0 };
        assert!(matching(0.4, 5, Some(&null(0.005))).contains("better than 199 random bases"));
        let few = MatchingNull { rotations: 19, ..null(0.05) };
        let said = matching(0.4, 5, Some(&few));
        assert!(said.contains("as of 19") && !said.contains("better"), "{said}");
        assert!(matching(0.4, 5, Some(&null(0.02))).contains("a hint"));
        assert!(matching(0.4, 1, None).ends_with("pairs is 0.400."));
    }

    #[test]
    fn evidence_is_a_number_for_every_q() {
        assert_eq!((evidence(1.0), evidence(0.01)), (0.0, 2.0));
        assert!(evidence(0.0).is_finite());
    }
}
