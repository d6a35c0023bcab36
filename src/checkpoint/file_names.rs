//! What a file is for, judged by its name alone; copies that browsers and people made keep the name they were made from.

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
pub const SIDE_FILES: [&str; 19] = [
    "config.json",
    "cfg.json",
    "params.json",
    ADAPTER_CONFIG,
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "generation_config.json",
    // Names of a dictionary's features.
    "labels.json",
    // Vocabularies that are not read; they are kept to be named.
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tekken.json",
    "qwen.tiktoken",
    "tiktoken.model",
];

/// The file that makes a folder an adapter of PEFT.
pub const ADAPTER_CONFIG: &str = "adapter_config.json";

/// The folder part of `name`, without the closing `/`; empty if there is none.
pub fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of `name`.
pub fn base(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, base)| base)
}

/// The last part of `name` as it was before somebody copied it or a system spelled it in capitals: `config (1).json` and
/// `CONFIG.JSON` are `config.json`.
pub fn plain(name: &str) -> String {
    let base = base(name);
    let (stem, extension) = base.rsplit_once('.').unwrap_or((base, ""));
    let stem = without_copy_mark(stem);
    let whole = if extension.is_empty() { stem.to_owned() } else { format!("{stem}.{extension}") };
    let lower = whole.to_ascii_lowercase();
    let shouted = extension != extension.to_ascii_lowercase();
    if shouted || SIDE_FILES.contains(&lower.as_str()) { lower } else { whole }
}

/// A stem without the mark that Chrome, Firefox, Windows or macOS put on a copy.
fn without_copy_mark(stem: &str) -> &str {
    let numbered = |stem: &str, open: &str| -> Option<usize> {
        let at = stem.rfind(open)?;
        let digits = stem.strip_suffix(')')?.get(at + open.len()..)?;
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(at)
    };
    let stem = match numbered(stem, " (").or_else(|| numbered(stem, "(")) {
        Some(at) => &stem[..at],
        None => stem,
    };
    let stem = stem.strip_suffix(" - Copy").unwrap_or(stem);
    let copied = stem.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
    copied.strip_suffix(" copy").unwrap_or(stem)
}

/// What the file called `name` is for.
pub fn role(name: &str) -> Role {
    let plain = plain(name);
    if base(name).starts_with("._") {
        // macOS leaves such shadows of every file in archives and on foreign disks.
        Role::Other
    } else if let Some(stem) = plain.strip_suffix(".safetensors") {
        if stem.starts_with("optimizer") || stem.starts_with("scheduler") {
            Role::Other
        } else {
            Role::Weights
        }
    } else if plain.ends_with(".index.json") && !plain.ends_with(".bin.index.json") {
        Role::Index
    } else if SIDE_FILES.contains(&plain.as_str()) {
        Role::Side
    } else {
        Role::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_keep_the_name_they_were_made_from() {
        for name in [
            "a/config.json",
            "config (1).json",
            "config(12).json",
            "config copy.json",
            "config copy 2.json",
            "config - Copy.json",
            "config - Copy (2).json",
            "CONFIG.JSON",
            "Config.json",
        ] {
            assert_eq!((plain(name).as_str(), role(name)), ("config.json", Role::Side), "{name}");
        }
        assert_eq!(plain("model (1).safetensors"), "model.safetensors");
        assert_eq!(plain("MODEL-00001-OF-00002.SAFETENSORS"), "model-00001-of-00002.safetensors");
        assert_eq!(plain("model.safetensors.index (3).json"), "model.safetensors.index.json");
        assert_eq!(plain("v(2)x.safetensors"), "v(2)x.safetensors");
        assert_eq!(plain("(1).json"), ".json");
        assert_eq!(plain("model-2.safetensors"), "model-2.safetensors");
    }

    #[test]
    fn shadows_and_optimizers_are_no_weights() {
        assert_eq!(role("m/._model.safetensors"), Role::Other);
        assert_eq!(role("optimizer.safetensors"), Role::Other);
        assert_eq!(role("model.safetensors.index.json"), Role::Index);
        assert_eq!(role("pytorch_model.bin.index.json"), Role::Other);
    }
}
