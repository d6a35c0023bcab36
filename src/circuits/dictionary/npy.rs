//! The header of a numpy `.npy` file: versions 1 to 3, little-endian floats, either order in memory.
//!
//! # Source
//! numpy, "NEP 1: A simple file format for NumPy arrays", and `numpy/lib/format.py`.

use crate::checkpoint::{ByteSource, Dtype};

use super::DictionaryError;

/// Longest header that is read; numpy itself refuses more than 10 000 bytes.
const LONGEST_HEADER: u64 = 1 << 16;

/// Where the numbers of a two-dimensional array lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Npy {
    /// Number format.
    pub(super) dtype: Dtype,
    /// Shape as it lies in the file, row-major; a Fortran-ordered array is its transpose.
    pub(super) shape: [usize; 2],
    /// The array is the transpose of what lies in the file.
    pub(super) transposed: bool,
    /// First byte of the numbers.
    pub(super) start: u64,
}

impl Npy {
    /// Reads the header.
    ///
    /// # Errors
    /// [`DictionaryError::Npy`] if it is no float matrix or is cut off.
    pub(super) fn open(source: &dyn ByteSource) -> Result<Self, DictionaryError> {
        let refuse =
            |reason: String| DictionaryError::Npy { file: source.name().to_owned(), reason };
        let first = source.read(0..source.size().min(12))?;
        let (at, length) = match first.as_slice() {
            [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, ..] => {
                (10, u64::from(u16::from_le_bytes([*a, *b])))
            }
            [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d] => {
                (12, u64::from(u32::from_le_bytes([*a, *b, *c, *d])))
            }
            [0x93, b'N', b'U', b'M', b'P', b'Y', version, ..] => {
                return Err(refuse(format!("version {version} of the .npy format is not known")));
            }
            _ => return Err(refuse("it does not start like a .npy file".to_owned())),
        };
        if length > LONGEST_HEADER || at + length > source.size() {
            return Err(refuse(format!(
                "its header claims {length} bytes: it is cut off or damaged"
            )));
        }
        let header = String::from_utf8_lossy(&source.read(at..at + length)?).into_owned();
        let dtype = match quoted_value(&header, "descr") {
            Some("<f4") => Dtype::F32,
            Some("<f8") => Dtype::F64,
            Some("<f2") => Dtype::F16,
            Some(other) => {
                return Err(refuse(format!(
                    "its numbers are {other:?}; little-endian f2, f4 and f8 are read: save it with .astype('<f4')"
                )));
            }
            None => return Err(refuse("its header names no plain number format".to_owned())),
        };
        let fortran = value(&header, "fortran_order").is_some_and(|rest| rest.starts_with("True"));
        let Some([n_rows, n_columns]) = shape(&header) else {
            let found =
                value(&header, "shape").and_then(|rest| rest.split(')').next()).unwrap_or("(");
            return Err(refuse(format!(
                "its shape is {found}); a dictionary is a matrix, two-dimensional"
            )));
        };
        let shape = if fortran { [n_columns, n_rows] } else { [n_rows, n_columns] };
        let numbers = (n_rows as u64).checked_mul(n_columns as u64);
        let needs = numbers.and_then(|n| n.checked_mul(u64::from(dtype.bits() / 8)));
        let holds = source.size() - at - length;
        match needs {
            Some(needs) if needs <= holds => {
                Ok(Self { dtype, shape, transposed: fortran, start: at + length })
            }
            _ => Err(refuse(format!(
                "its header says [{n_rows}, {n_columns}] numbers, but only {holds} bytes follow: it is cut off"
            ))),
        }
    }
}

/// What follows `'key':` in the header's Python dictionary.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let after = header.split_once(&format!("'{key}'"))?.1;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

fn quoted_value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let rest = value(header, key)?.strip_prefix('\'')?;
    rest.split('\'').next()
}

fn shape(header: &str) -> Option<[usize; 2]> {
    let inside = value(header, "shape")?.strip_prefix('(')?.split(')').next()?;
    let sizes: Option<Vec<usize>> = inside
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().ok())
        .collect();
    sizes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::MemorySource;

    fn file(version: u8, header: &str, numbers: usize) -> MemorySource {
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((header.len() as u16).to_le_bytes()),
            _ => bytes.extend((header.len() as u32).to_le_bytes()),
        }
        bytes.extend(header.as_bytes());
        bytes.extend(vec![0; numbers]);
        MemorySource::new("a.npy", bytes)
    }

    #[test]
    fn versions_and_orders_are_read() {
        let c = Npy::open(&file(
            1,
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 5), }\n",
            60,
        ))
        .unwrap();
        assert_eq!((c.shape, c.transposed, c.dtype, c.start), ([3, 5], false, Dtype::F32, 70));
        let f =
            Npy::open(&file(2, "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 5), }", 120))
                .unwrap();
        assert_eq!((f.shape, f.transposed, f.dtype), ([5, 3], true, Dtype::F64));
        let wide =
            Npy::open(&file(3, "{'descr': '<f2', 'fortran_order': False, 'shape': (3,5)}", 30))
                .unwrap();
        assert_eq!(wide.dtype, Dtype::F16);
    }

    #[test]
    fn what_is_no_float_matrix_is_refused_with_a_reason() {
        let message = |source: MemorySource| Npy::open(&source).unwrap_err().to_string();
        let header = |descr: &str, shape: &str| {
            format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}")
        };
        assert!(message(file(1, &header("'>f4'", "(2, 2)"), 16)).contains("astype"));
        assert!(message(file(1, &header("'<f4'", "(4,)"), 16)).contains("two-dimensional"));
        assert!(message(file(1, &header("'<f4'", "(4, 4)"), 16)).contains("cut off"));
        assert!(
            message(file(1, &header("'<f4'", "(4294967295, 18446744073709551615)"), 16))
                .contains("cut off")
        );
        assert!(
            message(file(1, &header("[('x', '<f4')]", "(2, 2)"), 16)).contains("number format")
        );
        assert!(message(file(9, "", 0)).contains("version 9"));
        assert!(message(MemorySource::new("a.npy", vec![1; 40])).contains("start like"));
        assert!(message(MemorySource::new("a.npy", vec![])).contains("start like"));
    }
}
