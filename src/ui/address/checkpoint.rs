//! Which checkpoint an address is about: a link that says `layer=4` means the fifth layer of one model, not of any.

use crate::protocol::model::ModelSummary;

/// A checkpoint as a link names it: `name~bytes~fingerprint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What its reader called it: the name of a folder or a file.
    pub name: String,
    /// Bytes of all its files together.
    pub size: u64,
    /// [`crate::checkpoint::Checkpoint::fingerprint`], in hexadecimal digits.
    pub fingerprint: String,
}

impl Named {
    /// The name of an open model.
    pub fn of(name: &str, summary: &ModelSummary) -> Self {
        let fingerprint = summary.fingerprint.clone();
        Self { name: name.to_owned(), size: summary.size, fingerprint }
    }

    /// Reads what [`Named::slug`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, '~');
        let fingerprint = parts.next().filter(|digits| !digits.is_empty())?.to_owned();
        let size = parts.next()?.parse().ok()?;
        Some(Self { name: parts.next()?.to_owned(), size, fingerprint })
    }

    /// As it stands in an address.
    pub fn slug(&self) -> String {
        format!("{}~{}~{}", self.name, self.size, self.fingerprint)
    }

    /// Whether both are the same tensors, whatever their files are called.
    pub fn is(&self, other: &Self) -> bool {
        (self.size, &self.fingerprint) == (other.size, &other.fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_the_address_whatever_is_in_it() {
        for name in ["all-MiniLM-L6-v2", "a~b~3", "", "~", "größer 50 %"] {
            let named =
                Named { name: name.into(), size: 90_868_376, fingerprint: "1a2b3c4d".into() };
            assert_eq!(Named::parse(&named.slug()), Some(named));
        }
        for text in ["", "~", "~~", "a~b", "a~b~c", "a~-1~c", "a~1~"] {
            assert_eq!(Named::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_same_tensors_under_another_name_are_the_same_checkpoint() {
        let named =
            |name: &str, size| Named { name: name.into(), size, fingerprint: "1a2b3c4d".into() };
        assert!(named("a", 5).is(&named("b", 5)));
        assert!(!named("a", 5).is(&named("a", 6)));
    }
}
