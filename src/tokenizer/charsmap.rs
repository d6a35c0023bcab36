//! SentencePiece's table of rewritten characters, checked before the `tokenizers` crate follows it: that one trusts every number in it.
//!
//! The table is the byte length of a double-array trie, its units of four bytes, and the texts that its leaves point into.
//!
//! # Source
//! Darts-clone (Yata), as SentencePiece's `precompiled_charsmap` and the crate `spm_precompiled` read it.

use std::collections::HashSet;

/// The largest table that is followed; the usual one, NFKC with lower case, has 0.3 MB.
const LARGEST: usize = 4 << 20;

/// The largest byte that UTF-8 has.
const LAST_BYTE: usize = 0xF4;

/// Follows every path that a text can take through `table`.
///
/// # Errors
/// In words, if one of them leads outside the table.
pub(super) fn check(table: &[u8]) -> Result<(), String> {
    let outside = || "its table of rewritten characters points outside itself".to_owned();
    if table.len() > LARGEST {
        return Err(format!("its table of rewritten characters has {} bytes", table.len()));
    }
    let (length, rest) = table.split_first_chunk().ok_or_else(outside)?;
    let length = usize::try_from(u32::from_le_bytes(*length) / 4 * 4).map_err(|_| outside())?;
    let (trie, texts) = rest.split_at_checked(length).ok_or_else(outside)?;
    let texts = std::str::from_utf8(texts).map_err(|error| error.to_string())?;
    let units: Vec<usize> = trie
        .chunks_exact(4)
        .map(|unit| unit.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
        .collect();
    let unit = |place: usize| units.get(place).copied().ok_or_else(outside);
    let offset = |unit: usize| (unit >> 10) << ((unit & 0x200) >> 6);
    let mut open = vec![offset(unit(0)?)];
    let mut seen = HashSet::new();
    while let Some(place) = open.pop() {
        if !seen.insert(place) {
            continue;
        }
        for byte in 1..=LAST_BYTE {
            let here = place ^ byte;
            let found = unit(here)?;
            // A leaf's own mark makes its label that of no byte.
            if found & 0x8000_00FF != byte {
                continue;
            }
            let next = here ^ offset(found);
            if found & 0x100 != 0 && !texts.is_char_boundary(unit(next)? & 0x7FFF_FFFF) {
                return Err(outside());
            }
            open.push(next);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with these units, in a block of 256 as darts-clone pads them, and these texts.
    fn table(units: &[(usize, u32)], texts: &[u8]) -> Vec<u8> {
        let mut trie = [0_u32; 256];
        for &(place, unit) in units {
            trie[place] = unit;
        }
        let bytes = trie.iter().flat_map(|unit| unit.to_le_bytes());
        (1024_u32).to_le_bytes().into_iter().chain(bytes).chain(texts.iter().copied()).collect()
    }

    /// `a` becomes the text at `value`: the root has its children from 0 on, `a` its leaf at 1.
    fn rewrites_a(value: u32) -> Vec<(usize, u32)> {
        let a = usize::from(b'a');
        vec![(0, 0), (a, (a as u32 ^ 1) << 10 | 0x100 | a as u32), (1, 0x8000_0000 | value)]
    }

    #[test]
    fn a_table_that_stays_inside_itself_is_followed() {
        assert_eq!(check(&table(&rewrites_a(0), b"b\0")), Ok(()));
        assert_eq!(check(&table(&rewrites_a(2), b"b\0")), Ok(()));
    }

    #[test]
    fn a_table_that_points_outside_itself_is_refused() {
        let far = [(0, 0), (usize::from(b'a'), 0x1F_0000 << 10 | u32::from(b'a'))];
        for hostile in [
            b"".to_vec(),
            b"\x04\0\0\0".to_vec(),
            b"\x04\0\0\0\0\0\0\0ab".to_vec(),
            b"\xff\xff\xff\xff\0\0\0\0".to_vec(),
            table(&rewrites_a(3), b"b\0"),
            table(&rewrites_a(0x7FFF_FFFF), b"b\0"),
            table(&rewrites_a(1), "é\0".as_bytes()),
            table(&rewrites_a(0), b"\xff\0"),
            table(&far, b"b\0"),
            vec![0; LARGEST + 1],
        ] {
            assert!(check(&hostile).is_err(), "{:?}", &hostile[..hostile.len().min(12)]);
        }
    }

    #[test]
    fn the_tables_that_are_followed_do_not_end_the_crate_that_reads_them() {
        let json = |table: &[u8]| {
            let table = base64::encode(table);
            format!(
                r#"{{"version":"1.0","added_tokens":[],"normalizer":{{"type":"Precompiled","precompiled_charsmap":"{table}"}},
                "model":{{"type":"WordLevel","vocab":{{"b":0,"?":1}},"unk_token":"?"}}}}"#
            )
        };
        let parse = |table: &[u8]| crate::Encoder::parse(json(table).as_bytes());
        let good = parse(&table(&rewrites_a(0), b"b\0")).unwrap();
        assert_eq!(good.encode("a", false), Ok(vec![0]));
        assert!(parse(b"\x04\0\0\0\0\0\0\0ab").is_err());
        assert!(parse(&table(&rewrites_a(3), b"b\0")).is_err());
    }
}
