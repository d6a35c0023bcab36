//! The mixture of experts of one layer of a recipe, its names completed.

use super::Builder;
use crate::model::ModelError;
use crate::model::architecture::*;
use crate::model::recipe::MixturePaths;

impl Builder<'_> {
    /// The mixture of a layer; `None` where its MLP is a plain one.
    pub(super) fn mixture(&self, l: usize) -> Option<Mlp> {
        let paths = self.recipe.mixture.as_ref()?;
        let routed = |home: &str| below(home, paths.router);
        let own = paths.homes.iter().find(|home| self.has(l, &routed(home)));
        let anywhere =
            |home: &&&str| self.in_any_layer(&format!("{}.weight", routed(home))).is_some();
        // A layer whose tensors are not in the files is taken to be as the others.
        let absent = || self.numbers_absent(l).then(|| paths.homes.iter().find(anywhere)).flatten();
        let home = own.or_else(absent)?;
        let found = self.mixture_at(l, home, paths);
        Some(found.map_or_else(Mlp::Unsupported, |mixture| Mlp::Mixture(Box::new(mixture))))
    }

    /// The mixture beside a layer's MLP, where it has one; else why it cannot be run.
    pub(super) fn beside_mlp(
        &self,
        l: usize,
    ) -> Result<Option<Result<Box<BesideMlp>, String>>, ModelError> {
        let Some(paths) = &self.recipe.beside_mlp else { return Ok(None) };
        if !self.has(l, paths.mixture.router) {
            return Ok(None);
        }
        let mixture = match self.mixture_at(l, "", &paths.mixture) {
            Ok(mixture) => Mixture { scale: Some(self.name_in_layer(l, paths.scale)), ..mixture },
            Err(reason) => return Ok(Some(Err(reason))),
        };
        let [before, on, on_mlp] = paths.norms;
        let norm = |path| self.norm(l, path, NormKind::Rms);
        let gains = self.name_in_layer(l, paths.before_router);
        Ok(Some(Ok(Box::new(BesideMlp {
            mixture,
            before_router: Norm {
                kind: NormKind::Rms,
                weight: Some(gains),
                bias: None,
                eps: self.recipe.eps,
            },
            before: norm(before)?,
            on: norm(on)?,
            on_mlp: norm(on_mlp)?,
        }))))
    }

    fn mixture_at(&self, l: usize, home: &str, paths: &MixturePaths) -> Result<Mixture, String> {
        let router = self.linear(l, &below(home, paths.router));
        let shape = self.names.shape(&router.weight);
        let n_experts = shape.and_then(|shape| shape.first()).copied().unwrap_or(0);
        let routing = paths.routing.ok_or(
            "config.json, which says how many of its experts a token uses, is not in the files",
        )?;
        if routing.top_k > n_experts && shape.is_some() {
            return Err(format!(
                "config.json says {} experts for each token, but its router knows {n_experts}",
                routing.top_k
            ));
        }
        let experts = match self.stacks(l, home, paths) {
            Some(stacks) => (0..n_experts).map(|expert| stacks.expert(expert, paths)).collect(),
            None => {
                let [gate, up, down] = paths.experts;
                let path = |expert: usize, what: &str| format!("{home}.experts.{expert}.{what}");
                if n_experts > 0 && !self.has(l, &path(0, gate)) {
                    return Err(format!(
                        "the experts of layer {l} ({}.weight) are not in the files as plain numbers",
                        path(0, gate)
                    ));
                }
                let expert = |e: usize| Mlp::Gated {
                    gate: self.own_linear(l, &path(e, gate)),
                    up: self.own_linear(l, &path(e, up)),
                    down: self.own_linear(l, &path(e, down)),
                    bias: None,
                };
                (0..n_experts).map(expert).collect()
            }
        };
        let correction =
            paths.correction.map(|path| self.name_in_layer(l, &format!("{home}.{path}")));
        let beside = paths.beside.map(|(gate_up, down)| {
            let (gate_up, down) = (self.linear(l, gate_up), self.linear(l, down));
            Shared { mlp: Mlp::GatedFused { gate_up, down }, gate: None }
        });
        let shared = paths.shared.map(|shared| {
            let linear = |what: &str| self.own_linear(l, &format!("{home}.{}.{what}", shared.path));
            let (gate, up, down) = (linear("gate_proj"), linear("up_proj"), linear("down_proj"));
            let mlp = Mlp::Gated { gate, up, down, bias: None };
            let gate = shared.gate.map(|path| self.own_linear(l, &format!("{home}.{path}")));
            Shared { mlp, gate }
        });
        Ok(Mixture {
            router,
            correction: correction.filter(|name| self.names.shape(name).is_some()),
            routing,
            experts,
            shared: shared.or(beside).filter(|shared| {
                shared.mlp.tensors().iter().any(|name| self.names.shape(name).is_some())
            }),
            scale: None,
        })
    }

    /// A linear map by its own tensors alone: asking all layers about each of thousands of experts would take long.
    fn own_linear(&self, l: usize, path: &str) -> Linear {
        let bias = self.name_in_layer(l, &format!("{path}.bias"));
        Linear {
            weight: self.name_in_layer(l, &format!("{path}.weight")),
            bias: self.names.shape(&bias).is_some().then_some(bias),
            orientation: self.recipe.orientation,
            member: None,
        }
    }

    /// The tensors that hold a matrix of each expert, if the experts of a layer are stored so.
    fn stacks(&self, l: usize, home: &str, paths: &MixturePaths) -> Option<Stacks> {
        let find = |path: &str| {
            let name = self.name_in_layer(l, &below(home, path));
            let mut spelled = [format!("{name}.weight"), name.clone()].into_iter();
            let weight =
                spelled.find(|name| self.names.shape(name).is_some_and(|s| s.len() == 3))?;
            let bias = format!("{name}_bias");
            Some((weight, self.names.shape(&bias).is_some().then_some(bias)))
        };
        let [gate_up, down] = paths.stacked.map(find);
        let (gate_up, down) = gate_up.zip(down)?;
        // The side that is as long as the stream is the input; a square says nothing.
        let orientation = match *self.names.shape(&gate_up.0)? {
            [_, out, d] if d == self.d_model && out != d => Orientation::OutIn,
            [_, d, out] if d == self.d_model && out != d => Orientation::InOut,
            _ => paths.lies,
        };
        Some(Stacks { gate_up, down, orientation })
    }

    /// True if files are missing and a layer's MLP is not in those that are there.
    fn numbers_absent(&self, l: usize) -> bool {
        self.missing_shards > 0 && self.recipe.mlp.first().is_none_or(|first| !self.has(l, first))
    }
}

/// A path below another, or in the layer itself.
fn below(home: &str, path: &str) -> String {
    if home.is_empty() { path.to_owned() } else { format!("{home}.{path}") }
}

/// Tensors with a matrix per expert, and their biases.
struct Stacks {
    gate_up: (String, Option<String>),
    down: (String, Option<String>),
    orientation: Orientation,
}

impl Stacks {
    fn expert(&self, expert: usize, paths: &MixturePaths) -> Mlp {
        let linear = |(weight, bias): &(String, Option<String>)| Linear {
            weight: weight.clone(),
            bias: bias.clone(),
            orientation: self.orientation,
            member: Some(expert),
        };
        let (gate_up, down) = (linear(&self.gate_up), linear(&self.down));
        match paths.limit {
            Some(limit) => Mlp::Clamped { gate_up, down, limit },
            None => Mlp::GatedFused { gate_up, down },
        }
    }
}
