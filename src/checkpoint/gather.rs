//! Which of the dropped files belong together, judged by their names alone.

use crate::math::order::sort;
use crate::math::order::sort_by_key;

pub use super::file_names::{ADAPTER_CONFIG, Role, SIDE_FILES, base, folder, plain, role};

/// Shard counts past this are no shard pattern: a name must not make us list a billion missing files.
const MAX_SHARDS: usize = 9999;

/// Weights files that make up one checkpoint: a single file, or the shards of one set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The folder they lie in.
    pub folder: String,
    /// Base name without the shard numbers and the extension, e.g. `"model"`.
    pub stem: String,
    /// How many shards there should be; `None` for a single file.
    pub of: Option<usize>,
    /// Positions in the list of names, in order of shard number.
    pub files: Vec<usize>,
    /// Base names of shards that are not there.
    pub missing: Vec<String>,
}

/// Groups the weights files among `names` into checkpoints, in order of folder and stem.
///
/// Each group is one model, or one step of a training series: `step0/model.safetensors`, `step8/model.safetensors`.
pub fn groups(names: &[&str]) -> Vec<Group> {
    let weights: Vec<(usize, String)> = (0..names.len())
        .filter(|&file| role(names[file]) == Role::Weights)
        .map(|file| (file, plain(names[file])))
        .collect();
    let mut shards: Vec<(&str, Shard<'_>, usize)> =
        weights.iter().map(|(file, plain)| (folder(names[*file]), shard(plain), *file)).collect();
    sort(&mut shards);
    let mut groups: Vec<Group> = Vec::new();
    for run in shards
        .chunk_by(|a, b| a.0 == b.0 && a.1.stem == b.1.stem && a.1.of == b.1.of && a.1.of.is_some())
    {
        let (folder, first, _) = run[0];
        let there = |number| run.iter().any(|(_, shard, _)| shard.number == number);
        let missing = (1..=first.of.unwrap_or(0)).filter(|number| !there(*number));
        // A second copy of a shard is no second shard.
        let mut files: Vec<(usize, usize)> =
            run.iter().map(|(_, shard, file)| (shard.number, *file)).collect();
        files.dedup_by_key(|(number, _)| *number);
        groups.push(Group {
            folder: folder.to_owned(),
            stem: first.stem.to_owned(),
            of: first.of,
            files: files.into_iter().map(|(_, file)| file).collect(),
            missing: missing.map(|number| first.name_of(number)).collect(),
        });
    }
    groups
}

/// Stems of weights that stand beside a model and are none, or are the same model in another layout.
const BESIDE: [&str; 6] =
    ["consolidated", "adapter_model", "examples", "sparsity", "rng_state", "training_args"];

/// The group that is meant when there are several: the only one called `model` in the outermost folder that has one, or the
/// only one there that is not known to stand beside a model.
///
/// Folders often hold other weights too: `consolidated.safetensors`, `2_Dense/model.safetensors`, `checkpoint-500/…`.
pub fn principal(groups: &[Group]) -> Option<&Group> {
    if let [only] = groups {
        return Some(only);
    }
    let depth = |group: &Group| group.folder.split('/').filter(|part| !part.is_empty()).count();
    let outermost = groups.iter().map(depth).min()?;
    let only = |meant: &dyn Fn(&&Group) -> bool| {
        let mut meant = groups.iter().filter(|group| depth(group) == outermost).filter(meant);
        meant.next().filter(|_| meant.next().is_none())
    };
    let called_model = |group: &&Group| group.stem == "model";
    let own = |group: &&Group| !BESIDE.iter().any(|stem| group.stem.starts_with(stem));
    only(&called_model).or_else(|| only(&own))
}

/// Of the files called `base_name` among `names` (or copied from one that was), the one that belongs to weights in `home`: the
/// one beside them, else the only one elsewhere, else the only one deeper inside. A numbered module of sentence-transformers
/// (`1_Pooling/config.json`) describes itself and no model.
pub fn companion(names: &[&str], base_name: &str, home: &str) -> Option<usize> {
    let named: Vec<usize> =
        (0..names.len()).filter(|&file| plain(names[file]) == base_name).collect();
    let mut beside: Vec<usize> =
        named.iter().copied().filter(|&file| folder(names[file]) == home).collect();
    // Of a file and its copies the one that still has the name.
    sort_by_key(&mut beside, |&file| (base(names[file]) != base_name, names[file].len()));
    if let Some(&beside) = beside.first() {
        return Some(beside);
    }
    let inside = |&file: &usize| {
        home.is_empty() || names[file].strip_prefix(home).is_some_and(|rest| rest.starts_with('/'))
    };
    let about_a_model = |&file: &usize| !is_module(base(folder(names[file])));
    let (inside, elsewhere): (Vec<usize>, Vec<usize>) =
        named.into_iter().filter(about_a_model).partition(inside);
    match (elsewhere.as_slice(), inside.as_slice()) {
        ([only], _) | ([], [only]) => Some(*only),
        _ => None,
    }
}

/// True for the folder of a module of sentence-transformers, `1_Pooling`.
fn is_module(folder: &str) -> bool {
    let rest = folder.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < folder.len() && rest.starts_with('_')
}

/// A weights file name taken apart; the order of fields is the order of sorting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shard<'a> {
    stem: &'a str,
    of: Option<usize>,
    number: usize,
    digits: usize,
}

impl Shard<'_> {
    fn name_of(&self, number: usize) -> String {
        let (stem, digits, of) = (self.stem, self.digits, self.of.unwrap_or(0));
        format!("{stem}-{number:0digits$}-of-{of:0digits$}.safetensors")
    }
}

/// Takes `model-00001-of-00002.safetensors` apart; anything else is its own stem.
fn shard(base: &str) -> Shard<'_> {
    let whole = base.strip_suffix(".safetensors").unwrap_or(base);
    let single = Shard { stem: whole, of: None, number: 1, digits: 0 };
    let Some((head, of)) = whole.rsplit_once("-of-") else { return single };
    let Some((stem, number)) = head.rsplit_once('-') else { return single };
    let digits = |text: &str| {
        (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(of) || !digits(number) {
        return single;
    }
    match (number.parse(), of.parse()) {
        (Ok(number), Ok(of)) if (1..=of).contains(&number) && of <= MAX_SHARDS => {
            Shard { stem, of: Some(of), number, digits: base_digits(whole) }
        }
        _ => single,
    }
}

fn base_digits(whole: &str) -> usize {
    whole.rsplit_once("-of-").map_or(0, |(_, of)| of.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_come_together_and_missing_ones_are_named() {
        let names = [
            "d/model-00003-of-00003.safetensors",
            "d/config.json",
            "d/model-00001-of-00003.safetensors",
        ];
        let groups = groups(&names);
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].files, [2, 0]);
        assert_eq!(groups[0].missing, ["model-00002-of-00003.safetensors"]);
    }

    #[test]
    fn a_series_of_steps_is_several_checkpoints() {
        let names = ["step0/model.safetensors", "step8/model.safetensors", "step8/config.json"];
        let groups = groups(&names);
        assert_eq!(
            groups.iter().map(|group| group.folder.as_str()).collect::<Vec<_>>(),
            ["step0", "step8"]
        );
        assert_eq!(principal(&groups), None);
    }

    #[test]
    fn the_model_at_the_top_is_meant() {
        let names =
            ["m/consolidated.safetensors", "m/2_Dense/model.safetensors", "m/model.safetensors"];
        let groups = groups(&names);
        assert_eq!(principal(&groups).map(|group| group.files.clone()), Some(vec![2]));
        let beside = self::groups(&["consolidated.safetensors", "weights.safetensors"]);
        assert_eq!(principal(&beside).map(|group| group.files.clone()), Some(vec![1]));
        let two = self::groups(&["a.safetensors", "b.safetensors"]);
        assert_eq!(principal(&two), None);
    }

    #[test]
    fn hostile_shard_numbers_make_no_shards() {
        for name in [
            "m-1-of-4000000000.safetensors",
            "m-3-of-2.safetensors",
            "m-0-of-2.safetensors",
            "-of-.safetensors",
        ] {
            assert_eq!(groups(&[name])[0].of, None, "{name}");
        }
    }

    #[test]
    fn side_files_come_from_beside_the_weights() {
        let names = ["m/1_Pooling/config.json", "m/config.json"];
        assert_eq!(companion(&names, "config.json", "m"), Some(1));
        assert_eq!(companion(&names[..1], "config.json", "m"), None);
        assert_eq!(companion(&["m/config (1).json", "m/config.json"], "config.json", "m"), Some(1));
        assert_eq!(companion(&["m/config (1).json"], "config.json", "m"), Some(0));
        assert_eq!(companion(&["m/a/config.json", "m/b/config.json"], "config.json", "m"), None);
        assert_eq!(companion(&["m/a/config.json", "b/config.json"], "config.json", "m"), Some(1));
        assert_eq!(companion(&["settings/config.json"], "config.json", ""), Some(0));
        assert_eq!(companion(&["other/config.json"], "config.json", "m"), Some(0));
    }
}
