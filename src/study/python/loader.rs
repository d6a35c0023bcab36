//! Python that cuts one head's matrices out of the reader's own files, by the same rules as [`crate::model::AttentionLayer`].

use std::fmt::Write;

use crate::checkpoint::quoting::python;
use crate::model::architecture::{Latent, Linear, Norm, Orientation, Projection, QkNorm, Sizes};
use crate::model::{Model, ModelError, Weights};

/// Reads any safetensors file with numpy alone, bf16 and both eight-bit floats included.
pub(super) const READER: &str = r#"import json, struct, sys
import numpy as np

def numbers(raw, dtype):
    if dtype == "BF16":  # the upper half of a single
        return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    if dtype == "F8_E5M2":  # the upper half of a half
        return (np.frombuffer(raw, "u1").astype("<u2") << 8).view("<f2")
    if dtype == "F8_E4M3":
        byte = np.arange(256)
        exponent, part = byte >> 3 & 15, (byte & 7) / 8
        value = np.where(exponent > 0, (1 + part) * 2.0 ** (exponent - 7), part * 2.0 ** -6)
        value[[127, 255]] = np.nan
        return (value * np.where(byte > 127, -1, 1))[np.frombuffer(raw, "u1")]
    formats = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
    if dtype not in formats:
        raise SystemExit(f"numbers in {dtype} are not read here")
    return np.frombuffer(raw, formats[dtype])

def tensor(name):
    for path in (p for p in sys.argv[1:] if p.endswith(".safetensors")):
        with open(path, "rb") as f:
            size = struct.unpack("<Q", f.read(8))[0]
            t = json.loads(f.read(size)).get(name)
            if t:
                f.seek(8 + size + t["data_offsets"][0])
                x = numbers(f.read(t["data_offsets"][1] - t["data_offsets"][0]), t["dtype"])
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
    Ok(format!("{READER}\n{}", matrices(model, layer, head, weights)?))
}

/// The same without [`READER`], which stands in front.
///
/// # Errors
/// As [`loader`].
pub(super) fn matrices(
    model: &Model,
    layer: usize,
    head: usize,
    weights: Weights,
) -> Result<String, ModelError> {
    let attention = model.attention(layer)?;
    let (sizes, qkv) = (attention.sizes, &attention.qkv);
    let mut code = String::new();
    if let [_, ..] = model.checkpoint.marks() {
        // Without this the numbers would be those of other weights, or an error that says nothing.
        let marks = model.checkpoint.marks().join("; ");
        let stop = format!(
            "the weights were read {marks}. This code reads plain numbers: save the model so, and run it on that"
        );
        code.push_str(&format!("raise SystemExit({})\n", python(&stop)));
    }
    let kv = sizes.kv_head(head);
    if let Some(latent) = qkv.latent() {
        out_of_latents(&mut code, latent, sizes, head, weights);
    }
    let plain = [
        ("w_q", Projection::Query, head),
        ("w_k", Projection::Key, kv),
        ("w_v", Projection::Value, kv),
    ];
    for (name, projection, head) in plain.into_iter().filter(|_| qkv.latent().is_none()) {
        let start = attention.head_start(projection, head);
        let linear = qkv.linear(projection);
        let by_head = model.lies_by_head(linear);
        line(&mut code, name, &outputs(linear, by_head, start, sizes.width(projection)));
    }
    let (from, to) = (head * sizes.d_value, (head + 1) * sizes.d_value);
    let by_head = model.lies_by_head(&attention.output).then_some(head);
    line(&mut code, "w_o", &inputs(&attention.output, by_head, from, to));
    if weights == Weights::Raw {
        return Ok(code);
    }
    let own = model.layer(layer)?;
    let source = match (&attention.source, attention.keys_of) {
        (Some(source), _) => source.norm.as_ref(),
        (None, Some(other)) => model.layer(other)?.before_attention.as_ref(),
        (None, None) => own.before_attention.as_ref(),
    };
    let front = own.before_attention.as_ref();
    let turning = [("w_q_rotary", front), ("w_k_rotary", source)];
    let turning = turning.into_iter().filter(|_| qkv.latent().is_some());
    let read = [("w_q", front), ("w_k", source), ("w_v", source)];
    for (name, norm) in read.into_iter().chain(turning) {
        let Some(norm) = norm else { continue };
        if let Some(gain) = gain(norm) {
            let value = format!("{gain}[:, None] * {name}  # the norm in front, folded in");
            line(&mut code, name, &value);
        }
        if norm.kind.centres() {
            line(&mut code, name, &format!("{name} - {name}.mean(axis=0)"));
        }
    }
    if let Some(gain) = &own.attention_gain {
        let value = format!("w_o * tensor({})  # the gain on what is added", python(gain));
        line(&mut code, "w_o", &value);
    }
    if model.arch.writes_to_layer_norm(layer) {
        line(&mut code, "w_o", "w_o - w_o.mean(axis=1, keepdims=True)");
    }
    for (name, is_query, head) in [("w_q", true, head), ("w_k", false, kv)] {
        let (norm, slice) = match &attention.qk_norm {
            None => continue,
            Some(QkNorm::Shared { q, k }) => (if is_query { q } else { k }, String::new()),
            Some(QkNorm::Together { q, k }) => {
                let (from, to) = (head * sizes.d_head, (head + 1) * sizes.d_head);
                (if is_query { q } else { k }, format!("[{from}:{to}]"))
            }
            Some(QkNorm::Rows { q, k }) => (if is_query { q } else { k }, format!("[{head}]")),
            Some(QkNorm::Each { q, k }) => match (if is_query { q } else { k }).get(head) {
                Some(norm) => (norm, String::new()),
                None => continue,
            },
        };
        if norm.kind.centres() {
            line(&mut code, name, &format!("{name} - {name}.mean(axis=1, keepdims=True)"));
        }
        if let Some(gain) = gain(norm) {
            line(&mut code, name, &format!("{name} * {gain}{slice}"));
        }
    }
    Ok(code)
}

/// The parts without positions, and the rotary parts beside them, `w_q_rotary` and `w_k_rotary`.
fn out_of_latents(code: &mut String, latent: &Latent, sizes: Sizes, head: usize, weights: Weights) {
    let Sizes { d_head, d_value, .. } = sizes;
    let (d_kv, plain) = (latent.d_kv, d_head - latent.d_rotary);
    let gained = |norm: &Norm| match gain(norm).filter(|_| weights == Weights::Folded) {
        Some(gain) => format!(" * {gain}"),
        None => String::new(),
    };
    line(code, "down", &outputs(&latent.kv_down, false, 0, d_kv + latent.d_rotary));
    line(code, "w_k_rotary", &format!("down[:, {d_kv}:]"));
    line(code, "down", &format!("down[:, :{d_kv}]{}", gained(&latent.kv_norm)));
    let first = head * (plain + d_value);
    line(code, "up", &outputs(&latent.kv, false, first, plain + d_value));
    line(code, "w_k, w_v", &format!("down @ up[:, :{plain}], down @ up[:, {plain}:]"));
    line(code, "w_q", &outputs(&latent.q, false, head * d_head, d_head));
    if let Some((down, norm)) = &latent.q_down {
        let down = outputs(down, false, 0, latent.d_q);
        line(code, "w_q", &format!("({down}{}) @ w_q", gained(norm)));
    }
    line(code, "w_q, w_q_rotary", &format!("w_q[:, :{plain}], w_q[:, {plain}:]"));
}

/// A norm's gains, where it has any.
pub(super) fn gain(norm: &Norm) -> Option<String> {
    let tensor = format!("tensor({})", python(norm.weight.as_deref()?));
    Some(if norm.kind.adds_one() { format!("(1 + {tensor})") } else { tensor })
}

fn line(code: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(code, "{name} = {value}");
}

fn outputs(linear: &Linear, by_head: bool, from: usize, width: usize) -> String {
    let (name, to) = (python(&linear.weight), from + width);
    match linear.orientation {
        _ if by_head => format!("tensor({name})[{}]", from / width.max(1)),
        Orientation::OutIn => format!("tensor({name})[{from}:{to}].T"),
        Orientation::InOut => format!("tensor({name})[:, {from}:{to}]"),
    }
}

fn inputs(linear: &Linear, by_head: Option<usize>, from: usize, to: usize) -> String {
    let name = python(&linear.weight);
    match (linear.orientation, by_head) {
        (_, Some(head)) => format!("tensor({name})[{head}]"),
        (Orientation::OutIn, None) => format!("tensor({name})[:, {from}:{to}].T"),
        (Orientation::InOut, None) => format!("tensor({name})[{from}:{to}]"),
    }
}
