//! Inputs of layers' own and several streams at once: their names completed.

use super::builder::Builder;
use crate::model::ModelError;
use crate::model::architecture::*;
use crate::model::side_streams::{AltUp, LayerInput, LayerInputs, SideStreams};

impl Builder<'_> {
    /// The inputs of all layers; `None` where the files have none.
    pub(super) fn layer_inputs(&self) -> Option<LayerInputs> {
        let paths = self.recipe.layer_inputs?;
        let table = self.names.find(&self.prefix, &format!("{}.weight", paths.table))?;
        let &[width] = self.names.shape(&self.outer_norm(paths.norm)?.weight?)? else {
            return None;
        };
        let &[_, all] = self.names.shape(&table)? else { return None };
        Some(LayerInputs {
            table,
            project: self.outer_linear(paths.project).ok()?,
            norm: self.outer_norm(paths.norm)?,
            width,
            n_layers: all.checked_div(width)?,
        })
    }

    /// What layer `l` does with its input; `None` where it has none.
    pub(super) fn layer_input(&self, l: usize) -> Result<Option<LayerInput>, ModelError> {
        let Some(paths) = self.recipe.layer_inputs.filter(|paths| self.has(l, paths.gate)) else {
            return Ok(None);
        };
        Ok(Some(LayerInput {
            gate: self.linear(l, paths.gate),
            project: self.linear(l, paths.back),
            norm: self.norm(l, paths.after, self.recipe.norm)?,
        }))
    }

    /// How the streams beside the active one begin and end.
    pub(super) fn side_streams(&self) -> Option<SideStreams> {
        let paths = self.recipe.altup?;
        let all = |path: &str| -> Vec<Linear> {
            let linear = |i: usize| self.outer_linear(&path.replace("{i}", &i.to_string())).ok();
            (0..).map_while(linear).collect()
        };
        Some(SideStreams { active: paths.active, into: all(paths.into), out: all(paths.out) })
    }

    /// How layer `l` moves them.
    pub(super) fn altup(&self, l: usize) -> Result<Option<AltUp>, ModelError> {
        let Some(paths) = self.recipe.altup else { return Ok(None) };
        let at = |what: &str| format!("{}.{what}", paths.home);
        let beside = |what: &str| format!("{}.{what}", paths.laurel);
        let norm = |path: &str| self.norm(l, path, self.recipe.norm);
        Ok(Some(AltUp {
            router: self.linear(l, &at("modality_router")),
            router_norm: norm(&at("router_norm"))?,
            predict: self.linear(l, &at("prediction_coefs")),
            correct: self.linear(l, &at("correction_coefs")),
            scale: paths.scaled.then(|| self.name_in_layer(l, &at("correct_output_scale"))),
            laurel: (
                self.linear(l, &beside("linear_left")),
                self.linear(l, &beside("linear_right")),
                norm(&beside("post_laurel_norm"))?,
            ),
        }))
    }
}
