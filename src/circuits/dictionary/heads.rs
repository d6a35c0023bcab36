//! Singular vectors of other heads as a dictionary: what one head writes, another may read.

use super::{About, Dictionary, DictionaryError, Space};
use crate::circuits::alignment::HeadSide;
use crate::model::Head;

impl Dictionary {
    /// The directions of `sides`, all of one width, kept in memory: a layer of GPT-2 small takes 2.4 MB a side.
    ///
    /// Rows are labelled "L3H0 write 5". Directions of folded LayerNorm heads are centred already; `centred` says so.
    ///
    /// # Errors
    /// [`DictionaryError::WrongWidth`] if the sides have different widths.
    pub fn of_heads(sides: &[HeadSide], centred: bool) -> Result<Self, DictionaryError> {
        let d_model = sides.first().map_or(0, |side| side.basis.nrows());
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        for side in sides {
            if side.basis.nrows() != d_model {
                let name = format!("{} {}", Head::new(side.layer, side.head), side.side.name());
                let shape = vec![side.basis.nrows(), side.basis.ncols()];
                return Err(DictionaryError::WrongWidth { name, shape, width: d_model });
            }
            rows.extend(side.basis.iter().map(|&x| x as f32));
            labels.extend(
                (0..side.sigma.len()).map(|k| {
                    format!("{} {} {k}", Head::new(side.layer, side.head), side.side.name())
                }),
            );
        }
        let about = About {
            name: "singular vectors of heads".to_owned(),
            n_rows: labels.len(),
            d_model,
            space: if centred { Space::Centred } else { Space::Raw },
            hook: None,
            neuronpedia: None,
            notes: Vec::new(),
        };
        Self::from_rows(about, rows, labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::alignment::Side;
    use crate::math::Mat;

    #[test]
    fn directions_become_labelled_rows() {
        let side = HeadSide::new(3, 1, Side::Write, &Mat::identity(3, 2), &[2.0, 1.0]);
        let dictionary = Dictionary::of_heads(&[side.clone(), side], false).unwrap();
        assert_eq!(dictionary.label(3), "L3H1 write 1");
        assert_eq!(dictionary.rows(None, 1..3).unwrap(), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
        assert!(dictionary.rows(None, 3..5).is_err());
    }
}
