//! The channels of composition that the Features page has found, and the one function that changes them. Knows no browser.

use super::Memory;
use crate::circuits::composition::Reach;
use crate::study::channels::Found;

/// What was found so far, of all heads that were asked about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChannelsFound(pub Found);

/// What the page hears.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Another model, or its other weights.
    Fresh,
    /// The channels from one earlier layer into one head; they replace what was known of the same two heads.
    More(Found),
}

impl Memory for ChannelsFound {
    type News = News;

    fn after(&self, news: News) -> Self {
        match news {
            News::Fresh => Self::default(),
            News::More(Found { channels, by_chance }) => {
                let Found { channels: mut all, by_chance: mut reach } = self.0.clone();
                all.retain(|old| {
                    !channels.iter().any(|c| (c.from, c.into) == (old.from, old.into))
                });
                all.extend(channels);
                reach.resize(by_chance.len().max(reach.len()), Reach::default());
                reach.iter_mut().zip(by_chance).for_each(|(a, b)| *a = a.max(b));
                Self(Found { channels: all, by_chance: reach })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::composition::{Channel, Pair, Reading, Strength};

    /// All readings of one head's writing by another, each with this |cos|.
    fn channels(from: (usize, usize), into: (usize, usize), cos: f64) -> Vec<Channel> {
        let closest = Pair { cos, ..Pair::default() };
        let strength = Strength { closest, ..Strength::default() };
        let readings = [Reading::Query, Reading::Key, Reading::Value];
        readings.map(|reading| Channel { from, into, reading, strength }).into()
    }

    fn reach(cos: f64) -> Reach {
        Reach { cos, ..Reach::default() }
    }

    fn more(channels: Vec<Channel>, by_chance: &[f64]) -> News {
        News::More(Found { channels, by_chance: by_chance.iter().copied().map(reach).collect() })
    }

    #[test]
    fn a_pair_of_heads_that_is_asked_about_twice_counts_once() {
        let first = channels((0, 0), (2, 1), 0.4);
        let other = channels((1, 0), (2, 1), 0.3);
        let found = ChannelsFound::default()
            .after(more(first.clone(), &[]))
            .after(more(other.clone(), &[]))
            .after(more(channels((0, 0), (2, 1), 0.5), &[]));
        assert_eq!(found.0.channels.len(), first.len() + other.len());
        let of_first = found.0.channels.iter().filter(|c| c.from == (0, 0));
        assert_eq!(of_first.map(|c| c.strength.closest.cos).collect::<Vec<_>>(), [0.5; 3]);
        assert_eq!(found.after(News::Fresh), ChannelsFound::default());
    }

    #[test]
    fn chance_reaches_in_every_draw_as_far_as_in_any_layer_whichever_came_first() {
        let parts = [
            more(channels((0, 0), (2, 1), 0.4), &[0.2, 0.6]),
            more(channels((1, 0), (2, 1), 0.3), &[0.5, 0.1, 0.3]),
        ];
        let [forth, back] = [[0, 1], [1, 0]].map(|order| {
            let heard = order.map(|i: usize| parts[i].clone());
            heard.into_iter().fold(ChannelsFound::default(), |found, news| found.after(news))
        });
        assert_eq!(forth.0.by_chance, [0.5, 0.6, 0.3].map(reach));
        assert_eq!(forth.0.by_chance, back.0.by_chance);
        assert_eq!(forth.0.channels.len(), back.0.channels.len());
    }
}
