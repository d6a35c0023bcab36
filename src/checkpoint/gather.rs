//! Which of the dropped files belong together, judged by their names alone.

/// What a file is for, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Weights in safetensors.
    Weights,
    /// The list of which shard holds which tensor.
    Index,
    /// Configuration or tokenizer, kept under its own name ([`SIDE_FILES`]).
    Side,
    /// Nothing that a checkpoint needs.
    Other,
}

/// Files beside the weights that are kept for the layers above.
pub const SIDE_FILES: [&str; 9] = [
    "config.json",
    "cfg.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "generation_config.json",
];

/// Shard counts past this are no shard pattern: a name must not make us list a billion missing files.
const MAX_SHARDS: usize = 9999;

/// The folder part of `name`, without the closing `/`; empty if there is none.
pub fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of `name`.
pub fn base(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, base)| base)
}

/// What the file called `name` is for.
pub fn role(name: &str) -> Role {
    let base = base(name);
    if base.starts_with("._") {
        // macOS leaves such shadows of every file in archives and on foreign disks.
        Role::Other
    } else if let Some(stem) = base.strip_suffix(".safetensors") {
        if stem.starts_with("optimizer") || stem.starts_with("scheduler") {
            Role::Other
        } else {
            Role::Weights
        }
    } else if base.ends_with(".index.json") && !base.ends_with(".bin.index.json") {
        Role::Index
    } else if SIDE_FILES.contains(&base) {
        Role::Side
    } else {
        Role::Other
    }
}

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
    let mut shards: Vec<(&str, Shard<'_>, usize)> = names
        .iter()
        .enumerate()
        .filter(|(_, name)| role(name) == Role::Weights)
        .map(|(file, name)| (folder(name), shard(base(name)), file))
        .collect();
    shards.sort();
    let mut groups: Vec<Group> = Vec::new();
    for run in shards
        .chunk_by(|a, b| a.0 == b.0 && a.1.stem == b.1.stem && a.1.of == b.1.of && a.1.of.is_some())
    {
        let (folder, first, _) = run[0];
        let there = |number| run.iter().any(|(_, shard, _)| shard.number == number);
        let missing = (1..=first.of.unwrap_or(0)).filter(|number| !there(*number));
        groups.push(Group {
            folder: folder.to_owned(),
            stem: first.stem.to_owned(),
            of: first.of,
            files: run.iter().map(|(_, _, file)| *file).collect(),
            missing: missing.map(|number| first.name_of(number)).collect(),
        });
    }
    groups
}

/// The group that is meant when there are several: the only one called `model` in the outermost folder that has one.
///
/// Folders often hold other weights too: `consolidated.safetensors`, `2_Dense/model.safetensors`, `checkpoint-500/…`.
pub fn principal(groups: &[Group]) -> Option<&Group> {
    if let [only] = groups {
        return Some(only);
    }
    let depth = |group: &Group| group.folder.split('/').filter(|part| !part.is_empty()).count();
    let outermost = groups.iter().map(depth).min()?;
    let mut meant =
        groups.iter().filter(|group| depth(group) == outermost && group.stem == "model");
    meant.next().filter(|_| meant.next().is_none())
}

/// Of the files called `base_name` among `names`, the one that belongs to weights in `home`: the one beside them, else the
/// only one elsewhere, else the only one deeper inside (there it usually describes something else: `1_Pooling/config.json`).
pub fn companion(names: &[&str], base_name: &str, home: &str) -> Option<usize> {
    let named: Vec<usize> =
        (0..names.len()).filter(|&file| base(names[file]) == base_name).collect();
    if let Some(&beside) = named.iter().find(|&&file| folder(names[file]) == home) {
        return Some(beside);
    }
    let inside = |&file: &usize| {
        home.is_empty() || names[file].strip_prefix(home).is_some_and(|rest| rest.starts_with('/'))
    };
    let (inside, elsewhere): (Vec<usize>, Vec<usize>) = named.into_iter().partition(inside);
    match (elsewhere.as_slice(), inside.as_slice()) {
        ([only], _) | ([], [only]) => Some(*only),
        _ => None,
    }
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
        assert_eq!(companion(&["m/a/config.json", "m/b/config.json"], "config.json", "m"), None);
        assert_eq!(companion(&["m/a/config.json", "b/config.json"], "config.json", "m"), Some(1));
        assert_eq!(companion(&["settings/config.json"], "config.json", ""), Some(0));
        assert_eq!(companion(&["other/config.json"], "config.json", "m"), Some(0));
    }
}
