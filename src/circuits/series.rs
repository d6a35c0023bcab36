//! Checkpoints of one model in training order.

use crate::math::order::sort_by;
use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// One checkpoint of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesEntry {
    /// The name as it came.
    pub name: String,
    /// Training step, where the name tells one.
    pub step: Option<u64>,
}

/// Puts checkpoints into training order by the step in their names ("step-00064", "checkpoint-500", "pythia/step143000/…").
///
/// The step is the number after a word like "step", else the one number in which the names differ. Names without a step
/// come last, in the order of their digits ("model2" before "model10"). Returns the entries with their original index.
pub fn training_order(names: &[&str]) -> Vec<(usize, SeriesEntry)> {
    let steps: Vec<Option<u64>> = names.iter().map(|name| named_step(name)).collect();
    let by_number = if steps.iter().all(Option::is_none) { differing_number(names) } else { None };
    let steps = by_number.map_or(steps, |numbers| numbers.into_iter().map(Some).collect());
    let mut entries: Vec<(usize, SeriesEntry)> = (names.iter().zip(steps).enumerate())
        .map(|(index, (name, step))| (index, SeriesEntry { name: (*name).to_owned(), step }))
        .collect();
    sort_by(&mut entries, |(_, a), (_, b)| match (a.step, b.step) {
        (Some(a_step), Some(b_step)) => a_step.cmp(&b_step).then_with(|| natural(&a.name, &b.name)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => natural(&a.name, &b.name),
    });
    entries
}

/// Which files make up each checkpoint: shards of one folder together, every other .safetensors file by itself; files
/// without weights (config, tokenizer) go with the checkpoints of their folder, or with all where no weights are beside
/// them. Returns a name and the indices of its files for each, unordered.
pub fn checkpoints(paths: &[&str]) -> Vec<(String, Vec<usize>)> {
    let folder = |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let is_weights = |path: &str| path.ends_with(".safetensors");
    let mut found: Vec<(String, String, Vec<usize>)> = Vec::new();
    for (index, path) in paths.iter().enumerate().filter(|(_, path)| is_weights(path)) {
        let (home, shard) = (folder(path), path.contains("-of-"));
        let name = if shard || path.ends_with("/model.safetensors") {
            home.clone()
        } else {
            (*path).to_owned()
        };
        match found.iter_mut().find(|(known, ..)| shard && *known == name) {
            Some((.., files)) => files.push(index),
            None => found.push((name, home, vec![index])),
        }
    }
    for (index, path) in paths.iter().enumerate().filter(|(_, path)| !is_weights(path)) {
        let home = folder(path);
        let beside = found.iter().any(|(_, folder, _)| *folder == home);
        for (.., files) in found.iter_mut().filter(|(_, folder, _)| !beside || *folder == home) {
            files.push(index);
        }
    }
    found.into_iter().map(|(name, _, files)| (name, files)).collect()
}

/// The number after "step", "checkpoint", "ckpt", "iter" or "epoch" in a name; the last one, since directories come first.
fn named_step(name: &str) -> Option<u64> {
    let lower = name.to_ascii_lowercase();
    let marks = ["global_step", "step", "checkpoint", "ckpt", "iteration", "iter", "epoch"];
    let after = |mark: &str| {
        let (at, _) = lower.rmatch_indices(mark).next()?;
        let rest = lower.get(at + mark.len()..)?.trim_start_matches(['-', '_', '=', ' ']);
        // "model-step-00001-of-00002" numbers shards after its step; the first run of digits is the step.
        rest.get(..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()))?.parse().ok()
    };
    marks.into_iter().find_map(after)
}

/// The value of the only run of digits in which the names differ, when they are otherwise the same.
fn differing_number(names: &[&str]) -> Option<Vec<u64>> {
    let split: Vec<Vec<&str>> = names.iter().map(|name| runs(name)).collect();
    let first = split.first()?;
    let differs = |at: usize| split.iter().any(|parts| parts.get(at) != first.get(at));
    let same_shape = split.iter().all(|parts| parts.len() == first.len());
    let at: Vec<usize> = (0..first.len()).filter(|&at| differs(at)).collect();
    match at.as_slice() {
        [at] if same_shape => split.iter().map(|parts| parts.get(*at)?.parse().ok()).collect(),
        _ => None,
    }
}

/// Text order in which runs of digits compare as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let compare = |(a, b): (&str, &str)| match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    };
    let (a_runs, b_runs) = (runs(a), runs(b));
    let pairs = a_runs.iter().copied().zip(b_runs.iter().copied());
    let unequal = pairs.map(compare).find(|order| order.is_ne());
    unequal.unwrap_or_else(|| a_runs.len().cmp(&b_runs.len())).then_with(|| a.cmp(b))
}

/// Cuts a name wherever digits begin or end.
fn runs(name: &str) -> Vec<&str> {
    let is_digit = |at: usize| name.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let cuts = (1..name.len()).filter(|&at| is_digit(at - 1) != is_digit(at));
    let mut start = 0;
    let ends: Vec<usize> = cuts.chain([name.len()]).collect();
    let next = |end: usize| {
        let part = name.get(start..end);
        start = end;
        part
    };
    ends.into_iter().filter_map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_stay_together_and_shared_files_go_with_everyone() {
        let paths = [
            "pythia/step0/model-00001-of-00002.safetensors",
            "pythia/step0/model-00002-of-00002.safetensors",
            "pythia/step0/config.json",
            "pythia/step64/model.safetensors",
            "step-00128.safetensors",
            "shared/tokenizer.json",
        ];
        let found = checkpoints(&paths);
        assert_eq!(found[0], ("pythia/step0".into(), vec![0, 1, 2, 5]));
        assert_eq!(found[1], ("pythia/step64".into(), vec![3, 5]));
        assert_eq!(found[2], ("step-00128.safetensors".into(), vec![4, 5]));
    }

    fn steps(names: &[&str]) -> Vec<(usize, Option<u64>)> {
        training_order(names).into_iter().map(|(at, entry)| (at, entry.step)).collect()
    }

    #[test]
    fn steps_are_read_from_the_names_in_use() {
        assert_eq!(
            steps(&["step-00064.safetensors", "step-00000.safetensors", "step-04000.safetensors"]),
            [(1, Some(0)), (0, Some(64)), (2, Some(4000))]
        );
        assert_eq!(
            steps(&[
                "run/checkpoint-1000/model.safetensors",
                "run/checkpoint-500/model.safetensors"
            ]),
            [(1, Some(500)), (0, Some(1000))]
        );
        assert_eq!(
            steps(&[
                "pythia-70m/step143000/model-00001-of-00002.safetensors",
                "pythia-70m/step512/model.safetensors"
            ]),
            [(1, Some(512)), (0, Some(143_000))]
        );
    }

    #[test]
    fn without_a_word_the_differing_number_is_the_step() {
        assert_eq!(steps(&["tiny2-300.st", "tiny2-20.st"]), [(1, Some(20)), (0, Some(300))]);
        assert_eq!(steps(&["b10.st", "a.st", "b9.st"]), [(1, None), (2, None), (0, None)]);
        assert_eq!(steps(&["steps.st", "step5.st"]), [(1, Some(5)), (0, None)]);
        assert_eq!(steps(&["modèle1.st"]), [(0, None)]);
    }
}
