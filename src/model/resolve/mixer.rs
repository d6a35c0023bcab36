//! What a layer of a hybrid does instead of attention, or beside it: its names completed, its sizes read off the shapes.

use super::builder::{Builder, weight_of};
use crate::model::architecture::*;
use crate::model::mixers::{DeltaNet, DeltaReads, Mamba, Mamba2, MixerPaths, ShortConvolution};

impl Builder<'_> {
    /// The mixer of a layer; `None` where it has none.
    pub(super) fn mixer(&self, l: usize) -> Option<Mixer> {
        let paths = self.recipe.mixer.as_ref()?;
        let output = format!("{}.out_proj", paths.home());
        let attends = self.recipe.attends.at(l).unwrap_or(true);
        // A layer without either is one whose tensors are not in the files.
        if !self.has(l, &output) && attends {
            return None;
        }
        let found = match paths {
            MixerPaths::DeltaNet { home, n_key_heads } => self.delta_net(l, home, *n_key_heads),
            MixerPaths::Mamba { home } => self.mamba(l, home),
            MixerPaths::Mamba2 { home, .. } => self.mamba2(l, home, paths),
            MixerPaths::ShortConvolution { home } => self.short_convolution(l, home),
        };
        Some(found.unwrap_or_else(Mixer::Unsupported))
    }

    fn delta_net(&self, l: usize, home: &str, keys: Option<usize>) -> Result<Mixer, String> {
        let at = Parts { builder: self, l, home };
        let n_key_heads = keys.ok_or(
            "config.json, which says how many heads its linear attention has, is not in the files",
        )?;
        let [n_value_heads] = at.shape("A_log")?;
        let [d_value] = at.shape("norm.weight")?;
        let [channels, _, width] = at.shape("conv1d.weight")?;
        // A number of config.json that is larger than what it divides is no count of it, and its double may not be a number.
        let n_key_heads = n_key_heads.min(channels);
        let values = n_value_heads * d_value;
        let d_key = channels.saturating_sub(values) / (2 * n_key_heads).max(1);
        let fits = d_key > 0
            && 2 * n_key_heads * d_key + values == channels
            && n_value_heads.is_multiple_of(n_key_heads);
        if !fits {
            return Err(format!(
                "the linear attention of layer {l} has {channels} channels, which are not {n_key_heads} heads of queries and \
                 keys beside {n_value_heads} heads of values of width {d_value}"
            ));
        }
        let reads = if at.has("in_proj_qkvz") {
            DeltaReads::ByHead(at.linear("in_proj_qkvz"), at.linear("in_proj_ba"))
        } else {
            let names = ["in_proj_qkv", "in_proj_z", "in_proj_b", "in_proj_a"];
            DeltaReads::Apart(names.map(|name| at.linear(name)))
        };
        Ok(Mixer::DeltaNet(Box::new(DeltaNet {
            reads,
            convolution: at.linear("conv1d"),
            a_log: at.name("A_log"),
            dt_bias: at.name("dt_bias"),
            norm: at.norm("norm"),
            output: at.linear("out_proj"),
            n_key_heads,
            d_key,
            n_value_heads,
            d_value,
            width,
        })))
    }

    fn mamba(&self, l: usize, home: &str) -> Result<Mixer, String> {
        let at = Parts { builder: self, l, home };
        let [d_inner, d_state] = at.shape("A_log")?;
        let [rows, _] = at.shape("x_proj.weight")?;
        let [_, _, width] = at.shape("conv1d.weight")?;
        let norms = ["dt_layernorm", "b_layernorm", "c_layernorm"];
        Ok(Mixer::Mamba(Box::new(Mamba {
            input: at.linear("in_proj"),
            convolution: at.linear("conv1d"),
            project: at.linear("x_proj"),
            step: at.linear("dt_proj"),
            norms: norms.map(|name| at.has(name).then(|| at.norm(name))),
            a_log: at.name("A_log"),
            d: at.name("D"),
            output: at.linear("out_proj"),
            d_inner,
            d_state,
            d_step: rows.saturating_sub(2 * d_state),
            width,
        })))
    }

    fn mamba2(&self, l: usize, home: &str, paths: &MixerPaths) -> Result<Mixer, String> {
        let MixerPaths::Mamba2 { n_groups, factors, norm_before_gate, .. } = *paths else {
            return Err("its state space is of another kind".into());
        };
        let at = Parts { builder: self, l, home };
        let [n_heads] = at.shape("A_log")?;
        let [channels, _, width] = at.shape("conv1d.weight")?;
        let n_groups = n_groups.min(channels);
        let [rows, _] = at.shape("in_proj.weight")?;
        let d_inner = rows.saturating_sub(channels + n_heads);
        let d_state = channels.saturating_sub(d_inner) / (2 * n_groups).max(1);
        let fits = [n_heads, n_groups, d_inner, d_state].into_iter().all(|n| n > 0)
            && d_inner.is_multiple_of(n_heads)
            && n_heads.is_multiple_of(n_groups)
            && d_inner + 2 * n_groups * d_state == channels;
        if !fits {
            return Err(format!(
                "the state space of layer {l} has {channels} channels, which do not split into {n_heads} heads and {n_groups} \
                 groups"
            ));
        }
        Ok(Mixer::Mamba2(Box::new(Mamba2 {
            input: at.linear("in_proj"),
            convolution: at.linear("conv1d"),
            a_log: at.name("A_log"),
            d: at.name("D"),
            dt_bias: at.name("dt_bias"),
            norm: at.has("norm").then(|| at.norm("norm")),
            norm_before_gate,
            output: at.linear("out_proj"),
            factors,
            d_inner,
            n_heads,
            n_groups,
            d_state,
            width,
        })))
    }

    fn short_convolution(&self, l: usize, home: &str) -> Result<Mixer, String> {
        let at = Parts { builder: self, l, home };
        let [channels, _, width] = at.shape("conv.weight")?;
        Ok(Mixer::ShortConvolution(Box::new(ShortConvolution {
            input: at.linear("in_proj"),
            convolution: at.linear("conv"),
            output: at.linear("out_proj"),
            channels,
            width,
        })))
    }
}

/// A layer's tensors below one path.
struct Parts<'a> {
    builder: &'a Builder<'a>,
    l: usize,
    home: &'a str,
}

impl Parts<'_> {
    fn path(&self, what: &str) -> String {
        format!("{}.{what}", self.home)
    }

    fn name(&self, what: &str) -> String {
        self.builder.name_in_layer(self.l, &self.path(what))
    }

    fn has(&self, what: &str) -> bool {
        self.builder.has(self.l, &self.path(what))
    }

    fn linear(&self, what: &str) -> Linear {
        self.builder.linear(self.l, &self.path(what))
    }

    /// Plain gains, whatever the other norms are.
    fn norm(&self, what: &str) -> Norm {
        let weight = Some(self.name(&weight_of(what)));
        Norm { kind: NormKind::Rms, weight, bias: None, eps: self.builder.recipe.eps }
    }

    /// The shape of a tensor with that many axes.
    fn shape<const N: usize>(&self, what: &str) -> Result<[usize; N], String> {
        let name = self.name(what);
        let shape = self.builder.names.shape(&name);
        let shape = shape.ok_or_else(|| format!("{name} is not in the files"))?;
        shape.try_into().map_err(|_| format!("{name} has shape {shape:?}, not {N} axes"))
    }
}
