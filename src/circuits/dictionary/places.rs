//! Decoders with three axes: crosscoders and cross-layer transcoders, which write at several places; one place is a dictionary.
//!
//! A crosscoder's decoder is `[n_features, n_places, d_model]`, that of a cross-layer transcoder `[n_places, n_features, d_model]`
//! or one tensor for each layer that it reads at. There are more features than places, which tells them apart.

/// The places of a decoder with three axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    /// How many there are.
    pub(super) n_places: usize,
    n_features: usize,
    /// A feature's places lie side by side.
    inside: bool,
}

/// One place's features, as rows of the decoder with its first two axes taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// How many features there are.
    pub(super) n_features: usize,
    /// The first one's row.
    pub(super) first: usize,
    /// Rows from one to the next.
    pub(super) step: usize,
}

impl Places {
    /// The places of a tensor of `shape`, if it has three axes and its last one is `width`.
    pub(super) fn of(shape: &[usize], width: usize) -> Option<Self> {
        let &[a, b, last] = shape else { return None };
        let (n_features, n_places, inside) = if a >= b { (a, b, true) } else { (b, a, false) };
        (last == width && n_places > 0).then_some(Self { n_places, n_features, inside })
    }

    /// The place that is called `i`.
    pub(super) fn get(self, i: usize) -> Option<Place> {
        let Self { n_places, n_features, inside } = self;
        let (first, step) = if inside { (i, n_places) } else { (i * n_features, 1) };
        (i < n_places).then_some(Place { n_features, first, step })
    }
}

/// What a place of a decoder is called: "W_dec@1".
pub(super) fn name(tensor: &str, place: usize) -> String {
    format!("{tensor}@{place}")
}

/// Takes such a name apart.
pub(super) fn split(name: &str) -> Option<(&str, usize)> {
    let (tensor, place) = name.rsplit_once('@')?;
    Some((tensor, place.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_the_longer_axis() {
        let cross = Places::of(&[96, 2, 8], 8).unwrap();
        assert_eq!(cross.get(1), Some(Place { n_features: 96, first: 1, step: 2 }));
        assert_eq!(cross.get(2), None);
        let layers = Places::of(&[3, 40, 8], 8).unwrap();
        assert_eq!(layers.get(2), Some(Place { n_features: 40, first: 80, step: 1 }));
        assert!(Places::of(&[96, 2, 9], 8).is_none() && Places::of(&[96, 8], 8).is_none());
        assert_eq!(split(&name("W_dec", 3)), Some(("W_dec", 3)));
        assert_eq!((split("W_dec"), split("a@b")), (None, None));
    }
}
