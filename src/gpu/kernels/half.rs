//! Half-precision words in a shader: `expand(word, odd, kind)` gives one of the two numbers in a word. CPU twin: the crate `half`.

/// The text of a shader of this folder, with `expand` before it.
macro_rules! with_half {
    ($file:literal) => {
        concat!(include_str!("half.wgsl"), include_str!($file))
    };
}

pub(super) use with_half;
