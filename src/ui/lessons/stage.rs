//! The stage of a step: the pictures and controls that it speaks of, by name; nothing else of the page is shown beside it.
//!
//! A step says `show: gram, train` under its address. The names are checked here, and each of them stands on exactly one
//! page, inside a `Staged`.

use super::place::Place;
use crate::ui::address::keys::WHOLE;
use crate::ui::address::route::{Page, Route};

macro_rules! pictures {
    ($($(#[$meta:meta])* $picture:ident: $name:literal on $page:ident;)+) => {
        /// A piece of a page that a step can put on the stage.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Picture {
            $($(#[$meta])* $picture,)+
        }

        impl Picture {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$picture,)+];

            /// Its name in a lesson.
            pub fn name(self) -> &'static str {
                match self { $(Self::$picture => $name,)+ }
            }

            /// The page that it stands on.
            pub fn page(self) -> Page {
                match self { $(Self::$picture => Page::$page,)+ }
            }
        }
    };
}

pictures! {
    /// Every head as a cell.
    HeadGrid: "head-grid" on Heads;
    /// Singular values of the head in view.
    Spectrum: "spectrum" on Heads;
    /// What both sides of the pair in view look for.
    Pair: "pair" on Heads;
    /// The sentence with arcs to what a word looks at.
    Arcs: "arcs" on Attention;
    /// Every head by what it looks at.
    LookGrid: "look-grid" on Attention;
    /// What the score in view is made of, in a sentence.
    Explained: "explained" on Attention;
    /// Its terms over singular vectors.
    Terms: "terms" on Attention;
    /// Its terms in a random basis.
    Control: "control" on Attention;
    /// S against every control.
    Sparsity: "sparsity" on Attention;
    /// The features that meet in it.
    Meetings: "meetings" on Attention;
    /// Parts of it removed.
    WhatIf: "what-if" on Attention;
    /// Every head by how surprising its directions are.
    AlignGrid: "align-grid" on Features;
    /// What the rotations say, in a sentence.
    Verdict: "verdict" on Features;
    /// The observed value among rotations.
    RotationNull: "rotation-null" on Features;
    /// The best cosine of each direction.
    BestCosines: "best-cosines" on Features;
    /// Train, pause, and how far it is.
    Train: "train" on Toy;
    /// The field for the seed.
    Seed: "seed" on Toy;
    /// Features as arrows.
    Space: "space" on Toy;
    /// Cosines between features.
    Gram: "gram" on Toy;
    /// How much features stand in each other's way.
    Interference: "interference" on Toy;
    /// Singular values of the toy's head.
    ToySpectrum: "toy-spectrum" on Toy;
    /// What the paper found, what you got.
    Verdicts: "verdicts" on Toy;
    /// A circle becomes an ellipse.
    Dials: "dials" on Svd;
    /// The head in view, built pair by pair.
    Built: "built" on Svd;
    /// The features of Theorem 1 in the plane.
    Plane: "plane" on Theorems;
    /// The button that makes them a tight frame.
    Tight: "tight" on Theorems;
    /// Ten thousand draws against the bound.
    Cloud: "cloud" on Theorems;
}

/// Reads `gram, train`.
///
/// # Errors
/// The first name that is none.
pub fn parse(text: &str) -> Result<Vec<Picture>, String> {
    let named = |name: &str| Picture::ALL.iter().copied().find(|picture| picture.name() == name);
    text.split(',').map(str::trim).map(|name| named(name).ok_or_else(|| name.to_owned())).collect()
}

/// What stands on the stage at `route`; `None` where the whole page is shown.
pub fn at(route: &Route) -> Option<&'static [Picture]> {
    let step = Place::of(route)?.step()?;
    (route.page == step.scene.page && !route.read(&WHOLE)).then_some(&step.stage)
}

#[cfg(target_arch = "wasm32")]
mod component {
    use yew::prelude::*;

    use super::Picture;
    use crate::ui::app::{use_route, use_speech};

    /// Properties of [`Staged`].
    #[derive(Properties, PartialEq)]
    pub struct StagedProps {
        /// What it is.
        pub picture: Picture,
        /// The piece of the page.
        pub children: Html,
    }

    /// A piece of a page that takes the stage when the step in view names it.
    #[component]
    pub fn Staged(props: &StagedProps) -> Html {
        let on = super::at(&use_route()).is_some_and(|stage| stage.contains(&props.picture));
        let speech = use_speech();
        let label = speech.label(props.picture).filter(|_| on);
        html! {
            <div class={classes!("piece", on.then_some("on-stage"))} data-picture={props.picture.name()}>
                if let Some(label) = label { <p class="stage-label" lang={speech.own()}>{ label }</p> }
                { props.children.clone() }
            </div>
        }
    }
}

#[cfg(target_arch = "wasm32")]
pub use component::Staged;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn sources(folder: &Path) -> String {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let text = |path: std::path::PathBuf| {
            if path.is_dir() { sources(&path) } else { fs::read_to_string(path).unwrap() }
        };
        entries.map(text).collect()
    }

    #[test]
    fn every_picture_stands_once_on_its_own_page() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui/pages");
        // What Attention shares with Trace stands in a folder of its own.
        let code = sources(&pages);
        for picture in Picture::ALL {
            let mark = format!("<Staged picture={{Picture::{picture:?}}}>");
            assert_eq!(code.matches(&mark).count(), 1, "{}", picture.name());
            let own = sources(&pages.join(picture.page().slug()));
            assert_eq!(own.matches(&mark).count(), 1, "{} is on another page", picture.name());
        }
    }

    #[test]
    fn names_are_read_and_others_are_named() {
        assert_eq!(parse("gram, train"), Ok(vec![Picture::Gram, Picture::Train]));
        assert_eq!(parse("gram, door"), Err("door".to_owned()));
    }

    #[test]
    fn the_whole_page_has_no_stage_and_another_page_neither() {
        assert!(at(&Route::parse("#/heads?head=0&layer=1&lesson=2.1")).is_some());
        for hash in ["#/heads?lesson=2.1&whole=1", "#/toy?lesson=2.1", "#/heads"] {
            assert!(at(&Route::parse(hash)).is_none(), "{hash}");
        }
    }
}
