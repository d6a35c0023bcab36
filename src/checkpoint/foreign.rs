//! Formats that are not read: recognised by their first bytes, then by name, and answered with what to do.

/// A file format that is no safetensors checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// llama.cpp's format, mostly quantised.
    Gguf,
    /// A Python pickle, bare or in PyTorch's zip: `.bin`, `.pt`, `.pth`, `.ckpt`.
    Pickle,
    /// Arrays of numpy in a zip.
    Npz,
    /// One array of numpy.
    Npy,
    /// A zip of something else.
    Zip,
    /// A gzip, 7z, tar or zstd archive.
    Archive,
    /// HDF5, Keras's old format.
    Hdf5,
    /// An ONNX graph.
    Onnx,
    /// Flax's msgpack.
    Msgpack,
    /// A TensorFlow checkpoint.
    TensorFlow,
    /// A web page saved under a file's name.
    Html,
    /// A Git LFS pointer instead of the file it stands for.
    LfsPointer,
}

/// Bytes to read from the start of a file for [`Foreign::recognise`].
pub const SNIFFED: u64 = 512;

impl Foreign {
    /// What the file called `name` is, judging by its `first` bytes (up to [`SNIFFED`]); `None` if nothing speaks
    /// against safetensors.
    pub fn recognise(name: &str, first: &[u8]) -> Option<Foreign> {
        Foreign::from_bytes(name, first).or_else(|| Foreign::from_name(name))
    }

    /// What the file is, by its first bytes alone; the name only tells one zip from another.
    pub fn from_bytes(name: &str, first: &[u8]) -> Option<Foreign> {
        if is_safetensors(first) {
            return None;
        }
        let text = first.trim_ascii_start();
        let starts = |magic: &[u8]| first.starts_with(magic);
        let tag =
            |tag: &[u8]| text.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag));
        if starts(b"GGUF") || starts(b"ggjt") || starts(b"tjgg") || starts(b"lmgg") {
            Some(Foreign::Gguf)
        } else if starts(b"PK\x03\x04") {
            let pickled = first.windows(8).any(|window| window == b"data.pkl")
                || by_extension(name) == Some(Foreign::Pickle);
            let named = by_extension(name).filter(|named| *named == Foreign::Npz);
            Some(if pickled { Foreign::Pickle } else { named.unwrap_or(Foreign::Zip) })
        } else if is_pickle(first) {
            Some(Foreign::Pickle)
        } else if starts(b"\x93NUMPY") {
            Some(Foreign::Npy)
        } else if starts(b"\x89HDF\r\n\x1a\n") {
            Some(Foreign::Hdf5)
        } else if starts(b"\x1f\x8b\x08")
            || starts(b"7z\xbc\xaf\x27\x1c")
            || starts(b"\x28\xb5\x2f\xfd")
        {
            Some(Foreign::Archive)
        } else if tag(b"<!doctype") || tag(b"<html") || tag(b"<?xml") {
            Some(Foreign::Html)
        } else if starts(b"version https://git-lfs") {
            Some(Foreign::LfsPointer)
        } else {
            None
        }
    }

    /// What the file is, by its name alone.
    pub fn from_name(name: &str) -> Option<Foreign> {
        by_extension(name)
    }

    /// The format, to follow "is".
    pub fn what(self) -> &'static str {
        match self {
            Foreign::Gguf => "a GGUF file (llama.cpp)",
            Foreign::Pickle => "a PyTorch pickle",
            Foreign::Npz => "a numpy .npz archive",
            Foreign::Npy => "a numpy array",
            Foreign::Zip => "a zip archive",
            Foreign::Archive => "a compressed archive",
            Foreign::Hdf5 => "an HDF5 file (Keras or TensorFlow)",
            Foreign::Onnx => "an ONNX graph",
            Foreign::Msgpack => "a Flax msgpack checkpoint",
            Foreign::TensorFlow => "a TensorFlow checkpoint",
            Foreign::Html => "a web page, not the file it is named after",
            Foreign::LfsPointer => {
                "a Git LFS pointer: a note that says where the file is, not the file"
            }
        }
    }

    /// What the reader can do about it: one or more sentences.
    pub fn advice(self) -> &'static str {
        match self {
            Foreign::Gguf => {
                "Its weights are mostly quantised and reordered. Load the safetensors checkpoint that it was made from"
            }
            Foreign::Pickle => {
                "Pickles can run code when they are opened, so they are not read here. Convert it once in Python (pip \
                 install torch safetensors)"
            }
            Foreign::Npz | Foreign::Npy => {
                "In Python: `from safetensors.numpy import save_file; save_file(dict(numpy.load(\"weights.npz\")), \
                 \"model.safetensors\")`"
            }
            Foreign::Zip | Foreign::Archive => "Unpack it and load the .safetensors files inside",
            Foreign::Hdf5 | Foreign::Msgpack | Foreign::TensorFlow => {
                "Most models have a .safetensors file beside it; load that. If not, in Python: \
                 `AutoModel.from_pretrained(folder, from_tf=True)` (or `from_flax=True`), then `.save_pretrained(\"out\")`"
            }
            Foreign::Onnx => {
                "A graph does not keep the names of its weights. Load the .safetensors file it was exported from"
            }
            Foreign::Html => {
                "Probably a download that was answered with a login or error page. Download the file itself and try again"
            }
            Foreign::LfsPointer => {
                "Run `git lfs pull` in the repository, or download the file from its web page"
            }
        }
    }

    /// Python that turns the file called `file` into safetensors, five lines to copy; only pickles need it.
    pub fn script(self, file: &str) -> Option<String> {
        let file = super::gather::base(file);
        (self == Foreign::Pickle).then(|| {
            format!(
                "import torch\n\
                 from safetensors.torch import save_file\n\
                 state = torch.load({}, map_location=\"cpu\", weights_only=True)\n\
                 state = {{name: t.clone().contiguous() for name, t in state.get(\"state_dict\", state).items()}}\n\
                 save_file(state, \"model.safetensors\")",
                super::quoting::python(file)
            )
        })
    }
}

/// A plausible header length and the brace that follows it; some lengths spell the magic number of another format
/// (559 903 is that of gzip).
fn is_safetensors(first: &[u8]) -> bool {
    let length = first.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
    length.is_some_and(|length| length <= super::header::MAX_HEADER) && first.get(8) == Some(&b'{')
}

/// Protocols 2 to 5 start with PROTO and then an opcode.
fn is_pickle(first: &[u8]) -> bool {
    matches!(first, [0x80, 2..=5, next, ..] if matches!(next, b'}' | b'c' | 0x8a | 0x95 | b'(' | b']' | b'X'))
}

fn by_extension(name: &str) -> Option<Foreign> {
    let lower = name.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending));
    if ends(&[".gguf", ".ggml"]) {
        Some(Foreign::Gguf)
    } else if ends(&[".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"]) {
        Some(Foreign::Pickle)
    } else if ends(&[".npz"]) {
        Some(Foreign::Npz)
    } else if ends(&[".npy"]) {
        Some(Foreign::Npy)
    } else if ends(&[".zip"]) {
        Some(Foreign::Zip)
    } else if ends(&[".gz", ".tgz", ".tar", ".7z", ".zst", ".rar", ".xz", ".bz2"]) {
        Some(Foreign::Archive)
    } else if ends(&[".h5", ".hdf5", ".keras"]) {
        Some(Foreign::Hdf5)
    } else if ends(&[".onnx", ".onnx_data"]) {
        Some(Foreign::Onnx)
    } else if ends(&[".msgpack"]) {
        Some(Foreign::Msgpack)
    } else if ends(&[".ckpt.index", ".ckpt.meta", ".pb"]) || lower.contains(".ckpt.data-") {
        Some(Foreign::TensorFlow)
    } else {
        None
    }
}

/// The sign that a tensor name gives of quantised weights, or `None`.
///
/// GPTQ and AWQ (`qweight`, `qzeros`, `scales`), bitsandbytes (`absmax`, `quant_map`, `SCB`), FP8 and
/// compressed-tensors (`weight_scale`, `weight_packed`), MXFP4 (`_blocks` with `_scales`).
pub fn quantised_name(name: &str) -> bool {
    const ENDINGS: [&str; 12] = [
        ".qweight",
        ".qzeros",
        ".scales",
        ".weight_scale",
        ".weight_scale_inv",
        ".weight_packed",
        ".SCB",
        ".absmax",
        ".quant_map",
        ".input_scale",
        "_proj_blocks",
        "_proj_scales",
    ];
    ENDINGS.iter().any(|ending| name.ends_with(ending)) || name.contains(".weight.quant_state.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_bytes_win_over_names() {
        let is = |name, bytes: &[u8]| Foreign::recognise(name, bytes);
        assert_eq!(is("model.safetensors", b"GGUF\x03\0\0\0"), Some(Foreign::Gguf));
        assert_eq!(
            is("model.safetensors", b"PK\x03\x04....archive/data.pkl"),
            Some(Foreign::Pickle)
        );
        assert_eq!(is("a.npz", b"PK\x03\x04...."), Some(Foreign::Npz));
        assert_eq!(is("a.zip", b"PK\x03\x04...."), Some(Foreign::Zip));
        assert_eq!(is("x", b"\x80\x02}q\0"), Some(Foreign::Pickle));
        assert_eq!(is("x.safetensors", b"\n<!DOCTYPE html>"), Some(Foreign::Html));
        assert_eq!(
            is("x", b"version https://git-lfs.github.com/spec/v1\n"),
            Some(Foreign::LfsPointer)
        );
        assert_eq!(is("x.h5", b"\x89HDF\r\n\x1a\n"), Some(Foreign::Hdf5));
        assert_eq!(is("pytorch_model.bin", b""), Some(Foreign::Pickle));
    }

    #[test]
    fn a_safetensors_header_is_never_taken_for_something_else() {
        let spelling_gzip = 559_903;
        for length in (1..200_000u64).chain([spelling_gzip]) {
            let mut first = length.to_le_bytes().to_vec();
            first.extend(b"{\"__metadata__\":{\"format\":\"pt\"},");
            assert_eq!(Foreign::recognise("model.safetensors", &first), None, "length {length}");
        }
    }

    #[test]
    fn advice_for_pickles_is_five_lines_of_python() {
        let script = Foreign::Pickle.script("llama/pytorch_model.bin").unwrap();
        assert_eq!(script.lines().count(), 5);
        assert!(script.contains("torch.load(\"pytorch_model.bin\""));
        assert_eq!(Foreign::Gguf.script("x.gguf"), None);
    }
}
