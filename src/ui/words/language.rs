//! The languages that the page speaks, and which one a reader gets.

/// A language of the page's words and lessons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// British English, in which everything is written first.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its name in an address, in HTML and in `www/lessons`.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// What it calls itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// The first of a browser's languages, such as `de-AT`, that the page speaks.
    pub fn preferred<'a>(tags: impl IntoIterator<Item = &'a str>) -> Self {
        let spoken = |tag: &str| {
            let code = tag.split('-').next().unwrap_or_default().to_lowercase();
            Self::ALL.into_iter().find(|language| language.code() == code)
        };
        tags.into_iter().find_map(spoken).unwrap_or_default()
    }
}

/// A text that is said in the reader's language.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// Its name in the file of a language.
    pub name: &'static str,
    /// What it says in English.
    pub english: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_of_the_browser_that_the_page_speaks_is_taken() {
        for (tags, language) in [
            (vec!["de-AT", "en"], Language::German),
            (vec!["fr-FR", "DE"], Language::German),
            (vec!["fr", "en-US", "de"], Language::English),
            (vec!["nds", "den", ""], Language::English),
            (vec![], Language::English),
        ] {
            assert_eq!(Language::preferred(tags.iter().copied()), language, "{tags:?}");
        }
    }
}
