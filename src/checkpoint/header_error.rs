//! What a safetensors header can do wrong, one variant per mistake.

/// Why the header of one safetensors file cannot be used. Names from the file are shown clipped and escaped.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HeaderError {
    /// The file cannot even hold the eight bytes of the header length.
    #[error(
        "the file has {size} bytes, and a safetensors file starts with an 8-byte header length: it is cut off"
    )]
    TooShort {
        /// Bytes in the file.
        size: u64,
    },
    /// The header length is zero.
    #[error("the header length is 0, so the file describes no tensors")]
    Empty,
    /// The header length is past what the format allows.
    #[error(
        "the header claims {length} bytes; the format allows {cap}: this is not a safetensors file, or it is damaged"
    )]
    TooLong {
        /// Claimed header length, bytes.
        length: u64,
        /// The format's cap, bytes.
        cap: u64,
    },
    /// The header ends after the file does.
    #[error(
        "the header claims {length} bytes, but the file has only {size}: it is cut off or damaged"
    )]
    BeyondFile {
        /// Claimed header length, bytes.
        length: u64,
        /// Bytes in the file.
        size: u64,
    },
    /// The header is not text.
    #[error("the header is not UTF-8 text (byte {at} of the header)")]
    NotUtf8 {
        /// First bad byte, counted from the start of the JSON.
        at: usize,
    },
    /// The header is text but not JSON of the right shape.
    #[error("the header is not the JSON that safetensors prescribes: {reason}")]
    Malformed {
        /// What the JSON reader met, with its place.
        reason: String,
    },
    /// Braces inside braces; the format needs three levels.
    #[error("the header nests more than {limit} levels deep; the format needs 3")]
    TooDeep {
        /// Levels that are accepted.
        limit: usize,
    },
    /// More tensors than any real checkpoint has in one file.
    #[error(
        "the header lists more than {limit} tensors in one file, which no real checkpoint does"
    )]
    TooMany {
        /// Tensors that are accepted in one file.
        limit: usize,
    },
    /// A name that appears twice.
    #[error("the tensor name {name} appears twice")]
    Duplicate {
        /// The name, escaped.
        name: String,
    },
    /// A dtype that the format does not define.
    #[error("tensor {name} has the unknown dtype {dtype}")]
    UnknownDtype {
        /// The name, escaped.
        name: String,
        /// What the header says, escaped.
        dtype: String,
    },
    /// A size or an offset that is no whole number in range.
    #[error(
        "tensor {name}: {value} in {field} is not a whole number that this machine can address"
    )]
    BadNumber {
        /// The name, escaped.
        name: String,
        /// `shape` or `data_offsets`.
        field: &'static str,
        /// The number as read.
        value: String,
    },
    /// A size or an offset below zero.
    #[error("tensor {name}: {value} in {field} is negative")]
    Negative {
        /// The name, escaped.
        name: String,
        /// `shape` or `data_offsets`.
        field: &'static str,
        /// The number as read.
        value: i64,
    },
    /// Too many dimensions.
    #[error("a tensor has more than {limit} dimensions")]
    TooManyDimensions {
        /// Dimensions that are accepted.
        limit: usize,
    },
    /// The sizes multiply past 2⁶⁴.
    #[error("tensor {name}: the product of shape {shape:?} overflows")]
    ShapeOverflow {
        /// The name, escaped.
        name: String,
        /// The shape.
        shape: Vec<usize>,
    },
    /// Shape, dtype and byte range disagree.
    #[error(
        "tensor {name}: shape {shape:?} of {dtype} needs {needs} bits, its byte range holds {holds} bytes"
    )]
    LengthMismatch {
        /// The name, escaped.
        name: String,
        /// The shape.
        shape: Vec<usize>,
        /// The dtype as the format spells it.
        dtype: &'static str,
        /// Bits that shape and dtype ask for.
        needs: u64,
        /// Bytes between the offsets.
        holds: u64,
    },
    /// The end lies before the start.
    #[error("tensor {name}: its byte range {start}..{end} runs backwards")]
    Backwards {
        /// The name, escaped.
        name: String,
        /// First offset.
        start: u64,
        /// Second offset.
        end: u64,
    },
    /// The tensor ends after the file does.
    #[error(
        "tensor {name} ends at byte {end}, but the file has {size} bytes: it is cut off (an unfinished download?) or \
         its header is wrong"
    )]
    OutOfRange {
        /// The name, escaped.
        name: String,
        /// Where it would end, counted from the start of the file.
        end: u64,
        /// Bytes in the file.
        size: u64,
    },
    /// Two tensors share bytes.
    #[error("tensors {first} and {second} overlap at byte {at}")]
    Overlap {
        /// The earlier one, escaped.
        first: String,
        /// The later one, escaped.
        second: String,
        /// Where the second starts, counted from the start of the file.
        at: u64,
    },
    /// Bytes that belong to no tensor, which the format forbids.
    #[error("bytes {start}..{end} belong to no tensor, which the format forbids")]
    Hole {
        /// First byte, counted from the start of the file.
        start: u64,
        /// One past the last byte.
        end: u64,
    },
}
