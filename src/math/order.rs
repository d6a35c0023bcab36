//! Sorting that is compiled once.
//!
//! The standard library compiles its sorts anew for every type and every comparison, 3 to 8 kB of WebAssembly each time. Here
//! places are sorted, by one copy of it, and the items are then put there. For lists whose sorting takes no time beside the rest.

use std::cmp::Ordering;

/// The places `0..n` in the order of `compare`; equal ones stay as they are.
pub fn places(n: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..n).collect();
    places.sort_by(|&a, &b| compare(a, b));
    places
}

/// Sorts `items` by `compare`; equal ones stay in their order.
pub fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut places = places(items.len(), &|a, b| compare(&items[a], &items[b]));
    // Every circle of places that pass their items on is walked once.
    for first in 0..items.len() {
        let mut at = first;
        while places[at] != first {
            let next = places[at];
            items.swap(at, next);
            places[at] = at;
            at = next;
        }
        places[at] = at;
    }
}

/// Sorts `items` by a key; equal ones stay in their order.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    #[test]
    fn lists_are_sorted_as_the_standard_library_sorts_them() {
        let mut rng = Rng::new(3);
        for n in (0..40).chain([1000]) {
            // Few distinct keys, so that many are equal; the second number tells equal ones apart.
            let mut ours: Vec<(u32, usize)> =
                (0..n).map(|i| (rng.bits() % (1 + n as u32 / 3), i)).collect();
            let mut theirs = ours.clone();
            sort_by_key(&mut ours, |item| item.0);
            theirs.sort_by_key(|item| item.0);
            assert_eq!(ours, theirs);
            sort_by(&mut ours, |a, b| b.cmp(a));
            theirs.reverse();
            theirs.sort_by(|a, b| b.cmp(a));
            assert_eq!(ours, theirs);
        }
    }
}
