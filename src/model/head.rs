//! How people write which head of a model they speak of: "L3H0".

use std::fmt;

/// A head of a model, to be printed as people write it: `L3H0`. The only place that knows that form; a stack's name stands in front of it.
///
/// ```
/// use omega_lens::model::Head;
///
/// assert_eq!(Head::new(3, 0).to_string(), "L3H0");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Head {
    layer: usize,
    head: usize,
}

impl Head {
    /// Head `head` of layer `layer`.
    pub const fn new(layer: usize, head: usize) -> Self {
        Self { layer, head }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("L{}H{}", self.layer, self.head))
    }
}

impl From<(usize, usize)> for Head {
    fn from((layer, head): (usize, usize)) -> Self {
        Self { layer, head }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_heads_keeps_its_width() {
        assert_eq!(format!("{:<8}|", Head::new(1, 2)), "L1H2    |");
        assert_eq!(format!("{:>8}|", Head::from((12, 10))), "  L12H10|");
    }
}
