//! The ten closest rows of a dictionary for every direction, against a product and a selection.

use std::error::Error;
use std::io::Write;

use nalgebra::DMatrix;
use omega_lens::gpu::{Gpu, Peak, Raw};
use omega_lens::math::random::Rng;
use omega_lens::math::top_k::TopK;
use serde_json::json;

use crate::torch::Torch;
use crate::{best, digits, now};

const K: usize = 10;
/// Directions whose scores are compared with f64, and directions that a CPU searches for.
const CHECKED: usize = 16;
const ON_CPU: usize = 64;

pub(crate) async fn compare(
    gpu: &Gpu,
    peak: &Peak,
    torch: &mut Result<Torch, String>,
    [n, d, rows]: [usize; 3],
) -> Result<(), Box<dyn Error>> {
    let mut rng = Rng::new(2);
    let mut draw =
        |count: usize| -> Vec<f32> { (0..count).map(|_| (rng.uniform() - 0.5) as f32).collect() };
    let (directions, dictionary) = (draw(n * d), draw(rows * d));
    let truth = truth(&directions[..CHECKED.min(n) * d], &dictionary, d);
    let operations = |n: usize| 2.0 * n as f64 * d as f64 * rows as f64;
    let mut found = Vec::new();

    let scales = vec![1.0; rows];
    let halves: Vec<u8> =
        dictionary.iter().flat_map(|&x| half::bf16::from_f32(x).to_le_bytes()).collect();
    for (format, raw) in [("f32", Raw::F32(&dictionary)), ("bf16", Raw::Bf16(&halves))] {
        let (mut ms, mut scores) = (f64::INFINITY, Vec::new());
        for _ in 0..3 {
            let start = now();
            let mut search = gpu.top_k(&directions, d, K, None).await?;
            search.push(raw, &scales).await?;
            let matches = search.finish().await?;
            ms = ms.min(now() - start);
            let score = |best: &(u32, f32)| f64::from(best.1.abs());
            scores = matches.iter().map(|m| m.best.iter().map(score).collect()).collect();
        }
        // The truth is that of the f32 rows.
        let scores = if format == "f32" { scores } else { Vec::new() };
        found.push((format!("our GPU, rows as {format}"), n, ms, scores));
    }
    let few = n.min(ON_CPU);
    let (ms, scores) = best(|| on_cpu(&directions[..few * d], &dictionary, d));
    found.push(("our CPU, f32, one thread".to_owned(), few, ms, scores));
    if let Ok(torch) = torch {
        let mut file = tempfile::NamedTempFile::new()?;
        for values in [&directions, &dictionary] {
            let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            file.write_all(&bytes)?;
        }
        let question =
            json!({ "what": "top_k", "file": file.path(), "n": n, "d": d, "rows": rows, "k": K });
        found.extend(torch.ask(&question).into_iter().map(|it| (it.who, it.n, it.ms, it.values)));
    }

    println!("\nTop {K} of |t · x|: directions × {d} × {rows} rows\n");
    println!(
        "| who | directions | ms | GFLOP/s | our GPU's rate / this | of our products' rate | worst score |"
    );
    println!("|---|---|---|---|---|---|---|");
    let ours = operations(n) / found[0].2;
    for (who, n, ms, scores) in &found {
        let rate = operations(*n) / ms;
        let share = if who.starts_with("our GPU") {
            format!("{:.0} %", 1e5 * rate / peak.gemm_flops)
        } else {
            String::new()
        };
        println!(
            "| {who} | {n} | {} | {} | {} | {share} | {} |",
            digits(*ms),
            digits(rate / 1e6),
            digits(ours / rate),
            worst(scores, &truth)
        );
    }
    Ok(())
}

/// The largest difference of a score from the truth of its rank, relative to the largest score.
fn worst(scores: &[Vec<f64>], truth: &[Vec<f64>]) -> String {
    if scores.is_empty() {
        return String::new();
    }
    let pairs =
        scores.iter().zip(truth).flat_map(|(s, t)| s.iter().zip(t).map(|(s, t)| (s - t).abs() / t));
    format!("{:.0e}", pairs.fold(0.0, f64::max))
}

/// The K largest |t · x| in f64.
fn truth(directions: &[f32], dictionary: &[f32], d: usize) -> Vec<Vec<f64>> {
    let score = |t: &[f32], x: &[f32]| {
        t.iter().zip(x).map(|(t, x)| f64::from(*t) * f64::from(*x)).sum::<f64>().abs()
    };
    let of = |t: &[f32]| {
        let mut scores: Vec<f64> = dictionary.chunks_exact(d).map(|x| score(t, x)).collect();
        scores.sort_unstable_by(|x, y| y.total_cmp(x));
        scores.truncate(K);
        scores
    };
    directions.chunks_exact(d).map(of).collect()
}

/// The search as the page does it without a GPU: products with blocks of rows, each looked through at once.
fn on_cpu(directions: &[f32], dictionary: &[f32], d: usize) -> Vec<Vec<f64>> {
    let n = directions.len() / d;
    let directions = DMatrix::from_row_slice(n, d, directions);
    let mut top = TopK::new(n, K);
    for (block, rows) in dictionary.chunks(256 * d).enumerate() {
        let scores = &directions * DMatrix::from_column_slice(d, rows.len() / d, rows);
        top.push(scores.as_slice(), 256 * block);
    }
    (0..n)
        .map(|j| {
            top.by_magnitude(j).iter().take(K).map(|best| f64::from(best.score.abs())).collect()
        })
        .collect()
}
