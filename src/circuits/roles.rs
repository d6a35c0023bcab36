//! What a head does on a text, read off its attention pattern: how much of it goes where a role says, beside what attention that does not
//! choose would send there.

/// Where a head that has a role looks.
///
/// # Source
/// Elhage et al. 2021 (previous token), Olsson et al. 2022 (induction), TransformerLens's `head_detector` (the names and the averages).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// At the token before.
    Previous,
    /// At the token behind.
    Next,
    /// At the first token.
    First,
    /// At the looking token itself.
    Itself,
    /// At another place where the looking token stands.
    Duplicate,
    /// At what came after another place where the looking token stands.
    Induction,
}

/// A share of attention, averaged over the destinations that have somewhere to look in this role.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// What the head sends there, from 0 to 1.
    pub observed: f64,
    /// What equal attention to all visible tokens would send there: the level of chance.
    pub uniform: f64,
    /// Destinations that have somewhere to look.
    pub n_dest: usize,
}

impl Share {
    /// How much of what chance leaves over goes there: 0 as chance, 1 all of it; negative where the head avoids it.
    pub fn beyond_chance(&self) -> f64 {
        (self.observed - self.uniform) / (1.0 - self.uniform)
    }
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Previous, Self::Next, Self::First, Self::Itself, Self::Duplicate, Self::Induction];

    /// Whether a head with this role looks from `dest` at `src`, among the tokens `ids`.
    fn looks(self, ids: &[u32], dest: usize, src: usize) -> bool {
        match self {
            Self::Previous => src + 1 == dest,
            Self::Next => src == dest + 1,
            Self::First => src == 0 && dest > 0,
            Self::Itself => src == dest,
            Self::Duplicate => src != dest && ids[src] == ids[dest],
            Self::Induction => {
                src != dest && src > 0 && src - 1 != dest && ids[src - 1] == ids[dest]
            }
        }
    }

    /// The share of one head's `pattern` (`[n, n]`, destinations in rows) that goes where this role looks; `None` where no
    /// destination has anywhere to look. Destinations that see a single token do not count. What has no attention at all is taken to be
    /// out of sight: behind a mask or a window.
    pub fn share(self, ids: &[u32], pattern: &[f32]) -> Option<Share> {
        let n = ids.len();
        if n == 0 || pattern.len() != n * n {
            return None;
        }
        let (mut observed, mut uniform, mut n_dest) = (0.0, 0.0, 0_usize);
        for (dest, row) in pattern.chunks_exact(n).enumerate() {
            let (mut sum, mut there, mut visible) = (0.0, 0_usize, 0_usize);
            for (src, &p) in row.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                visible += 1;
                if self.looks(ids, dest, src) {
                    there += 1;
                    sum += f64::from(p);
                }
            }
            if visible > 1 && there > 0 && there < visible {
                observed += sum;
                uniform += there as f64 / visible as f64;
                n_dest += 1;
            }
        }
        let mean = |x: f64| x / n_dest as f64;
        (n_dest > 0).then(|| Share { observed: mean(observed), uniform: mean(uniform), n_dest })
    }
}

/// How evenly a head spreads its attention: the mean over destinations of entropy by the entropy of equal attention to all that is
/// visible; 0 looks at one token, 1 at all alike. `None` where every destination sees a single token.
pub fn evenness(n: usize, pattern: &[f32]) -> Option<f64> {
    let rows = pattern.chunks_exact(n.max(1)).filter_map(|row| {
        let seen: Vec<f64> = row.iter().filter(|p| **p > 0.0).map(|p| f64::from(*p)).collect();
        let entropy: f64 = seen.iter().map(|p| -p * libm::log(*p)).sum();
        (seen.len() > 1).then(|| entropy / libm::log(seen.len() as f64))
    });
    let (sum, count) = rows.fold((0.0, 0_usize), |(sum, count), x| (sum + x, count + 1));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    /// Ten tokens, twice.
    fn twice() -> Vec<u32> {
        (0..20).map(|i| 100 + i % 10).collect()
    }

    /// Attention that sends `share` where `role` looks and spreads the rest, among tokens up to the destination (or all).
    fn planted(ids: &[u32], role: Role, share: f32, causal: bool) -> Vec<f32> {
        let n = ids.len();
        let mut pattern = vec![0.0; n * n];
        for dest in 0..n {
            let visible = if causal { dest + 1 } else { n };
            let there: Vec<usize> =
                (0..visible).filter(|&src| role.looks(ids, dest, src)).collect();
            let others = visible - there.len();
            for src in 0..visible {
                pattern[dest * n + src] = match (there.is_empty(), there.contains(&src)) {
                    (true, _) => 1.0 / visible as f32,
                    (_, true) => share / there.len() as f32,
                    _ => (1.0 - share) / others as f32,
                };
            }
        }
        pattern
    }

    #[test]
    fn every_role_is_found_where_it_is_planted_and_is_the_strongest_there() {
        let ids = twice();
        for role in Role::ALL {
            let causal = role != Role::Next;
            let pattern = planted(&ids, role, 0.9, causal);
            let beyond = |r: Role| r.share(&ids, &pattern).map(|s| s.beyond_chance());
            let found = role.share(&ids, &pattern).expect("there is somewhere to look");
            assert!((found.observed - 0.9).abs() < 1e-6, "{role:?}: {found:?}");
            for other in Role::ALL.into_iter().filter(|other| *other != role) {
                assert!(beyond(other).is_none_or(|b| b < 0.75), "{role:?} against {other:?}");
            }
        }
    }

    #[test]
    fn attention_that_does_not_choose_is_at_the_level_of_chance() {
        let ids = twice();
        let mut rng = Rng::new(7);
        let draws = 400;
        let mut sums = [0.0; Role::ALL.len()];
        for _ in 0..draws {
            // Weights of one law for all that is visible: each place gets its equal share on average.
            let mut pattern = vec![0.0_f32; 400];
            for dest in 0..20 {
                let row: Vec<f64> = (0..=dest).map(|_| rng.normal().exp()).collect();
                let total: f64 = row.iter().sum();
                for (src, weight) in row.iter().enumerate() {
                    pattern[dest * 20 + src] = (weight / total) as f32;
                }
            }
            for (sum, role) in sums.iter_mut().zip(Role::ALL) {
                *sum += role.share(&ids, &pattern).map_or(0.0, |s| s.observed - s.uniform);
            }
        }
        for (sum, role) in sums.iter().zip(Role::ALL) {
            assert!((sum / f64::from(draws)).abs() < 0.01, "{role:?}: {sum}");
        }
    }

    #[test]
    fn a_text_without_repetition_has_nowhere_to_look_for_one() {
        let ids: Vec<u32> = (0..6).collect();
        let flat = planted(&ids, Role::First, 0.5, true);
        assert_eq!(Role::Duplicate.share(&ids, &flat), None);
        assert_eq!(Role::Induction.share(&ids, &flat), None);
        assert_eq!(Role::Next.share(&ids, &flat), None, "nobody sees what comes");
        assert_eq!(Role::First.share(&[], &[]), None);
        assert_eq!(Role::First.share(&[1], &[1.0]), None);
    }

    #[test]
    fn evenness_is_one_for_equal_attention_and_small_for_one_token() {
        let ids = twice();
        let flat = planted(&ids, Role::Next, 0.5, true);
        assert!((evenness(20, &flat).expect("defined") - 1.0).abs() < 1e-6);
        assert!(evenness(20, &planted(&ids, Role::Itself, 0.999, true)).expect("defined") < 0.02);
        assert_eq!(evenness(1, &[1.0]), None);
    }
}
