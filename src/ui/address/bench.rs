//! The theorem bench's settings as parameters of the URL.

use super::key::real;
use super::keys::{
    BENCH_DIMENSIONS, BENCH_FEATURES, BENCH_KIND, BENCH_MOVED, BENCH_SEED, BENCH_STRENGTH,
};
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

/// How far a feature can be moved along each axis.
const REACH: f64 = 1e3;

/// The name of a kind in the URL.
pub fn slug(kind: FeatureKind) -> &'static str {
    KINDS.iter().find(|k| k.0 == kind).map_or("random", |k| k.1)
}

/// The bench that a route names: five directions in the plane where it names none.
pub fn read(route: &Route) -> Bench {
    let (n_features, d_model) = (route.read(&BENCH_FEATURES), route.read(&BENCH_DIMENSIONS));
    let moved = route.find(&BENCH_MOVED).and_then(|text| read_moved(&text, n_features, d_model));
    Bench {
        kind: route.read(&BENCH_KIND),
        n_features,
        d_model,
        strength: route.read(&BENCH_STRENGTH),
        seed: route.read(&BENCH_SEED),
        moved: moved.unwrap_or_default(),
    }
}

/// `route` with this bench.
pub fn write(route: Route, bench: &Bench) -> Route {
    let route = route
        .put(&BENCH_KIND, bench.kind)
        .put(&BENCH_FEATURES, bench.n_features)
        .put(&BENCH_DIMENSIONS, bench.d_model)
        .put(&BENCH_STRENGTH, bench.strength)
        .put(&BENCH_SEED, bench.seed);
    if bench.moved.is_empty() {
        return route.clear(&BENCH_MOVED);
    }
    let one = |(row, to): &(usize, Vec<f64>)| {
        let to: Vec<String> = to.iter().map(f64::to_string).collect();
        format!("{row}:{}", to.join(":"))
    };
    route.put(&BENCH_MOVED, bench.moved.iter().map(one).collect::<Vec<_>>().join(","))
}

/// Rows of `n` in `d` dimensions with their new places; none of them if one cannot be.
fn read_moved(text: &str, n: usize, d: usize) -> Option<Vec<(usize, Vec<f64>)>> {
    let one = |text: &str| {
        let (row, to) = text.split_once(':')?;
        let to: Vec<f64> = to.split(':').map(|x| real(x, -REACH, REACH)).collect::<Option<_>>()?;
        let row = row.parse().ok().filter(|row| *row < n)?;
        (to.len() == d).then_some((row, to))
    };
    text.split(',').map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::address::key::Key;

    fn opening() -> Bench {
        read(&Route::default())
    }

    #[test]
    fn a_bench_survives_the_url() {
        let moved = vec![(0, vec![0.25, -1.0]), (3, vec![1e-3, 2.0])];
        let bench =
            Bench { kind: FeatureKind::Cone, n_features: 7, strength: 0.75, moved, ..opening() };
        assert_eq!(read(&Route::parse(&write(Route::default(), &bench).to_hash())), bench);
        assert_eq!(read(&Route::parse("#/theorems?x-kind=square&x-moved=1:NaN")), opening());
    }

    #[test]
    fn a_bench_out_of_its_limits_is_brought_back_and_what_cannot_be_moved_stays() {
        let far = "#/theorems?x-n=4000000000&x-d=99999999999999999999&x-strength=1e300&x-seed=-3";
        let bench = read(&Route::parse(far));
        assert_eq!((bench.n_features, bench.d_model, bench.seed), (128, 64, 2));
        assert_eq!(bench.strength, 3.0);
        for moved in ["5:0:0", "0:1", "0:1:1:1", "4294967295:0:0", "0:inf:0", ":", ","] {
            let route = Route::default().with(BENCH_MOVED.name(), moved);
            assert!(read(&route).moved.is_empty(), "{moved}");
        }
        assert_eq!(read(&Route::parse("#/theorems?x-moved=4:1e9:0")).moved, [(4, vec![1e3, 0.0])]);
    }
}
