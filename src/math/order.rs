//! Sorting that is compiled once.
//!
//! The standard library compiles its sorts anew for every type and every comparison, 3 to 8 kB of WebAssembly each time. Here
//! places are sorted, by one copy of it, and the items are then put there. For lists whose sorting takes no time beside the rest. A tree
//! that is collected sorts what comes first, too: one that is filled item by item does not.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

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

/// Sorts `items`.
pub fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// Each of `items` once, in order.
pub fn distinct<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    sort(&mut items);
    items.dedup();
    items
}

/// The map of `pairs`; of two with the same key the later one.
pub fn map_of<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

/// The set of `items`.
pub fn set_of<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
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
            let keys = || ours.iter().map(|item| item.0);
            assert_eq!(set_of(keys()), keys().collect());
            assert_eq!(distinct(keys()), set_of(keys()).into_iter().collect::<Vec<_>>());
            assert_eq!(map_of(ours.iter().copied()), ours.iter().copied().collect());
        }
    }
}
