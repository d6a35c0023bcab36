//! Older vocabulary files, rewritten as the tokenizer.json that Hugging Face would convert them to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{TokenizerError, TokenizerJson};
use crate::checkpoint::Checkpoint;
use crate::math::order::map_of;

/// The tokenizer.json of whichever vocabulary files are there.
pub(super) fn tokenizer_json(
    checkpoint: &Checkpoint,
) -> Result<Option<TokenizerJson<'_>>, TokenizerError> {
    let made =
        |file, json: Value| TokenizerJson { file, text: Cow::Owned(json.to_string().into_bytes()) };
    if let Some(json) = checkpoint.side_file("tokenizer.json") {
        return Ok(Some(TokenizerJson { file: "tokenizer.json", text: Cow::Borrowed(json) }));
    }
    let config = |file: &str| serde_json::from_slice::<Value>(checkpoint.side_file(file)?).ok();
    match (checkpoint.side_file("vocab.json"), checkpoint.side_file("merges.txt")) {
        (Some(vocab), Some(merges)) => {
            let model_type = config("config.json")
                .and_then(|config| Some(config.get("model_type")?.as_str()?.to_owned()));
            let more = checkpoint.side_file("added_tokens.json").map(added_tokens).transpose()?;
            let json =
                byte_level_bpe(vocab, merges, &more.unwrap_or_default(), model_type.as_deref())?;
            return Ok(Some(made("vocab.json", json)));
        }
        (Some(_), None) => {
            return Err(TokenizerError::Half { found: "vocab.json", missing: "merges.txt" });
        }
        (None, Some(_)) => {
            return Err(TokenizerError::Half { found: "merges.txt", missing: "vocab.json" });
        }
        (None, None) => {}
    }
    let Some(vocab) = checkpoint.side_file("vocab.txt") else { return Ok(None) };
    let lower_case =
        config("tokenizer_config.json").and_then(|config| config.get("do_lower_case")?.as_bool());
    let json = word_piece(vocab, lower_case)?;
    Ok(Some(made("vocab.txt", json)))
}

/// A vocabulary beside the weights that is not read here, and how to make one of it that is: a sentence, where there is no other.
pub(super) fn unread(checkpoint: &Checkpoint) -> Option<String> {
    let read = ["tokenizer.json", "vocab.json", "merges.txt", "vocab.txt"];
    if read.into_iter().any(|name| checkpoint.side_file(name).is_some()) {
        return None;
    }
    let kinds = [
        ("tokenizer.model", "a SentencePiece or tiktoken vocabulary"),
        ("spiece.model", "a SentencePiece vocabulary"),
        ("sentencepiece.bpe.model", "a SentencePiece vocabulary"),
        ("tekken.json", "Mistral's tekken vocabulary"),
        ("qwen.tiktoken", "a tiktoken vocabulary"),
        ("tiktoken.model", "a tiktoken vocabulary"),
    ];
    let (name, kind) = kinds.into_iter().find(|(name, _)| checkpoint.side_file(name).is_some())?;
    Some(format!(
        "{name} is {kind}, which is not read here, so tokens are shown as ids. Python writes a tokenizer.json that is: \
         transformers.AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)."
    ))
}

/// GPT-2's byte-level BPE; RoBERTa's frame where the model or the vocabulary says so.
fn byte_level_bpe(
    vocab: &[u8],
    merges: &[u8],
    more: &BTreeMap<String, u32>,
    model_type: Option<&str>,
) -> Result<Value, TokenizerError> {
    let refused = |file, reason: String| TokenizerError::File { file, reason };
    let vocab: BTreeMap<String, u32> =
        serde_json::from_slice(vocab).map_err(|error| refused("vocab.json", error.to_string()))?;
    let merges =
        std::str::from_utf8(merges).map_err(|error| refused("merges.txt", error.to_string()))?;
    if vocab.keys().any(|token| token.ends_with("</w>")) {
        let reason =
            "it marks word ends with </w>, as CLIP does; load tokenizer.json instead".to_owned();
        return Err(refused("vocab.json", reason));
    }
    let merges: Vec<&str> =
        merges.lines().filter(|line| !line.starts_with("#version") && line.contains(' ')).collect();
    let specials =
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>", "<pad>", "</s>", "<unk>", "<mask>"];
    let named = specials.iter().filter_map(|token| Some((*token, *vocab.get(*token)?)));
    let added = added(named.chain(more.iter().map(|(token, id)| (token.as_str(), *id))));
    let ends = vocab.get("<s>").zip(vocab.get("</s>"));
    let framed = match model_type {
        Some(model_type) => matches!(model_type, "roberta" | "bart" | "longformer" | "camembert"),
        None => vocab.contains_key("<mask>"),
    };
    let post_processor = match ends {
        Some((cls, sep)) if framed => json!({
            "type": "RobertaProcessing", "sep": ["</s>", sep], "cls": ["<s>", cls],
            "trim_offsets": true, "add_prefix_space": false,
        }),
        _ => Value::Null,
    };
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    Ok(json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": byte_level, "post_processor": post_processor, "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocab, "merges": merges,
        },
    }))
}

/// `added_tokens.json`: tokens that came after the vocabulary, with their ids.
fn added_tokens(bytes: &[u8]) -> Result<BTreeMap<String, u32>, TokenizerError> {
    serde_json::from_slice(bytes).map_err(|error| TokenizerError::File {
        file: "added_tokens.json",
        reason: error.to_string(),
    })
}

/// BERT's WordPiece, one token a line. Without `lower_case` it is lower case if no word of the vocabulary has capitals.
fn word_piece(vocab: &[u8], lower_case: Option<bool>) -> Result<Value, TokenizerError> {
    let refused = |reason: String| TokenizerError::File { file: "vocab.txt", reason };
    let text = std::str::from_utf8(vocab).map_err(|error| refused(error.to_string()))?;
    let mut ids = Map::new();
    for (id, token) in text.lines().enumerate() {
        ids.insert(token.trim_end_matches('\r').to_owned(), json!(id));
    }
    let id =
        |token: &str| ids.get(token).and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    let (Some(unknown), Some(cls), Some(sep)) = (id("[UNK]"), id("[CLS]"), id("[SEP]")) else {
        return Err(refused(
            "it has no [UNK], [CLS] and [SEP], so it is no WordPiece vocabulary".to_owned(),
        ));
    };
    let marks = [Some(("[UNK]", unknown)), Some(("[CLS]", cls)), Some(("[SEP]", sep))];
    let others = ["[PAD]", "[MASK]"].map(|token| Some((token, id(token)?)));
    let added = added(marks.into_iter().chain(others).flatten());
    let capital = |token: &String| {
        !token.starts_with('[') && token.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    let lower_case = lower_case.unwrap_or_else(|| !ids.keys().any(capital));
    Ok(json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
            "lowercase": lower_case,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", sep], "cls": ["[CLS]", cls]},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": ids,
        },
    }))
}

/// Special tokens as tokenizer.json lists them, in order of id.
fn added<'a>(tokens: impl Iterator<Item = (&'a str, u32)>) -> Vec<Value> {
    let by_id = map_of(tokens.map(|(token, id)| (id, token)));
    let listed = |(id, content): (u32, &str)| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": content == "<mask>", "rstrip": false,
            "normalized": false, "special": true,
        })
    };
    by_id.into_iter().map(listed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_came_later_keep_their_ids() {
        let more = added_tokens(br#"{"<|im_start|>": 2}"#).unwrap();
        let vocab = br#"{"a": 0, "<|endoftext|>": 1}"#;
        let made = byte_level_bpe(vocab, b"#version: 0.2\n", &more, None).unwrap();
        let added: Vec<(u64, &str)> = made["added_tokens"]
            .as_array()
            .unwrap()
            .iter()
            .map(|token| (token["id"].as_u64().unwrap(), token["content"].as_str().unwrap()))
            .collect();
        assert_eq!(added, [(1, "<|endoftext|>"), (2, "<|im_start|>")]);
        assert!(added_tokens(b"[1]").is_err());
    }
}
