//! Sentences that the reader sees, written from the numbers.

use super::format::{bytes, percent, three, token};
use crate::circuits::omega::Circuit;
use crate::protocol::gpu::GpuReport;
use crate::protocol::heads::{PairTokens, TokenCosine};
use crate::protocol::model::ModelSummary;
use crate::ui::address::checkpoint::Named;
use crate::ui::memory::token_chance::TokenChance;
use crate::worker::request::Trouble;

/// Said where a file can be dropped.
pub const DROP: &str = "drop a .safetensors file or a model's folder anywhere, or";

/// Said where a file cannot be saved.
pub const NO_DOWNLOAD: &str = "The browser refused the download.";

/// Said where words cannot be shown.
pub const NO_TOKENIZER: &str =
    "No tokenizer: showing ids. Drop tokenizer.json together with the model to see words.";

/// Said where a link is about another model than the one that is open.
pub fn wish(named: &Named) -> String {
    format!("This link is about “{}” ({}).", named.name, bytes(named.size))
}

/// What to do about it.
pub fn wish_hint(open: Option<&str>) -> String {
    let open = open.map_or_else(String::new, |name| format!(" Until then you see the {name}."));
    format!("Drop that model, and the link shows its head.{open}")
}

/// The names of the two sides of a circuit: left, right.
pub fn side_names(circuit: Circuit) -> (&'static str, &'static str) {
    match circuit {
        Circuit::Qk => ("destination looks for", "source offers"),
        Circuit::Ov => ("reads", "writes"),
    }
}

/// What the GPU made of the spectra, in a line.
pub fn gpu_line(report: Option<&GpuReport>) -> String {
    match report {
        None | Some(GpuReport::Resumed { .. }) => "Spectra are computed on the CPU, in f64.".into(),
        Some(GpuReport::Kept { name, ms }) => {
            format!(
                "Spectra are computed on {name} in f32, and again in f64 where a certificate fails{}.",
                speeds(ms)
            )
        }
        Some(GpuReport::LeftToCpu { ms, .. }) => {
            format!("Spectra are computed on the CPU, in f64{}.", speeds(ms))
        }
    }
}

/// What the GPU made of a comparison with a dictionary, in a line; nothing where it was not asked.
pub fn compared_line(report: Option<&GpuReport>) -> String {
    match report {
        None | Some(GpuReport::Resumed { .. }) => String::new(),
        Some(GpuReport::Kept { name, ms }) => format!(
            "Compared on {name}{}: products in f32, decompositions and statistics in f64 on the CPU.",
            speeds(ms)
        ),
        Some(GpuReport::LeftToCpu { ms, .. }) => format!("Compared on the CPU{}.", speeds(ms)),
    }
}

/// Who made the products of a forward pass.
pub fn products_line(report: &GpuReport) -> String {
    match report {
        GpuReport::Kept { name, .. } => format!(" Products on the GPU ({name}), in f32."),
        _ => " Products on the GPU as far as it went, then on the CPU.".into(),
    }
}

fn speeds(ms: &Option<[f64; 2]>) -> String {
    ms.map_or_else(String::new, |[gpu, cpu]| {
        let (gpu, cpu) = (three(gpu), three(cpu));
        format!(" (measured: {gpu} ms a head on the GPU, {cpu} ms on one CPU worker)")
    })
}

/// What the spectra of all heads are called while they are computed.
pub const SPECTRA: &str = "spectra of every head";

/// What the reader should be told of the workers.
pub fn trouble(trouble: &Trouble) -> (String, String) {
    let (what, hint) = match trouble {
        Trouble::Stopped { again: true, .. } => {
            ("A worker stopped unexpectedly.", "Its work is being done again by a fresh one.")
        }
        Trouble::Stopped { again: false, .. } => {
            ("A worker stopped unexpectedly.", "Everything else still works.")
        }
        Trouble::OtherVersion => (
            "The page and its workers are of different versions, so nothing can be computed.",
            "Reload the page: the address keeps your place.",
        ),
        Trouble::CannotStart { why } => {
            let what = format!("The browser starts no more workers ({why}).");
            let hint = "Close other tabs that need much memory, then reload the page.";
            return (what, hint.into());
        }
    };
    (what.into(), hint.into())
}

/// What the reader should be told of the GPU, beside the line; nothing where all is as it should be.
pub fn gpu_note(report: &GpuReport) -> Option<(String, String)> {
    let note = |what: String, hint: &str| Some((what, hint.to_owned()));
    match report {
        GpuReport::Resumed { why } => note(
            format!("The GPU went away ({}).", why.trim()),
            "Its work goes on with another device, from the layer that was under way.",
        ),
        GpuReport::LeftToCpu { why, .. } if !why.is_empty() => note(
            format!("The GPU is not used: {why}."),
            "The CPU computes the rest; every number is the same.",
        ),
        _ => None,
    }
}

/// One sentence for the singular pair in view. `together` is the size of its degenerate block; `critical` what a token's |cosine|
/// must exceed on either side to be more than chance, where that is known.
pub fn pair_sentence(
    circuit: Circuit,
    sigma: f64,
    together: usize,
    pair: &PairTokens,
    critical: [Option<f64>; 2],
) -> String {
    if pair.left.plus.is_empty() || pair.right.plus.is_empty() {
        return String::new();
    }
    let [on_left, on_right] = critical;
    let (left, right) = (listed(&pair.left.plus, on_left), listed(&pair.right.plus, on_right));
    let (left_name, right_name) = side_names(circuit);
    let sentence = match circuit {
        _ if left.is_empty() && right.is_empty() => format!(
            "No token stands out on either side: the nearest are no nearer than chance brings one. σ = {}.",
            three(sigma)
        ),
        _ if left.is_empty() => format!(
            "Under “{left_name}” no token stands out from chance; under “{right_name}” the positive end points at {right}. σ = {}.",
            three(sigma)
        ),
        _ if right.is_empty() => format!(
            "Under “{left_name}” the positive end points at {left}; under “{right_name}” no token stands out from chance. σ = {}.",
            three(sigma)
        ),
        Circuit::Qk => format!(
            "When the destination points at {left}, this pair raises the score of sources like {right}, in proportion to \
             σ = {}; at the other end of both axes it does the same for the opposite signs.",
            three(sigma)
        ),
        Circuit::Ov => format!(
            "From what points at {left}, this pair writes towards {right}, with gain σ = {}.",
            three(sigma)
        ),
    };
    if together > 1 {
        format!(
            "{sentence} Its singular value is shared by {together} neighbours: only the {together} together mean something."
        )
    } else {
        sentence
    }
}

/// Whether a token is nearer than chance brings one in twenty directions; `None` where chance is not known.
pub fn stands_out(token: &TokenCosine, critical: Option<f64>) -> bool {
    critical.is_none_or(|critical| f64::from(token.cosine.abs()) > critical)
}

/// The chance level of a side's nearest tokens, in words.
pub fn chance_of_tokens(level: &TokenChance) -> String {
    let of = if level.rotated { "rotations of this side" } else { "isotropic" };
    format!("chance {}, 5 % critical {} ({of})", three(level.mean), three(level.critical))
}

/// What the words in grey are held against.
pub fn grey_words(chance: &[Option<TokenChance>; 2]) -> &'static str {
    if chance.iter().flatten().any(|level| !level.rotated) {
        "Words in grey are no nearer than a random direction comes once in twenty if tokens were isotropic; real ones are not, so this \
         is the least that must be asked. Features draws random directions of the head's own subspaces; they count here once drawn."
    } else {
        "Words in grey are no nearer than a random direction of the same subspace comes once in twenty."
    }
}

/// What the cosine of a pair's own two vectors says.
pub fn likeness(critical: f64) -> String {
    format!(
        "cos(u, v): near 1 a pair joins like with like, near −1 a thing with its opposite. In grey: no more than two random \
         directions reach in nineteen of twenty cases, {}.",
        three(critical)
    )
}

fn listed(tokens: &[TokenCosine], critical: Option<f64>) -> String {
    let words: Vec<String> = (tokens.iter().filter(|t| stands_out(t, critical)).take(3))
        .map(|t| format!("“{}”", token(&t.text)))
        .collect();
    words.join(", ")
}

/// What fraction of `‖Ω‖²` a pair carries, in words.
pub fn share(sigma: &[f64], k: usize) -> String {
    let total: f64 = sigma.iter().map(|s| s * s).sum();
    let share = sigma.get(k).map_or(0.0, |s| s * s / total.max(f64::MIN_POSITIVE));
    format!("{} of ‖·‖²", percent(share))
}

/// Under the grid of a prompt that not all stacks of a model read.
pub const NOT_RUN: &str = "The other stacks read something else than this prompt: an image, sound, or a decoder prompt, which is empty. Their \
    spectra are on the Heads page; the file field beside the prompt takes images and sound.";

/// What was found in the files, in one line.
pub fn found(summary: &ModelSummary) -> String {
    let kv = if summary.n_kv_heads == summary.n_heads {
        String::new()
    } else {
        format!(" ({} key/value)", summary.n_kv_heads)
    };
    let shape = summary.layers.shape().replacen(" ×", " layers ×", 1);
    format!(
        "{}, {shape} heads{kv}, d_model {}, d_head {}, {}, {}",
        summary.family,
        summary.d_model,
        summary.d_head,
        summary.dtypes.join(" + "),
        crate::ui::words::format::bytes(summary.size),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::heads::SideTokens;

    fn side(text: &str, cosine: f32) -> SideTokens {
        let token = |cosine| TokenCosine { id: 0, text: text.into(), cosine };
        SideTokens { plus: vec![token(cosine)], minus: vec![token(-cosine)] }
    }

    #[test]
    fn a_token_that_chance_brings_as_near_is_not_named() {
        let pair = PairTokens { k: 0, left: side("gustave", 0.106), right: side("heard", 0.3) };
        let said = |critical| pair_sentence(Circuit::Qk, 2.0, 1, &pair, critical);
        let nothing = said([Some(0.24), Some(0.4)]);
        assert!(nothing.starts_with("No token stands out on either side"), "{nothing}");
        assert!(!nothing.contains("gustave") && !nothing.contains("heard"));
        let one = said([Some(0.24), Some(0.24)]);
        assert!(
            one.contains("“heard”")
                && one.contains("no token stands out")
                && !one.contains("gustave")
        );
        assert!(
            said([Some(0.1), Some(0.24)]).starts_with("When the destination points at “gustave”")
        );
        // Not known, such as before the rows are counted: the words of the lists.
        assert!(said([None, None]).contains("“gustave”"));
        assert!(stands_out(&pair.left.minus[0], Some(0.1)), "either end");
    }
}
