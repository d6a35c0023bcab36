//! Python that cuts one head's matrices out of the reader's own files, by the same rules as [`crate::model::AttentionLayer`].

use std::fmt::Write;

use crate::model::architecture::{Linear, NormKind, Orientation, Projection, QkNorm};
use crate::model::{Model, ModelError, Weights};

/// Reads any safetensors file with numpy alone, bf16 included.
const READER: &str = r#"import json, struct, sys
import numpy as np

def tensor(name):
    for path in (p for p in sys.argv[1:] if p.endswith(".safetensors")):
        with open(path, "rb") as f:
            size = struct.unpack("<Q", f.read(8))[0]
            t = json.loads(f.read(size)).get(name)
            if t:
                f.seek(8 + size + t["data_offsets"][0])
                raw = f.read(t["data_offsets"][1] - t["data_offsets"][0])
                if t["dtype"] == "BF16":
                    x = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
                else:
                    x = np.frombuffer(raw, {"F64": "<f8", "F32": "<f4", "F16": "<f2"}[t["dtype"]])
                return x.reshape(t["shape"]).astype(np.float64)
    raise SystemExit(f"{name} is in none of {sys.argv[1:]}")
"#;

/// Code that ends with `w_q`, `w_k`, `w_v` (`[d_model, d_head]`) and `w_o` (`[d_head, d_model]`) of one head.
///
/// # Errors
/// [`ModelError::OutOfRange`] if there is no such layer.
pub(super) fn loader(
    model: &Model,
    layer: usize,
    head: usize,
    weights: Weights,
) -> Result<String, ModelError> {
    let arch = &model.arch;
    let description = model.layer(layer)?;
    let (sizes, qkv) = (arch.sizes(), &description.attention.qkv);
    let mut code = String::from(READER);
    code.push('\n');
    let kv = arch.kv_head(head);
    for (name, projection, head) in [
        ("w_q", Projection::Query, head),
        ("w_k", Projection::Key, kv),
        ("w_v", Projection::Value, kv),
    ] {
        let start = sizes.head_start(qkv.order(), projection, head);
        line(&mut code, name, &outputs(qkv.linear(projection), start, start + arch.d_head));
    }
    let (from, to) = (head * arch.d_head, (head + 1) * arch.d_head);
    line(&mut code, "w_o", &inputs(&description.attention.output, from, to));
    if weights == Weights::Raw {
        return Ok(code);
    }
    if let Some(norm) = &description.before_attention {
        let plus = if norm.kind == NormKind::RmsPlusOne { "1 + " } else { "" };
        line(
            &mut code,
            "gain",
            &format!(
                "{plus}tensor({:?})  # the norm in front of the attention, folded in",
                norm.weight
            ),
        );
        for name in ["w_q", "w_k", "w_v"] {
            line(&mut code, name, &format!("gain[:, None] * {name}"));
            if norm.kind == NormKind::Layer {
                line(&mut code, name, &format!("{name} - {name}.mean(axis=0)"));
            }
        }
        if norm.kind == NormKind::Layer {
            line(&mut code, "w_o", "w_o - w_o.mean(axis=1, keepdims=True)");
        }
    }
    for (name, is_query, head) in [("w_q", true, head), ("w_k", false, kv)] {
        let (norm, slice) = match &description.attention.qk_norm {
            None => continue,
            Some(QkNorm::Shared { q, k }) => (if is_query { q } else { k }, String::new()),
            Some(QkNorm::Together { q, k }) => {
                let (from, to) = (head * arch.d_head, (head + 1) * arch.d_head);
                (if is_query { q } else { k }, format!("[{from}:{to}]"))
            }
            Some(QkNorm::Each { q, k }) => match (if is_query { q } else { k }).get(head) {
                Some(norm) => (norm, String::new()),
                None => continue,
            },
        };
        if norm.kind == NormKind::Layer {
            line(&mut code, name, &format!("{name} - {name}.mean(axis=1, keepdims=True)"));
        }
        let plus = if norm.kind == NormKind::RmsPlusOne { "1 + " } else { "" };
        line(&mut code, name, &format!("{name} * ({plus}tensor({:?}){slice})", norm.weight));
    }
    Ok(code)
}

/// Code that prints, for every direction of one head, the row of the token embeddings nearest to it and their cosine;
/// `None` for models whose embeddings are not one plain tensor.
///
/// # Errors
/// [`ModelError::OutOfRange`] if there is no such layer.
pub(super) fn alignment(
    model: &Model,
    (layer, head): (usize, usize),
    weights: Weights,
    centre: bool,
    remove_mean: bool,
) -> Result<Option<String>, ModelError> {
    let embedding = &model.arch.embedding;
    let (Some(tokens), None) = (&embedding.tokens, &embedding.project) else { return Ok(None) };
    let loader = loader(model, layer, head, weights)?;
    let centred = |x: &str| if centre { format!("{x} - {x}.mean(axis=0)") } else { x.to_owned() };
    let mean = if remove_mean {
        "m = unit(x).mean(axis=1)\nm /= np.linalg.norm(m)  # what all features have in common\n"
    } else {
        "m = np.zeros(len(x))\n"
    };
    Ok(Some(format!(
        "# The token embedding nearest to every singular direction of layer {layer}, head {head}: side, k, row, cosine.\n\
         # Needs numpy; run: python features.py model.safetensors\n\
         {loader}\n\
         def svd(a, b):\n    \
             (q_a, r_a), (q_b, r_b) = np.linalg.qr(a), np.linalg.qr(b)\n    \
             u, _, v_t = np.linalg.svd(r_a @ r_b.T)\n    \
             return q_a @ u, q_b @ v_t.T\n\n\
         unit = lambda x: x / np.maximum(np.linalg.norm(x, axis=0), 1e-30)\n\
         x = tensor({tokens:?}).T  # one feature a column\n\
         x = {}\n\
         {mean}\
         def frame(x):\n    \
             x = {}\n    \
             return unit(x - np.outer(m, m @ x))\n\n\
         features = frame(unit(x))\n\
         (u, v), (read, write) = svd(w_q, w_k), svd(w_v, w_o.T)\n\
         for side, vectors in dict(dest=u, src=v, read=read, write=write).items():\n    \
             cosines = features.T @ frame(vectors)\n    \
             for k, row in enumerate(np.abs(cosines).argmax(axis=0)):\n        \
                 print(side, k, row, f\"{{abs(cosines[row, k]):.8f}}\")\n",
        centred("x"),
        centred("x"),
    )))
}

fn line(code: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(code, "{name} = {value}");
}

fn outputs(linear: &Linear, from: usize, to: usize) -> String {
    match linear.orientation {
        Orientation::OutIn => format!("tensor({:?})[{from}:{to}].T", linear.weight),
        Orientation::InOut => format!("tensor({:?})[:, {from}:{to}]", linear.weight),
    }
}

fn inputs(linear: &Linear, from: usize, to: usize) -> String {
    match linear.orientation {
        Orientation::OutIn => format!("tensor({:?})[:, {from}:{to}].T", linear.weight),
        Orientation::InOut => format!("tensor({:?})[{from}:{to}]", linear.weight),
    }
}
