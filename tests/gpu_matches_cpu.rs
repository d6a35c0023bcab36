//! smoke
#![cfg(all(feature = "gpu", not(target_arch = "wasm32")))]
use omega_lens::gpu::*;
use omega_lens::math::Mat;

fn now() -> f64 {
    use std::sync::OnceLock;
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed().as_secs_f64() * 1e3
}

#[test]
fn smoke() {
    let gpu = pollster::block_on(Gpu::request(GpuOptions::new(now))).unwrap();
    println!("{:?}", gpu.description());
    let mut seed = 1u64;
    let mut rnd = move || {
        let mut s = 0.0;
        for _ in 0..4 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            s += (seed >> 40) as f64 / (1u64 << 24) as f64 - 0.5;
        }
        s
    };
    for (d, h, n) in
        [(64, 16, 4), (300, 32, 3), (768, 64, 8), (768, 80, 2), (2048, 128, 2), (1024, 256, 1)]
    {
        let mut l = Factors::new(d, h).unwrap();
        let mut r = Factors::new(d, h).unwrap();
        let mats: Vec<(Mat, Mat)> = (0..n)
            .map(|_| (Mat::from_fn(d, h, |_, _| rnd()), Mat::from_fn(d, h, |_, _| rnd())))
            .collect();
        for (a, b) in &mats {
            l.push(a).unwrap();
            r.push(b).unwrap();
        }
        let heads: Vec<(usize, usize)> = (0..n).map(|i| (i, i)).collect();
        let t = now();
        let out = pollster::block_on(gpu.svd(&SvdBatch {
            left: &l,
            right: &r,
            heads: &heads,
            vectors: true,
        }))
        .unwrap();
        let t2 = now();
        let out2 = pollster::block_on(gpu.svd(&SvdBatch {
            left: &l,
            right: &r,
            heads: &heads,
            vectors: true,
        }))
        .unwrap();
        println!("{d}x{h} x{n}: {:.1} ms, again {:.1} ms", t2 - t, now() - t2);
        assert_eq!(out, out2);
        for (head, (a, b)) in out.iter().zip(&mats) {
            let core = a.clone().qr().r() * b.clone().qr().r().transpose();
            let s = core.singular_values();
            let worst =
                head.s.iter().zip(s.iter()).map(|(x, y)| (x - y).abs() / y).fold(0.0, f64::max);
            println!("  rel {worst:.1e} {:?}", head.certificate);
        }
    }
}
