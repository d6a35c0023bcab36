"""Tiny vocabularies and what Hugging Face's tokenizers make of some prompts. Run by hand: python make.py"""
import json, pathlib
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

here = pathlib.Path(__file__).parent
TEXT = ["When Mary and John went to the store, John gave a drink to Mary.", "the theme of the other thesis"] * 4
PROMPTS = ["When Mary went to the store,", " the café\n", "naïve 日本 🙂", "", "<|endoftext|>the"]

# Byte-level BPE, as GPT-2: vocab.json + merges.txt, and the same as tokenizer.json.
bpe = Tokenizer(models.BPE())
bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bpe.decoder = decoders.ByteLevel()
bpe.train_from_iterator(TEXT, trainers.BpeTrainer(
    vocab_size=290, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
bpe.save(str(here / "tokenizer.json"))
bpe.model.save(str(here))

# WordPiece, as BERT: vocab.txt.
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cafe", "went", "mary", "st", "##ore", "to", ",", "##e", "when", "日"]
(here / "vocab.txt").write_text("".join(word + "\n" for word in words))
piece = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
piece.normalizer = normalizers.BertNormalizer(lowercase=True)
piece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
piece.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
piece.add_special_tokens(words[:5])

expected = {
    "bpe": [{"prompt": p, "ids": bpe.encode(p).ids, "bytes": [bpe.decode([i]) for i in bpe.encode(p).ids]} for p in PROMPTS],
    "word_piece": [{"prompt": p, "ids": piece.encode(p).ids} for p in PROMPTS],
}
(here / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
