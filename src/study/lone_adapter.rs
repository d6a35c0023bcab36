//! An adapter without its base: the singular values of what it adds to each head's matrices.
//!
//! Ω and OV need the base; `ΔW = scale · B A` of each matrix by itself does not. Of queries, keys and values a head has its rows of
//! ΔW, of the output its columns. None is larger in rank than the adapter.

use serde::Serialize;

use super::StudyError;
use crate::checkpoint::adapter::{Correction, LoneAdapter};
use crate::math::layout::from_row_major;
use crate::math::order::sort_by_key;
use crate::math::{Mat, product_singular_values};
use crate::model::ModelError;
use crate::model::config::Config;
use crate::model::known::head_count_suggestions;

/// What an adapter adds, head by head.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AdapterDocument {
    /// What the numbers are.
    pub convention: &'static str,
    /// "a LoRA adapter".
    pub kind: String,
    /// The model that it was made for, where it says so.
    pub base: Option<String>,
    /// Query heads of a layer; `None` where no module needs them.
    pub n_heads: Option<usize>,
    /// Every head's part of every module of an attention.
    pub heads: Vec<HeadDelta>,
    /// The other modules, whole.
    pub others: Vec<WholeDelta>,
    /// What people should know, one sentence each.
    pub notes: Vec<String>,
}

/// One head's part of ΔW.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeadDelta {
    /// The layer; `None` where the module's name has no number.
    pub layer: Option<usize>,
    /// The head; of keys and values the key/value head.
    pub head: usize,
    /// "q", "k", "v" or "o".
    pub matrix: &'static str,
    /// The module's name.
    pub module: String,
    /// Rank of the adapter there.
    pub rank: usize,
    /// Factor on `B A`.
    pub scale: f64,
    /// Singular values, descending, as many as the rank and the head's width allow.
    pub sigma: Vec<f64>,
}

/// ΔW of a module that does not split into heads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WholeDelta {
    /// The module's name.
    pub module: String,
    /// Rank of the adapter there.
    pub rank: usize,
    /// Factor on `B A`.
    pub scale: f64,
    /// Singular values, descending.
    pub sigma: Vec<f64>,
}

const CONVENTION: &str = "singular values of scale · B A, what the adapter adds to the model's weights, without the model: of \
                          queries, keys and values each head's rows, of the output each head's columns; no norm folded in";

/// What a module of an attention holds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Holds {
    Query,
    Key,
    Value,
    Output,
    /// All queries, all keys, all values.
    Blocks,
    /// Per key/value head: its queries, its key, its value.
    Groups,
}

/// By the last word of its name.
fn holds(module: &str) -> Option<Holds> {
    let last = module.rsplit('.').next().unwrap_or(module);
    let attends = module.to_ascii_lowercase().contains("att");
    Some(match last {
        "q_proj" | "query" | "q" | "q_lin" | "query_proj" | "wq" => Holds::Query,
        "k_proj" | "key" | "k" | "k_lin" | "key_proj" | "wk" => Holds::Key,
        "v_proj" | "value" | "v" | "v_lin" | "value_proj" | "wv" => Holds::Value,
        "o_proj" | "o" | "out_lin" | "wo" => Holds::Output,
        "dense" | "c_proj" | "out_proj" if attends => Holds::Output,
        "c_attn" | "Wqkv" | "qkv_proj" | "qkv" => Holds::Blocks,
        "query_key_value" => Holds::Groups,
        _ => return None,
    })
}

/// The first number in a module's name.
fn layer_of(module: &str) -> Option<usize> {
    module.split('.').find_map(|word| word.parse().ok())
}

/// What an adapter adds, by head. `n_heads` is the reader's; without it config.json beside the adapter is asked.
///
/// # Errors
/// [`ModelError::HeadCountNeeded`] where nothing says how many heads there are, [`ModelError::Mismatch`] where they do not divide a
/// matrix, or what reading says.
pub fn lone_adapter(
    adapter: &LoneAdapter,
    n_heads: Option<usize>,
) -> Result<AdapterDocument, StudyError> {
    let modules = adapter.modules().map_err(ModelError::from)?;
    let config = adapter.side_file("config.json");
    let config = config.map(Config::parse).transpose()?.unwrap_or_default();
    let mut notes = adapter.notes().to_vec();
    let heads = Heads::of(&modules, &config, n_heads, &mut notes)?;
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for (index, &(module, [d_out, d_in])) in modules.iter().enumerate() {
        let correction = adapter.correction(index).map_err(ModelError::from)?;
        let (rank, scale) = (correction.rank, correction.scale);
        let (a, b) =
            (from_row_major(rank, d_in, &correction.a), from_row_major(d_out, rank, &correction.b));
        let Some((heads, holds)) = heads.zip(holds(module)) else {
            let sigma = spectrum(&a, &b, &correction)?;
            others.push(WholeDelta { module: module.to_owned(), rank, scale, sigma });
            continue;
        };
        for (matrix, head, start) in heads.places(module, holds, [d_out, d_in])? {
            let width = heads.width;
            let sigma = if matrix == "o" {
                spectrum(&a.columns(start, width).into_owned(), &b, &correction)?
            } else {
                spectrum(&a, &b.rows(start, width).into_owned(), &correction)?
            };
            let (layer, module) = (layer_of(module), module.to_owned());
            found.push(HeadDelta { layer, head, matrix, module, rank, scale, sigma });
        }
    }
    sort_by_key(&mut found, |delta| (delta.layer, delta.head, delta.matrix));
    Ok(AdapterDocument {
        convention: CONVENTION,
        kind: adapter.kind().to_owned(),
        base: adapter.base().map(str::to_owned),
        n_heads: heads.map(|heads| heads.n_heads),
        heads: found,
        others,
        notes,
    })
}

/// Singular values of `scale · b a`, `a: [rank, n]`, `b: [m, rank]`.
fn spectrum(a: &Mat, b: &Mat, correction: &Correction) -> Result<Vec<f64>, StudyError> {
    // Both factors have to be at least as long as they are wide.
    let (m, n, rank) = (b.nrows(), a.ncols(), correction.rank);
    let least = m.min(n);
    let (left, right) = if least >= rank {
        (b.clone(), a.transpose())
    } else if m <= n {
        ((b * a).transpose(), Mat::identity(m, m))
    } else {
        (b * a, Mat::identity(n, n))
    };
    let mut sigma = product_singular_values(&left, &right)?.s;
    sigma.iter_mut().for_each(|s| *s *= correction.scale.abs());
    Ok(sigma)
}

/// How many heads there are, and how wide they are.
#[derive(Debug, Clone, Copy)]
struct Heads {
    n_heads: usize,
    width: usize,
}

impl Heads {
    /// `None` where no module belongs to an attention.
    fn of(
        modules: &[(&str, [usize; 2])],
        config: &Config,
        asked: Option<usize>,
        notes: &mut Vec<String>,
    ) -> Result<Option<Self>, ModelError> {
        let first = |wanted: Holds| {
            modules.iter().find(|(name, _)| holds(name) == Some(wanted)).map(|(_, shape)| *shape)
        };
        let Some((_, [d_out, d_in])) = modules.iter().find(|(name, _)| holds(name).is_some())
        else {
            return Ok(None);
        };
        // Queries' outputs and the output's inputs are all heads side by side.
        let inner = first(Holds::Query)
            .map(|[out, _]| out)
            .or(first(Holds::Output).map(|[_, inner]| inner));
        let inner = inner.or(first(Holds::Blocks).filter(|[out, d]| *out == 3 * d).map(|[_, d]| d));
        let d_model = if first(Holds::Output).is_some() && first(Holds::Query).is_none() {
            *d_out
        } else {
            *d_in
        };
        let Some(n_heads) = asked.or(config.n_heads()).filter(|&n| n > 0) else {
            let inner = inner.unwrap_or(d_model);
            let suggestions = head_count_suggestions(inner);
            return Err(ModelError::HeadCountNeeded {
                family: "adapter's base",
                d_model,
                inner,
                suggestions,
            });
        };
        let said = config.size(&["head_dim", "d_head", "d_kv"]);
        let width = match (said, inner) {
            (Some(width), _) => width,
            (None, Some(inner)) => divided(inner, n_heads, "the width of all heads")?,
            (None, None) => {
                let width = divided(d_model, n_heads, "d_model")?;
                notes.push(format!("Heads are taken to be d_model / {n_heads} = {width} wide: the adapter changes neither queries nor outputs, which would say it."));
                width
            }
        };
        Ok(Some(Self { n_heads, width }))
    }

    /// The matrix, the head and the first row (of the output: column) of each head in a module.
    fn places(
        self,
        module: &str,
        holds: Holds,
        [d_out, d_in]: [usize; 2],
    ) -> Result<Vec<(&'static str, usize, usize)>, ModelError> {
        let Self { n_heads, width } = self;
        let all = |matrix, size: usize| -> Result<Vec<_>, ModelError> {
            let n = size.checked_div(width).unwrap_or(0);
            if n * width != size || n == 0 || n > n_heads || !n_heads.is_multiple_of(n) {
                return Err(ModelError::Mismatch {
                    what: format!("{module} does not split into heads"),
                    first: format!("{size} rows or columns"),
                    second: format!("{n_heads} heads of width {width}"),
                });
            }
            Ok((0..n).map(|head| (matrix, head, head * width)).collect())
        };
        Ok(match holds {
            Holds::Query => all("q", d_out)?,
            Holds::Key => all("k", d_out)?,
            Holds::Value => all("v", d_out)?,
            Holds::Output => all("o", d_in)?,
            Holds::Blocks | Holds::Groups => {
                let own = d_out.saturating_sub(n_heads * width) / 2;
                let n_kv = all("k", own)?.len();
                let (queries, group) = (0..n_heads, n_heads / n_kv);
                let unit = |matrix: &str, head: usize| match (holds, matrix) {
                    (Holds::Groups, "q") => head / group * (group + 2) + head % group,
                    (Holds::Groups, "k") => head * (group + 2) + group,
                    (Holds::Groups, _) => head * (group + 2) + group + 1,
                    (_, "q") => head,
                    (_, "k") => n_heads + head,
                    _ => n_heads + n_kv + head,
                };
                let of = |matrix, heads: std::ops::Range<usize>| {
                    heads.map(move |head| (matrix, head, unit(matrix, head) * width))
                };
                let values: Vec<_> = of("v", 0..n_kv).collect();
                of("q", queries).chain(of("k", 0..n_kv)).chain(values).collect()
            }
        })
    }
}

fn divided(size: usize, n: usize, what: &str) -> Result<usize, ModelError> {
    if size.is_multiple_of(n) && size > 0 {
        return Ok(size / n);
    }
    Err(ModelError::Mismatch {
        what: format!("the head count does not divide {what}"),
        first: format!("{n} heads"),
        second: size.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_known_by_the_end_of_its_name() {
        for (module, expected) in [
            ("model.layers.3.self_attn.q_proj", Some(Holds::Query)),
            ("encoder.layer.0.attention.output.dense", Some(Holds::Output)),
            ("encoder.layer.0.output.dense", None),
            ("transformer.h.0.attn.c_proj", Some(Holds::Output)),
            ("transformer.h.0.mlp.c_proj", None),
            ("gpt_neox.layers.2.attention.query_key_value", Some(Holds::Groups)),
            ("lm_head", None),
        ] {
            assert_eq!(holds(module), expected, "{module}");
        }
        assert_eq!((layer_of("h.11.attn.c_attn"), layer_of("lm_head")), (Some(11), None));
    }

    #[test]
    fn grouped_heads_lie_with_their_key_and_value() {
        let heads = Heads { n_heads: 4, width: 2 };
        let places = heads.places("m", Holds::Groups, [16, 8]).unwrap();
        assert!(places.contains(&("q", 3, 10)) && places.contains(&("k", 1, 12)));
        assert!(places.contains(&("v", 0, 6)) && places.len() == 8);
        assert!(heads.places("m", Holds::Key, [6, 8]).is_err());
    }
}
