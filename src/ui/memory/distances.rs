//! What is known of a rotary head's spectra at a distance. Knows no browser.

use std::rc::Rc;

use super::Memory;
use crate::study::vectors::HeadAt;

/// Which head of which opened model.
pub type HeadOfModel = (u32, HeadAt);

/// The spectra of the head that was asked for last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Distances {
    of: Option<HeadOfModel>,
    sigma: Option<Rc<Vec<Vec<f64>>>>,
    failed: Option<String>,
}

/// What is heard of them.
#[derive(Debug, Clone, PartialEq)]
pub enum DistanceNews {
    /// They are being computed.
    Asked(HeadOfModel),
    /// For every Δ from 0 the singular values `[d_head]`; none where positions do not turn the head.
    Found(Vec<Vec<f64>>),
    /// Why there are none.
    Failed(String),
}

impl Memory for Distances {
    type News = DistanceNews;

    fn after(&self, news: DistanceNews) -> Self {
        let known = self.clone();
        match news {
            DistanceNews::Asked(asked) => Self { of: Some(asked), ..Self::default() },
            DistanceNews::Found(sigma) => Self { sigma: Some(Rc::new(sigma)), ..known },
            DistanceNews::Failed(why) => Self { failed: Some(why), ..known },
        }
    }
}

impl Distances {
    /// What is known of a head: its spectra, or why there are none; nothing while they are being computed.
    pub fn of(&self, asked: HeadOfModel) -> Option<Result<Rc<Vec<Vec<f64>>>, String>> {
        self.of.filter(|of| *of == asked)?;
        let failed = self.failed.clone().map(Err);
        failed.or_else(|| self.sigma.clone().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::omega::Circuit;
    use crate::model::Weights;

    #[test]
    fn another_head_knows_nothing_of_the_last_one() {
        let head = |head| HeadAt { layer: 0, head, circuit: Circuit::Qk, weights: Weights::Raw };
        let at = |n| (1, head(n));
        let asked = Distances::default().after(DistanceNews::Asked(at(1)));
        assert_eq!(asked.of(at(1)), None);
        let found = asked.after(DistanceNews::Found(vec![vec![2.0], vec![1.0]]));
        assert_eq!(found.of(at(1)).unwrap().unwrap()[1], [1.0]);
        assert_eq!(found.of(at(2)), None);
        assert_eq!(found.of((2, head(1))), None, "the same head of another model");
        let next = found.after(DistanceNews::Asked(at(2)));
        assert_eq!((next.of(at(1)), next.of(at(2))), (None, None));
        let failed = next.after(DistanceNews::Failed("NaN".into()));
        assert_eq!(failed.of(at(2)), Some(Err("NaN".into())));
    }
}
