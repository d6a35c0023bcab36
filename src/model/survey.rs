//! What a family looks at when it writes its recipe: tensors and config, and the questions that many families ask of them.

use super::architecture::{Groups, RouterScores, Routing, Window};
use super::config::Config;
use super::names::Names;
use super::recipe_parts::{PerLayer, RopeRecipe};

/// What a family may look at when it writes its recipe.
pub struct Survey<'a> {
    /// The tensors.
    pub names: &'a Names,
    /// The config: of the file, or of the table of well-known checkpoints, or empty; of a file for words and images the words' part.
    pub config: &'a Config,
    /// The config as it is in the file.
    pub whole: &'a Config,
    /// Number of layers.
    pub n_layers: usize,
}

impl Survey<'_> {
    /// The same rotary embedding in all layers, as the config says.
    pub fn rope(&self, default_fraction: f64) -> PerLayer<Option<RopeRecipe>> {
        self.rope_of(10_000.0, default_fraction)
    }

    /// The same, with the family's own base where the config has none.
    pub fn rope_of(&self, theta: f64, fraction: f64) -> PerLayer<Option<RopeRecipe>> {
        let config = self.config.rope("full_attention", theta, fraction);
        PerLayer::All(Some(RopeRecipe::half(config)))
    }

    /// The same, neighbouring dimensions turning together.
    pub fn adjacent_rope(&self, theta: f64, fraction: f64) -> PerLayer<Option<RopeRecipe>> {
        let config = self.config.rope("full_attention", theta, fraction);
        PerLayer::All(Some(RopeRecipe::adjacent(config)))
    }

    /// A part of the config as it is in the file; all of it where there is no such part.
    pub fn part(&self, key: &str) -> Config {
        self.whole.part(key).unwrap_or_else(|| self.whole.clone())
    }

    /// The layers with heads: as `said` by config.json, else those that have their tensors.
    pub fn attends(&self, output: &str, said: impl Fn(usize) -> bool) -> PerLayer<bool> {
        let named = self.names.layers(&format!("layers.{{l}}.{output}.weight"));
        let kinds = self.config.get("layer_types").and_then(|kinds| kinds.as_array());
        let kind = |l: usize| kinds.and_then(|kinds| kinds.get(l)).and_then(|kind| kind.as_str());
        self.each(|l| match kind(l) {
            Some(kind) => kind.contains("attention") && !kind.contains("linear"),
            None if self.config.is_empty() => named.values().any(|layers| layers.contains(&l)),
            None => said(l),
        })
    }

    /// One value per layer.
    pub fn each<T>(&self, of: impl Fn(usize) -> T) -> PerLayer<T> {
        PerLayer::Each((0..self.n_layers).map(of).collect())
    }

    /// How many experts a token uses, under `key`, or in this family where the config does not say; `None` without a config.
    pub fn experts_per_token(&self, key: &str, default: usize) -> Option<usize> {
        (!self.config.is_empty()).then(|| self.config.size(&[key]).unwrap_or(default))
    }

    /// DeepSeek V3's routing, with a family's own defaults: experts of a token, groups and kept groups, factor.
    pub fn grouped_routing(
        &self,
        top_k: usize,
        groups: [usize; 2],
        factor: f64,
    ) -> Option<Routing> {
        let size = |key: &str, default: usize| self.config.size(&[key]).unwrap_or(default);
        let normalised = self.config.flag("norm_topk_prob", true);
        Some(Routing {
            top_k: self.experts_per_token("num_experts_per_tok", top_k)?,
            scores: RouterScores::Sigmoid,
            groups: Some(Groups {
                count: size("n_group", groups[0]),
                kept: size("topk_group", groups[1]),
                best: 2,
            }),
            normalised: normalised.then_some(1e-20),
            factor: self.config.number(&["routed_scaling_factor"]).unwrap_or(factor),
            on_input: false,
        })
    }

    /// A window in the layers that are sliding, none in the others.
    pub fn windows(
        &self,
        window: Option<usize>,
        otherwise: impl Fn(usize) -> bool,
    ) -> PerLayer<Option<Window>> {
        let sliding = self.config.sliding_layers(self.n_layers, otherwise);
        windows_in(window.map(Window::Last), &sliding)
    }
}

/// The window in the layers that are `sliding`, none in the others.
pub fn windows_in(window: Option<Window>, sliding: &[bool]) -> PerLayer<Option<Window>> {
    PerLayer::Each(sliding.iter().map(|&s| window.filter(|_| s)).collect())
}
