//! Pictures that carry their stamp: SVG and PNG, with the line drawn under the chart and everything in the file.

use crate::checkpoint::quoting::xml;
use crate::study::stamp::Stamp;

/// Height of a line of the stamp, and width of one of its letters, in CSS pixels.
const LINE: f64 = 13.0;
const LETTER: f64 = 5.6;

/// The chart `inner`, an `svg` element of `width` by `height` that stands alone, with its stamp: in words below it, and as its
/// description.
pub fn svg(inner: &str, [width, height]: [f64; 2], stamp: &Stamp) -> (String, [f64; 2]) {
    let lines = wrapped(&stamp.line(), (width / LETTER) as usize);
    let size = [width, height + LINE * lines.len() as f64 + 4.0];
    let text: String = lines
        .iter()
        .enumerate()
        .map(|(i, line)| {
            let y = height + LINE * (i + 1) as f64 - 3.0;
            format!(r#"<text x="2" y="{y:.1}">{}</text>"#, xml(line))
        })
        .collect();
    let svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="{}"><desc>{}</desc>{inner}<g font-family="sans-serif" font-size="10" fill="#777">{text}</g></svg>"##,
        size[0],
        size[1],
        xml(&stamp.lines().join("\n")),
    );
    (svg, size)
}

/// A PNG with its stamp as text in front of the picture; what is no PNG stays as it is.
///
/// # Source
/// Portable Network Graphics, third edition (W3C), 11.3.3.4: iTXt.
pub fn png(bytes: &[u8], stamp: &Stamp) -> Vec<u8> {
    // The signature, and the header's chunk of 13 bytes.
    const START: usize = 8 + 4 + 4 + 13 + 4;
    let Some((start, rest)) = bytes.split_at_checked(START) else { return bytes.to_vec() };
    let mut chunk = b"iTXtDescription\0\0\0\0\0".to_vec();
    chunk.extend(stamp.lines().join("\n").as_bytes());
    let length = (chunk.len() - 4) as u32;
    let sum = crc(&chunk);
    [start, &length.to_be_bytes(), &chunk, &sum.to_be_bytes(), rest].concat()
}

/// The cyclic redundancy check of PNG chunks.
fn crc(bytes: &[u8]) -> u32 {
    let step = |c: u32, byte: &u8| {
        (0..8).fold(
            c ^ u32::from(*byte),
            |c, _| if c & 1 == 1 { c >> 1 ^ 0xEDB8_8320 } else { c >> 1 },
        )
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// `text` in lines of at most `most` letters, broken between words.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > most {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_says_where_it_comes_from() {
        let stamp = Stamp::new("<a & b>", &()).seeded(3);
        let (svg, [width, height]) = svg("<svg/>", [200.0, 100.0], &stamp);
        assert!(svg.contains("<desc>&lt;a &amp; b&gt; · seed 3 · omega-lens "), "{svg}");
        assert!(width == 200.0 && height > 110.0 && svg.contains(r#"<text x="2" y="110.0">"#));
        assert_eq!(wrapped("a bc def g", 4), ["a bc", "def", "g"]);
    }

    #[test]
    fn a_png_keeps_its_picture_and_gains_a_valid_chunk() {
        // python: zlib.crc32(b"123456789")
        assert_eq!(crc(b"123456789"), 0xCBF4_3926);
        let picture: Vec<u8> = (0..50).collect();
        let stamped = png(&picture, &Stamp::new("m", &()));
        assert_eq!(&stamped[..33], &picture[..33]);
        assert_eq!(&stamped[stamped.len() - 17..], &picture[33..]);
        assert_eq!(&stamped[37..53], b"iTXtDescription\0");
        assert_eq!(png(b"short", &Stamp::new("m", &())), b"short");
    }
}
