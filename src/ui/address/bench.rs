//! The theorem bench's settings as parameters of the URL.

use super::route::Route;
use crate::protocol::toy::Bench;
use crate::toy::FeatureKind;

/// Kinds of features: name in the URL, words on the page.
pub const KINDS: [(FeatureKind, &str, &str); 4] = [
    (FeatureKind::Random, "random", "random directions"),
    (FeatureKind::Cone, "cone", "a cone"),
    (FeatureKind::PowerLaw, "power", "a power law"),
    (FeatureKind::NearlyTight, "tight", "a disturbed tight frame"),
];

/// Names of the parameters.
const KIND: &str = "x-kind";
const FEATURES: &str = "x-n";
const DIMENSIONS: &str = "x-d";
const STRENGTH: &str = "x-strength";
const SEED: &str = "x-seed";
const MOVED: &str = "x-moved";

/// The bench that opens the page: five directions in the plane.
pub fn opening() -> Bench {
    Bench {
        kind: FeatureKind::Random,
        n_features: 5,
        d_model: 2,
        strength: 0.5,
        seed: 2,
        moved: Vec::new(),
    }
}

/// The bench that a route names.
pub fn read(route: &Route) -> Bench {
    let mut bench = opening();
    let kind = KINDS.iter().find(|(_, slug, _)| Some(*slug) == route.text(KIND));
    bench.kind = kind.map_or(bench.kind, |k| k.0);
    bench.n_features = route.value(FEATURES).unwrap_or(bench.n_features);
    bench.d_model = route.value(DIMENSIONS).unwrap_or(bench.d_model);
    bench.strength = route.value(STRENGTH).unwrap_or(bench.strength);
    bench.seed = route.value(SEED).unwrap_or(bench.seed);
    bench.moved = route.text(MOVED).and_then(read_moved).unwrap_or_default();
    bench
}

/// `route` with this bench.
pub fn write(route: Route, bench: &Bench) -> Route {
    let slug = KINDS.iter().find(|(kind, ..)| *kind == bench.kind).map_or("random", |k| k.1);
    let route = route
        .with(KIND, slug)
        .with(FEATURES, bench.n_features)
        .with(DIMENSIONS, bench.d_model)
        .with(STRENGTH, bench.strength)
        .with(SEED, bench.seed);
    if bench.moved.is_empty() {
        return route.without(MOVED);
    }
    let one = |(row, to): &(usize, Vec<f64>)| {
        let to: Vec<String> = to.iter().map(f64::to_string).collect();
        format!("{row}:{}", to.join(":"))
    };
    route.with(MOVED, bench.moved.iter().map(one).collect::<Vec<_>>().join(","))
}

fn read_moved(text: &str) -> Option<Vec<(usize, Vec<f64>)>> {
    let one = |text: &str| {
        let (row, to) = text.split_once(':')?;
        let to: Option<Vec<f64>> =
            to.split(':').map(|x| x.parse().ok().filter(|x: &f64| x.is_finite())).collect();
        Some((row.parse().ok()?, to?))
    };
    text.split(',').map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bench_survives_the_url() {
        let moved = vec![(0, vec![0.25, -1.0]), (3, vec![1e-3, 2.0])];
        let bench =
            Bench { kind: FeatureKind::Cone, n_features: 7, strength: 0.75, moved, ..opening() };
        assert_eq!(read(&Route::parse(&write(Route::default(), &bench).to_hash())), bench);
        assert_eq!(read(&Route::parse("#/theorems?x-kind=square&x-moved=1:NaN")), opening());
    }
}
