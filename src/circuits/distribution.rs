//! Some values in a few numbers: mean, spread and quartiles.

use serde::{Deserialize, Serialize};

use super::sad::controls::moments;

/// Mean, spread and quartiles of some values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// How many values.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation; `None` for a single value.
    pub sd: Option<f64>,
    /// Minimum, lower quartile, median, upper quartile, maximum, interpolated.
    pub quartiles: [f64; 5],
}

impl Distribution {
    /// Summarises the values; `None` when there are none.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (mean, sd) = moments(values.iter().copied());
        let at = |share: f64| {
            let place = share * (values.len() as f64 - 1.0);
            let low = values.get(place.floor() as usize)?;
            let high = values.get(place.ceil() as usize)?;
            Some(low + (high - low) * place.fract())
        };
        let quartiles = [at(0.0)?, at(0.25)?, at(0.5)?, at(0.75)?, at(1.0)?];
        Some(Self { n: values.len(), mean: mean?, sd, quartiles })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_interpolated() {
        let d = Distribution::of([4.0, 1.0, 2.0, 3.0].into_iter()).unwrap();
        assert_eq!(d.quartiles, [1.0, 1.75, 2.5, 3.25, 4.0]);
        assert!(Distribution::of(std::iter::empty()).is_none());
    }
}
