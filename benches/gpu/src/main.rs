//! The GPU against our own CPU code and against nalgebra, as ratios in one run: `cargo bench --features gpu --bench gpu`.
//!
//! Shapes of known models, normal weights; software adapters get a few heads instead of all. The floor is what the
//! operations and the traffic would take at the product rate and the bandwidth measured in the same run. faer and LAPACK
//! on the CPU route: `benches/head_svd`.
#![cfg_attr(target_arch = "wasm32", allow(unused, reason = "a native benchmark"))]

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    if let Err(error) = pollster::block_on(native::run()) {
        println!("no figures: {error}");
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::sync::OnceLock;
    use std::time::Instant;

    use omega_lens::gpu::{Factors, Gpu, GpuError, GpuOptions, Peak, Raw, SvdBatch};
    use omega_lens::math::random::Rng;
    use omega_lens::math::{Mat, product_svd};

    /// Name, d_model, d_head, heads, and the heads that share one key or value factor.
    const SHAPES: [(&str, usize, usize, usize, usize); 4] = [
        ("MiniLM-L6", 384, 32, 144, 1),
        ("GPT-2 small", 768, 64, 288, 1),
        ("Llama-3.2-1B", 2048, 64, 1024, 4),
        ("Pythia-1.4B", 2048, 128, 768, 1),
    ];

    fn now() -> f64 {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
    }

    /// The shorter of two runs, in milliseconds.
    fn ms<T>(mut work: impl FnMut() -> T) -> f64 {
        (0..2)
            .map(|_| {
                let start = now();
                std::hint::black_box(work());
                now() - start
            })
            .fold(f64::INFINITY, f64::min)
    }

    /// The route that everybody takes: two QRs, then the SVD of the core by bidiagonalisation.
    fn nalgebra_svd(a: &Mat, b: &Mat) -> (Mat, Mat) {
        let (a, b) = (a.clone().qr(), b.clone().qr());
        let core = (a.r() * b.r().transpose()).svd(true, true);
        let (u, v_t) = (core.u.unwrap_or_default(), core.v_t.unwrap_or_default());
        (a.q() * u, b.q() * v_t.transpose())
    }

    pub(super) async fn run() -> Result<(), GpuError> {
        let gpu =
            Gpu::request(GpuOptions { memory_budget: 2 << 30, ..GpuOptions::new(now) }).await?;
        let description = gpu.description();
        println!("{} ({}, {})", description.name, description.backend, description.driver);
        let peak = gpu.peak().await?;
        let rate = |flops: f64| format!("{:.1} GFLOP/s", flops / 1e9);
        println!(
            "multiply-adds {}, our products {}, copies {:.1} GB/s\n",
            rate(peak.flops),
            rate(peak.gemm_flops),
            peak.bytes / 1e9
        );
        println!(
            "| model | d × h | heads | GPU ms/head | CPU f64 ms/head | CPU : GPU | nalgebra : GPU | GPU : floor |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        for (name, d, h, all, shared) in SHAPES {
            let heads = if description.software { 4 } else { all };
            svd(&gpu, &peak, name, [d, h, heads, shared]).await?;
        }
        println!();
        let sizes = if description.software { [128, 768, 4096] } else { [18_432, 768, 50_257] };
        top_k(&gpu, &peak, sizes).await
    }

    async fn svd(
        gpu: &Gpu,
        peak: &Peak,
        name: &str,
        [d, h, n, shared]: [usize; 4],
    ) -> Result<(), GpuError> {
        let mut rng = Rng::new(1);
        // A handful of factors, repeated: what is in them does not change the time.
        let drawn: Vec<Mat> = (0..8).map(|_| rng.normal_matrix(d, h)).collect();
        let (mut left, mut right) = (Factors::new(d, h)?, Factors::new(d, h)?);
        for head in 0..n {
            left.push(&drawn[head % 4])?;
            if head % shared == 0 {
                right.push(&drawn[4 + head % 4])?;
            }
        }
        let pairs: Vec<(usize, usize)> = (0..n).map(|head| (head, head / shared)).collect();
        let batch = SvdBatch { left: &left, right: &right, heads: &pairs, vectors: true };
        // The first run compiles and learns how much fits into a submission.
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            let start = now();
            let heads = gpu.svd(&batch).await?;
            best = best.min((now() - start) / n as f64);
            if let Some(head) = heads.iter().position(|head| !head.certificate.passed()) {
                println!("head {head} failed: {:?}", heads[head].certificate);
            }
        }
        let cpu = ms(|| product_svd(&drawn[0], &drawn[4]));
        let nalgebra = ms(|| nalgebra_svd(&drawn[0], &drawn[4]));
        let (d, h, shared) = (d as f64, h as f64, shared as f64);
        let factors = 1.0 + 1.0 / shared;
        let operations = 4.0 * d * h * h * (factors + 1.0) + 81.5 * h * h * h;
        let traffic = 4.0 * d * h * (factors + 2.0);
        let floor = 1e3 * f64::max(operations / peak.gemm_flops, traffic / peak.bytes);
        println!(
            "| {name} | {d} × {h} | {n} | {best:.2} | {cpu:.2} | {:.2} | {:.2} | {:.1} |",
            cpu / best,
            nalgebra / best,
            best / floor
        );
        Ok(())
    }

    async fn top_k(gpu: &Gpu, peak: &Peak, [n, d, rows]: [usize; 3]) -> Result<(), GpuError> {
        let mut rng = Rng::new(2);
        let directions: Vec<f32> = (0..n * d).map(|_| (rng.uniform() - 0.5) as f32).collect();
        let dictionary: Vec<f32> = (0..rows * d).map(|_| (rng.uniform() - 0.5) as f32).collect();
        let halves: Vec<u8> =
            dictionary.iter().flat_map(|&x| half::bf16::from_f32(x).to_le_bytes()).collect();
        let scales = vec![1.0; rows];
        let operations = 2.0 * n as f64 * d as f64 * rows as f64;
        println!("| top 10 of | seconds | GFLOP/s | of our products' rate |\n|---|---|---|---|");
        for (format, raw) in [("f32", Raw::F32(&dictionary)), ("bf16", Raw::Bf16(&halves))] {
            let mut best = f64::INFINITY;
            for _ in 0..2 {
                let start = now();
                let mut search = gpu.top_k(&directions, d, 10, None).await?;
                search.push(raw, &scales).await?;
                std::hint::black_box(search.finish().await?);
                best = best.min((now() - start) / 1e3);
            }
            println!(
                "| {n} × {d} × {rows} {format} | {best:.2} | {:.1} | {:.0} % |",
                operations / best / 1e9,
                100.0 * operations / best / peak.gemm_flops
            );
        }
        // The CPU: the product in blocks, then the ten best by selection.
        let few = n.min(64);
        let few_directions = nalgebra::DMatrix::from_row_slice(few, d, &directions[..few * d]);
        let rows_t = nalgebra::DMatrix::from_column_slice(d, rows, &dictionary);
        let cpu = ms(|| {
            let scores = &few_directions * &rows_t;
            (0..few)
                .map(|i| {
                    let mut row: Vec<f32> = scores.row(i).iter().map(|x| x.abs()).collect();
                    row.select_nth_unstable_by(9, |x, y| y.total_cmp(x));
                    row[9]
                })
                .sum::<f32>()
        });
        let flops = 2.0 * (few * d * rows) as f64 / cpu * 1e3;
        println!(
            "| CPU, one thread, {few} × {d} × {rows} | {:.2} | {:.1} | |",
            cpu / 1e3,
            flops / 1e9
        );
        Ok(())
    }
}
