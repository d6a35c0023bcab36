//! `omega spectra`: the singular values of every head's QK and OV circuit, one layer in memory at a time.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use super::CliError;
use super::files::{print_json, wants_json};
use super::model::ModelArgs;
use crate::circuits::convention::Convention;
use crate::circuits::omega::{Circuit, singular_values};
use crate::math::MathError;
use crate::model::{AttentionLayer, Model, ModelError, Part, Weights};

/// Compute the singular values of every head
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Fold the norm in front of the attention into the weights, or take them as they are in the file
    #[arg(long, value_enum, default_value_t = Form::Folded)]
    weights: Form,
    /// Print JSON even on a terminal
    #[arg(long)]
    json: bool,
}

/// [`Weights`] as an argument.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Form {
    /// [`Weights::Raw`].
    Raw,
    /// [`Weights::Folded`].
    Folded,
}

impl From<Form> for Weights {
    fn from(form: Form) -> Self {
        match form {
            Form::Raw => Self::Raw,
            Form::Folded => Self::Folded,
        }
    }
}

#[derive(Debug, Serialize)]
struct Spectra<'a> {
    convention: Convention,
    d_model: usize,
    d_head: usize,
    n_layers: usize,
    n_heads: usize,
    heads: Vec<Head>,
    /// Heads that could not be decomposed, with the reason.
    failed: Vec<Failed>,
    notes: &'a [String],
}

/// Both spectra of one head, with the relative residuals of the decompositions.
#[derive(Debug, Serialize)]
struct Head {
    layer: usize,
    head: usize,
    qk: Vec<f64>,
    ov: Vec<f64>,
    residual_qk: f64,
    residual_ov: f64,
    orthogonality_qk: f64,
    orthogonality_ov: f64,
}

#[derive(Debug, Serialize)]
struct Failed {
    layer: usize,
    head: usize,
    why: String,
}

/// Why one head has no spectrum; the others go on.
#[derive(Debug, thiserror::Error)]
enum HeadError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Math(#[from] MathError),
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the files are no checkpoint of a known family, or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let model = args.model.open()?;
    let spectra = spectra(&model, args.weights.into())?;
    if wants_json(args.json) { print_json(&spectra) } else { print_text(&spectra) }
}

fn spectra(model: &Model, weights: Weights) -> Result<Spectra<'_>, CliError> {
    let arch = &model.arch;
    let (mut heads, mut failed) = (Vec::new(), Vec::new());
    for layer in model.readable_layers() {
        let attention = AttentionLayer::read(model, layer, Part::Both).map_err(CliError::work)?;
        for (head, found) in all_heads(&attention, arch.n_heads, weights) {
            match found {
                Ok(spectrum) => heads.push(spectrum),
                Err(error) => failed.push(Failed { layer, head, why: error.to_string() }),
            }
        }
    }
    Ok(Spectra {
        convention: Convention::of(model, weights),
        d_model: arch.d_model,
        d_head: arch.d_head,
        n_layers: arch.n_layers,
        n_heads: arch.n_heads,
        heads,
        failed,
        notes: &model.notes,
    })
}

/// The heads of one layer, shared out over the processor's cores; in order.
fn all_heads(
    attention: &AttentionLayer,
    n_heads: usize,
    weights: Weights,
) -> Vec<(usize, Result<Head, HeadError>)> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from).min(n_heads);
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                loop {
                    let head = next.fetch_add(1, Ordering::Relaxed);
                    if head >= n_heads {
                        break;
                    }
                    let found = one_head(attention, head, weights);
                    done.lock().unwrap_or_else(|e| e.into_inner()).push((head, found));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|e| e.into_inner());
    done.sort_by_key(|(head, _)| *head);
    done
}

fn one_head(attention: &AttentionLayer, head: usize, weights: Weights) -> Result<Head, HeadError> {
    let matrices = attention.head(head, weights)?;
    let qk = singular_values(&matrices, Circuit::Qk)?;
    let ov = singular_values(&matrices, Circuit::Ov)?;
    Ok(Head {
        layer: attention.layer(),
        head,
        qk: qk.s,
        ov: ov.s,
        residual_qk: qk.residual,
        residual_ov: ov.residual,
        orthogonality_qk: qk.orthogonality,
        orthogonality_ov: ov.orthogonality,
    })
}

fn print_text(spectra: &Spectra<'_>) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let Convention { family, folding, .. } = &spectra.convention;
    writeln!(out, "{family}, weights: {folding}")?;
    writeln!(out, "head      QK σ_1     σ_last   OV σ_1     σ_last   residual")?;
    let ends = |s: &[f64]| (s.first().copied().unwrap_or(0.0), s.last().copied().unwrap_or(0.0));
    for head in &spectra.heads {
        let ((qk, qk_last), (ov, ov_last)) = (ends(&head.qk), ends(&head.ov));
        let (name, residual) =
            (format!("L{}H{}", head.layer, head.head), head.residual_qk.max(head.residual_ov));
        writeln!(
            out,
            "{name:<8} {qk:>8.4} {qk_last:>10.2e} {ov:>8.4} {ov_last:>10.2e} {residual:>10.0e}"
        )?;
    }
    for Failed { layer, head, why } in &spectra.failed {
        writeln!(out, "L{layer}H{head}: {why}")?;
    }
    for note in spectra.notes {
        writeln!(out, "note: {note}")?;
    }
    out.flush()?;
    Ok(())
}
