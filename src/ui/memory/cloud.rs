//! The cloud of Theorem 2 as far as it is drawn, and the one function that changes it. Knows no browser.

use super::Memory;
use crate::circuits::whitening::Anisotropy;

/// The cloud so far, and where the open model's dictionaries lie in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CloudDrawn {
    /// Four numbers a draw.
    pub values: Vec<f32>,
    /// The open model's dictionaries, by name.
    pub dictionaries: Vec<(String, Anisotropy)>,
    /// Whether they are being measured.
    pub measuring: bool,
}

/// What is heard of it.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Another cloud is being drawn.
    Fresh,
    /// Some draws of it.
    Piece(Vec<f32>),
    /// The dictionaries are being measured.
    FreshDictionaries,
    /// Where one of them lies.
    Dictionary(String, Anisotropy),
    /// That was all of them.
    Measured,
}

impl Memory for CloudDrawn {
    type News = News;

    fn after(&self, news: News) -> Self {
        let mut next = self.clone();
        match news {
            News::Fresh => next.values.clear(),
            News::Piece(values) => next.values.extend(values),
            News::FreshDictionaries => (next.dictionaries, next.measuring) = (Vec::new(), true),
            News::Dictionary(name, anisotropy) => next.dictionaries.push((name, anisotropy)),
            News::Measured => next.measuring = false,
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_cloud_leaves_the_dictionaries_and_other_dictionaries_the_cloud() {
        let lies = Anisotropy {
            dimensions: 8,
            n_features: 20,
            norm: 0.5,
            alignment: 0.9,
            participation: 6.0,
            ridge: 0.0,
        };
        let heard = [
            News::Piece(vec![0.1, 0.2, 0.3, 0.0]),
            News::FreshDictionaries,
            News::Piece(vec![0.4, 0.5, 0.6, 1.0]),
            News::Dictionary("embeddings".into(), lies),
        ];
        let cloud = heard.into_iter().fold(CloudDrawn::default(), |cloud, news| cloud.after(news));
        assert_eq!((cloud.values.len(), cloud.dictionaries.len(), cloud.measuring), (8, 1, true));
        let other = cloud.after(News::Fresh);
        assert_eq!((other.values.len(), &other.dictionaries), (0, &cloud.dictionaries));
        let measured = cloud.after(News::Measured);
        assert_eq!((&measured.dictionaries, measured.measuring), (&cloud.dictionaries, false));
        let again = measured.after(News::FreshDictionaries);
        assert_eq!((&again.values, again.dictionaries.is_empty()), (&cloud.values, true));
    }
}
