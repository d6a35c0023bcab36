//! A traced circuit as it leaves the program: the same in a file of the page and from the command line.

use serde::Serialize;

use super::alone::Alone;
use super::compare::ComparedCircuits;
use super::graphml;
use super::run::{Traced, TracedObjective};
use crate::circuits::convention::{Convention, TraceConvention};
use crate::circuits::trace::Rule;
use crate::circuits::trace::directions::Directions;
use crate::study::prompt::Ran;
use crate::study::stamp::Stamp;

/// When a firing counts, in words.
#[derive(Debug, Serialize)]
struct Threshold {
    rule: &'static str,
    scale: f64,
}

/// A circuit with its prompt and its convention.
#[derive(Debug, Serialize)]
pub struct Report {
    convention: TraceConvention,
    ids: Vec<u32>,
    /// The tokens in words, where there is a tokenizer.
    tokens: Option<Vec<String>>,
    threshold: Threshold,
    /// The circuit.
    #[serde(flatten)]
    pub traced: Traced,
    /// What the circuit is worth, if that was asked.
    pub faithfulness: Option<Alone>,
    /// The edges' singular vectors beside random directions, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directions: Option<Directions>,
    /// The circuit of another prompt beside this one, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
}

/// Another prompt, and what its circuit has in common with this one.
#[derive(Debug, Serialize)]
pub struct Compared {
    /// Its ids.
    pub ids: Vec<u32>,
    /// Its tokens.
    pub tokens: Vec<String>,
    /// What was traced on it.
    pub objective: TracedObjective,
    /// Edge by edge: `here` is the first prompt, `there` this one.
    #[serde(flatten)]
    pub circuits: ComparedCircuits,
}

impl Report {
    /// What was traced on a prompt; `words`: its tokens are words, not ids.
    pub fn new(convention: Convention, ran: &Ran, words: bool, traced: Traced) -> Self {
        Self {
            convention: TraceConvention::of(convention),
            ids: ran.ids.clone(),
            tokens: words.then(|| ran.tokens.clone()),
            threshold: Threshold {
                rule: "min(1, scale / visible tokens)",
                scale: traced.options.threshold_scale,
            },
            traced,
            faithfulness: None,
            directions: None,
            compared: None,
        }
    }

    /// This report with what the circuit is worth, and with what its singular vectors are.
    #[must_use]
    pub fn with(self, faithfulness: Option<Alone>, directions: Option<Directions>) -> Self {
        Self { faithfulness, directions, ..self }
    }

    /// The graph as GraphML, which Gephi, yEd, Cytoscape and networkx read; its stamp is the graph's description.
    pub fn graphml(&self, stamp: &Stamp) -> String {
        graphml::text(&self.traced, self.tokens.as_deref(), &stamp.lines().join("\n"))
    }
}

/// `stamp` with what was traced, and how.
pub fn stamped(stamp: Stamp, ran: &Ran, traced: &Traced) -> Stamp {
    let of = &traced.objective;
    let against =
        of.wrong_text.as_ref().map_or_else(String::new, |wrong| format!(" against “{wrong}”"));
    let rule = match traced.options.rule {
        Rule::Accpp => "parts of keys removed everywhere at once",
        Rule::Key => "parts of keys removed at one key",
    };
    let tau = of.tau.map_or_else(String::new, |tau| format!(", τ {tau}"));
    let scale = traced.options.threshold_scale;
    let ids: Vec<String> = ran.ids.iter().map(u32::to_string).collect();
    let what = match of.reading {
        Some(firing) => format!("reading {}", firing.node()),
        None => format!("“{}”{against} after position {}", of.answer_text, of.at),
    };
    stamp
        .how(format!("ACC++ circuit of {what}"))
        .how(format!("{rule}, firing from {scale} × uniform attention{tau}"))
        .how(format!("token ids {}", ids.join(" ")))
}
