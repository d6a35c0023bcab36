//! The thin SVD of whole models' heads against every rival.

use std::error::Error;
use std::io::Write;

use omega_lens::gpu::{Factors, Gpu, Peak, Plant, SvdBatch};
use omega_lens::math::random::Rng;
use omega_lens::math::{Mat, product_svd};
use serde_json::json;

use crate::torch::Torch;
use crate::{best, cpu, digits, now};

/// Name, d_model, d_head, heads (QK and OV), and the heads that share one key or value factor.
pub(crate) const SHAPES: [(&str, usize, usize, usize, usize); 4] = [
    ("MiniLM-L6", 384, 32, 144, 1),
    ("GPT-2 small", 768, 64, 288, 1),
    ("Llama-3.2-1B", 2048, 64, 1024, 4),
    ("Pythia-1.4B", 2048, 128, 768, 1),
];

/// Heads that a GPU rival gets at a time.
const AT_A_TIME: usize = 64;

/// Who, milliseconds a head, and the singular values of the two heads.
type Row = (String, f64, Vec<Vec<f64>>);

pub(crate) async fn compare(
    gpu: &Gpu,
    peak: &Peak,
    torch: &mut Result<Torch, String>,
    (name, d, h, all, shared): (&str, usize, usize, usize, usize),
) -> Result<(), Box<dyn Error>> {
    let n = if gpu.description().software { 4 } else { all };
    let mut rng = Rng::new(1);
    let heads = [Plant::Gauss, Plant::Balanced(1e6)].map(|plant| plant.factors(d, h, &mut rng));
    let mut rows = vec![on_gpu(gpu, &heads, n, shared).await?];

    let mut alone = |who: &str, work: &dyn Fn(&(Mat, Mat)) -> Vec<f64>| {
        let (ms, s) = best(|| heads.iter().map(work).collect());
        rows.push((who.to_owned(), ms / 2.0, s));
    };
    alone("our CPU, f64, with certificate", &|(a, b)| {
        product_svd(a, b).map_or(Vec::new(), |svd| svd.s)
    });
    alone("nalgebra, f64, QR route", &|(a, b)| cpu::nalgebra(a, b).1);
    let truth = rows[1].2.clone();
    let double = heads.each_ref().map(|(a, b)| [a, b].map(|m| cpu::to_faer(m, |x| x)));
    let single = heads.each_ref().map(|(a, b)| [a, b].map(|m| cpu::to_faer(m, |x| x as f32)));
    let (ms, s) = best(|| double.iter().map(|[a, b]| cpu::faer(a, b).1).collect());
    rows.push(("faer, f64, QR route".to_owned(), ms / 2.0, s));
    let (ms, s) = best(|| single.iter().map(|[a, b]| cpu::faer(a, b).1).collect());
    rows.push(("faer, f32, QR route".to_owned(), ms / 2.0, s));
    if let Ok(torch) = torch {
        let mut file = tempfile::NamedTempFile::new()?;
        for m in heads.iter().map(|head| &head.0).chain(heads.iter().map(|head| &head.1)) {
            let row_major = m.transpose();
            let bytes: Vec<u8> = row_major.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect();
            file.write_all(&bytes)?;
        }
        let question =
            json!({ "what": "svd", "file": file.path(), "d": d, "h": h, "many": AT_A_TIME });
        rows.extend(torch.ask(&question).into_iter().map(|it| (it.who, it.ms, it.values)));
    }

    let (d, h, shared) = (d as f64, h as f64, shared as f64);
    let operations = 4.0 * d * h * h * (2.0 + 1.0 / shared) + 81.5 * h * h * h;
    let traffic = 4.0 * d * h * (3.0 + 1.0 / shared);
    let floor = 1e3 * f64::max(operations / peak.gemm_flops, traffic / peak.bytes);
    println!(
        "\n{name}: {d} × {h}, {n} heads on the GPU, others one at a time unless they say so\n"
    );
    println!("| who | ms a head | / our GPU | worst σ: normal | worst σ: condition 1e6 |");
    println!("|---|---|---|---|---|");
    let ours = rows[0].1;
    println!("| floor of the GPU | {} | {:.2} | | |", digits(floor), floor / ours);
    for (who, ms, s) in &rows {
        let error = |head: usize| worst(&s[head], &truth[head]);
        println!(
            "| {who} | {} | {} | {} | {} |",
            digits(*ms),
            digits(ms / ours),
            error(0),
            error(1)
        );
    }
    Ok(())
}

/// The largest error of a singular value relative to itself.
fn worst(s: &[f64], truth: &[f64]) -> String {
    if s.len() != truth.len() {
        return "failed".to_owned();
    }
    let error = s.iter().zip(truth).map(|(s, t)| (s - t).abs() / t).fold(0.0, f64::max);
    format!("{error:.0e}")
}

/// `n` heads at a time, vectors included; the singular values from a run with the two heads alone.
async fn on_gpu(
    gpu: &Gpu,
    two: &[(Mat, Mat); 2],
    n: usize,
    shared: usize,
) -> Result<Row, Box<dyn Error>> {
    let (d, h) = two[0].0.shape();
    let (mut left, mut right) = (Factors::new(d, h)?, Factors::new(d, h)?);
    // The same two factors again and again: what is in them hardly changes the time.
    for head in 0..n.max(2 * shared) {
        left.push(&two[head % 2].0)?;
        if head % shared == 0 {
            right.push(&two[head / shared % 2].1)?;
        }
    }
    let pairs: Vec<(usize, usize)> = (0..n).map(|head| (head, head / shared)).collect();
    let batch = SvdBatch { left: &left, right: &right, heads: &pairs, vectors: true };
    // The first run compiles and learns how much fits into a submission.
    let mut ms = f64::INFINITY;
    for _ in 0..3 {
        let start = now();
        std::hint::black_box(gpu.svd(&batch).await?);
        ms = ms.min((now() - start) / n as f64);
    }
    let batch = SvdBatch { heads: &[(0, 0), (1, 1)], ..batch };
    let found = gpu.svd(&batch).await?;
    if let Some(failed) = found.iter().find(|head| !head.certificate.passed()) {
        println!("\nA head failed: {:?}", failed.certificate);
    }
    Ok((format!("our GPU, f32, {n} at a time"), ms, found.into_iter().map(|head| head.s).collect()))
}
