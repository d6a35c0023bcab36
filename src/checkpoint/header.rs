//! The safetensors header, parsed from the first bytes of a file and trusted in nothing.
//!
//! Layout: `u64` little-endian length `N`, `N` bytes of JSON `{name: {dtype, shape, data_offsets}, …}`, then the
//! tensors, little-endian and row-major, without holes. Offsets count from the end of the header.
//! Every check compares with the size of the file, so nothing that is allocated later exceeds what is there.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::quoted;
use super::header_metadata::Metadata;
use super::{ByteSource, CheckpointError, Dtype, HeaderError, TensorEntry};
use crate::math::order::sort;
use crate::math::order::sort_by_key;

/// The format's cap on the length of the JSON, bytes.
pub const MAX_HEADER: u64 = 100_000_000;
/// Tensors accepted in one file; the largest real checkpoints have some hundred thousand over all their shards.
pub const MAX_TENSORS: usize = 1 << 18;
/// Levels of nesting accepted; the format needs three.
const MAX_DEPTH: usize = 8;
/// Dimensions accepted, numpy's own limit.
const MAX_DIMENSIONS: usize = 64;

/// What the header of one file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Header {
    /// The tensors, in order of their bytes.
    pub entries: Vec<TensorEntry>,
    /// The pairs under `__metadata__`.
    pub metadata: BTreeMap<String, String>,
}

/// Reads and parses the header of `source`; the entries carry `file` as their file number.
///
/// # Errors
/// [`CheckpointError::Read`] from the source, [`CheckpointError::Header`] for everything the header does wrong.
pub fn read(source: &dyn ByteSource, file: usize) -> Result<Header, CheckpointError> {
    let size = source.size();
    let named = |error| CheckpointError::Header { file: source.name().to_owned(), error };
    let first = source.read(0..size.min(8))?;
    let length = length(&first, size).map_err(named)?;
    let json = source.read(8..8 + length)?;
    parse(&json, size, file).map_err(named)
}

/// The length of the JSON from the `first` eight bytes of a file of `size` bytes.
///
/// # Errors
/// [`HeaderError::TooShort`], [`HeaderError::Empty`], [`HeaderError::TooLong`], [`HeaderError::BeyondFile`].
pub fn length(first: &[u8], size: u64) -> Result<u64, HeaderError> {
    let Some(bytes) = first.first_chunk::<8>() else {
        return Err(HeaderError::TooShort { size });
    };
    match u64::from_le_bytes(*bytes) {
        0 => Err(HeaderError::Empty),
        length if length > MAX_HEADER => Err(HeaderError::TooLong { length, cap: MAX_HEADER }),
        length if length > size.saturating_sub(8) => Err(HeaderError::BeyondFile { length, size }),
        length => Ok(length),
    }
}

/// What `json` lists, for a file of `size` bytes in all.
///
/// # Errors
/// A [`HeaderError`] that names the first thing that is wrong.
pub fn parse(json: &[u8], size: u64, file: usize) -> Result<Header, HeaderError> {
    let text = std::str::from_utf8(json)
        .map_err(|error| HeaderError::NotUtf8 { at: error.valid_up_to() })?;
    if json.first() != Some(&b'{') {
        return Err(HeaderError::Malformed { reason: "it does not start with a brace".into() });
    }
    check_depth(json)?;
    let mut listing = Listing::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = ListingSeed(&mut listing).deserialize(&mut reader).and_then(|()| reader.end());
    if let Some(error) = listing.error {
        return Err(error);
    }
    read.map_err(|error| HeaderError::Malformed { reason: error.to_string() })?;

    let mut names: Vec<&str> = listing.tensors.iter().map(|(name, _)| name.as_str()).collect();
    sort(&mut names);
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(HeaderError::Duplicate { name: quoted(pair[0]) });
    }

    let start_of_tensors = 8 + json.len() as u64;
    let mut entries = listing
        .tensors
        .into_iter()
        .map(|(name, listed)| entry(name, &listed, start_of_tensors, size, file))
        .collect::<Result<Vec<_>, _>>()?;
    sort_by_key(&mut entries, |a| (a.start, a.end));
    check_no_overlap(&entries, start_of_tensors, size)?;
    Ok(Header { entries, metadata: listing.metadata })
}

/// Counts brackets outside strings, so that the JSON reader never recurses on hostile text.
fn check_depth(json: &[u8]) -> Result<(), HeaderError> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for &byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(HeaderError::TooDeep { limit: MAX_DEPTH });
        }
    }
    Ok(())
}

/// One tensor, its numbers checked against each other and against the file.
fn entry(
    name: String,
    listed: &Listed,
    base: u64,
    size: u64,
    file: usize,
) -> Result<TensorEntry, HeaderError> {
    let quoted = || quoted(&name);
    let dtype = Dtype::from_name(&listed.dtype).ok_or_else(|| HeaderError::UnknownDtype {
        name: quoted(),
        dtype: super::error::quoted(&listed.dtype),
    })?;
    let mut shape = Vec::with_capacity(listed.shape.len());
    for number in &listed.shape {
        let field = "shape";
        let value = number.natural(&name, field)?;
        let addressable = usize::try_from(value);
        shape.push(addressable.map_err(|_| HeaderError::BadNumber {
            name: quoted(),
            field,
            value: value.to_string(),
        })?);
    }
    let [start, end] = &listed.data_offsets;
    let (start, end) = (start.natural(&name, "data_offsets")?, end.natural(&name, "data_offsets")?);
    if start > end {
        return Err(HeaderError::Backwards { name: quoted(), start, end });
    }
    let absolute = |offset: u64| base.checked_add(offset);
    let (Some(absolute_start), Some(absolute_end)) = (absolute(start), absolute(end)) else {
        return Err(HeaderError::OutOfRange { name: quoted(), end: u64::MAX, size });
    };
    // Multiplied in order, as the safetensors crate does: a zero first makes an empty tensor, a zero last does not undo
    // an overflow. The count of elements must be addressable too.
    let elements = shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
    let bits = elements.and_then(|elements| u64::from(dtype.bits()).checked_mul(elements as u64));
    let Some(needs) = bits else {
        return Err(HeaderError::ShapeOverflow { name: quoted(), shape });
    };
    let holds = end - start;
    if !needs.is_multiple_of(8) || needs / 8 != holds {
        return Err(HeaderError::LengthMismatch {
            name: quoted(),
            shape,
            dtype: dtype.name(),
            needs,
            holds,
        });
    }
    if absolute_end > size {
        return Err(HeaderError::OutOfRange { name: quoted(), end: absolute_end, size });
    }
    Ok(TensorEntry {
        name,
        dtype,
        shape,
        file,
        start: absolute_start,
        end: absolute_end,
        from: None,
    })
}

/// `entries`, sorted by start, must tile `base..size`.
fn check_no_overlap(entries: &[TensorEntry], base: u64, size: u64) -> Result<(), HeaderError> {
    let mut at = base;
    let mut before: Option<&TensorEntry> = None;
    for entry in entries {
        if entry.start < at {
            let first = before.map_or_else(String::new, |entry| quoted(&entry.name));
            return Err(HeaderError::Overlap {
                first,
                second: quoted(&entry.name),
                at: entry.start,
            });
        }
        if entry.start > at {
            return Err(HeaderError::Hole { start: at, end: entry.start });
        }
        at = entry.end;
        before = Some(entry);
    }
    if at < size { Err(HeaderError::Hole { start: at, end: size }) } else { Ok(()) }
}

/// What the JSON lists, before any number is believed.
#[derive(Default)]
struct Listing {
    tensors: Vec<(String, Listed)>,
    metadata: BTreeMap<String, String>,
    /// Set where the reader stops for a reason of ours rather than of the JSON's.
    error: Option<HeaderError>,
}

/// One tensor as listed.
#[derive(Deserialize)]
struct Listed {
    dtype: String,
    #[serde(deserialize_with = "shape")]
    shape: Vec<Number>,
    data_offsets: [Number; 2],
}

/// A number of the JSON, kept with its sign so that the error can name it.
#[derive(Clone, Copy)]
enum Number {
    Natural(u64),
    Negative(i64),
    Other(f64),
}

impl Number {
    fn natural(self, name: &str, field: &'static str) -> Result<u64, HeaderError> {
        match self {
            Number::Natural(value) => Ok(value),
            Number::Negative(value) => {
                Err(HeaderError::Negative { name: quoted(name), field, value })
            }
            Number::Other(value) => {
                Err(HeaderError::BadNumber { name: quoted(name), field, value: value.to_string() })
            }
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
                Ok(Number::Natural(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
                Ok(u64::try_from(value).map_or(Number::Negative(value), Number::Natural))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
                Ok(Number::Other(value))
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
}

/// A shape, refused as soon as it is absurdly long: 100 MB of `0,0,0…` must not become a gigabyte of numbers.
fn shape<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Number>, D::Error> {
    struct ShapeVisitor;
    impl<'de> Visitor<'de> for ShapeVisitor {
        type Value = Vec<Number>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of sizes")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut sizes: A) -> Result<Vec<Number>, A::Error> {
            let mut shape = Vec::new();
            while let Some(size) = sizes.next_element()? {
                if shape.len() == MAX_DIMENSIONS {
                    return Err(A::Error::custom(HeaderError::TooManyDimensions {
                        limit: MAX_DIMENSIONS,
                    }));
                }
                shape.push(size);
            }
            Ok(shape)
        }
    }
    deserializer.deserialize_seq(ShapeVisitor)
}

/// Collects pairs instead of a map, so that a name that appears twice is seen twice.
struct ListingSeed<'a>(&'a mut Listing);

impl<'de> DeserializeSeed<'de> for ListingSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ListingSeed<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from tensor names to dtype, shape and data_offsets")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                self.0.metadata = map.next_value::<Metadata>()?.0;
                continue;
            }
            if self.0.tensors.len() == MAX_TENSORS {
                self.0.error = Some(HeaderError::TooMany { limit: MAX_TENSORS });
                return Err(A::Error::custom("too many tensors"));
            }
            let listed = map.next_value::<Listed>().map_err(|error| {
                A::Error::custom(format_args!("tensor {}: {error}", quoted(&name)))
            })?;
            self.0.tensors.push((name, listed));
        }
        Ok(())
    }
}
