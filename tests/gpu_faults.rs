//! What can go wrong with a GPU goes wrong in words, and the next job works: limits, memory, a device lost in a job.
#![cfg(all(feature = "gpu", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::support::gpu as support;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use omega_lens::engine::self_test::self_test;
use omega_lens::gpu::{Factors, Gpu, GpuError, GpuOptions, Operand, Plant, Raw, SvdBatch};
use omega_lens::math::Mat;
use omega_lens::math::random::Rng;
use pollster::block_on;
use support::{decompose, gpu, now};

#[test]
fn a_small_memory_budget_means_smaller_pieces_and_the_same_result() {
    let Some(gpu) = gpu() else { return };
    let mut rng = Rng::new(5);
    let heads: Vec<(Mat, Mat)> = (0..3).map(|_| Plant::Gauss.factors(100, 24, &mut rng)).collect();
    let options = GpuOptions { memory_budget: 1 << 10, ..GpuOptions::new(now) };
    let frugal = block_on(Gpu::request(options)).unwrap();
    assert_eq!(decompose(&gpu, &heads), decompose(&frugal, &heads));
}

#[test]
fn what_does_not_fit_is_refused_with_its_numbers() {
    let Some(gpu) = gpu() else { return };
    let limit = |needed, limit| move |error: &GpuError| matches!(error, GpuError::Limit { needed: n, limit: l, .. } if (*n, *l) == (needed, limit));
    assert!(limit(257, 256)(&Factors::new(512, 257).unwrap_err()));
    let refused = block_on(gpu.top_k(&[1.0; 8], 8, 17, None)).err().unwrap();
    assert!(limit(17, 16)(&refused), "{refused}");
    let wide = Operand { values: Raw::F32(&[1.0; 6]), n_rows: 2, n_cols: 3, transposed: false };
    assert!(matches!(
        block_on(gpu.gemm(1, wide, wide)),
        Err(GpuError::Shape { expected: 3, found: 2, .. })
    ));
    assert!(!gpu.lost());
}

static DOOMED: OnceLock<Gpu> = OnceLock::new();
static TICKS: AtomicU32 = AtomicU32::new(0);

/// The clock is read at every submission: at the twentieth reading the device goes.
fn last_hour() -> f64 {
    if TICKS.fetch_add(1, Ordering::Relaxed) > 20
        && let Some(gpu) = DOOMED.get()
    {
        gpu.destroy();
    }
    now()
}

#[test]
fn a_device_lost_in_the_middle_of_a_job_is_an_error_and_the_next_one_works() {
    if gpu().is_none() {
        return;
    }
    let options = GpuOptions { submit_ms: 0.01, ..GpuOptions::new(last_hour) };
    let doomed = DOOMED.get_or_init(|| block_on(Gpu::request(options)).unwrap());
    let (a, b) = Plant::Gauss.factors(128, 32, &mut Rng::new(5));
    let (mut left, mut right) = (Factors::new(128, 32).unwrap(), Factors::new(128, 32).unwrap());
    left.push(&a).unwrap();
    right.push(&b).unwrap();
    let batch = SvdBatch { left: &left, right: &right, heads: &[(0, 0); 8], vectors: true };
    let error = (0..50).find_map(|_| block_on(doomed.svd(&batch)).err());
    assert!(matches!(error, Some(GpuError::Lost { .. })), "{error:?}");
    assert!(doomed.lost());
    assert!(matches!(block_on(doomed.svd(&batch)), Err(GpuError::Lost { .. })));
    let fresh = gpu().unwrap();
    assert_eq!(block_on(fresh.svd(&batch)).unwrap().len(), 8);
}

#[test]
fn the_self_test_passes_and_says_how_fast_it_was() {
    let Some(gpu) = gpu() else { return };
    let report = block_on(self_test(&gpu, 5, false, |_, _| {})).unwrap();
    for head in &report.heads {
        for check in head.checks.iter().filter(|check| !check.passed()) {
            println!("{}: {check:?}", head.name);
        }
    }
    assert!(report.passed() && report.heads.len() == Plant::ALL.len());
    assert!(
        report.peak.flops > 0.0 && report.speeds.iter().all(|speed| speed.per_second > 0.0),
        "{report:?}"
    );
    println!("{:?} {:?}", report.peak, report.speeds);
}

/// Set in the process that takes its own address space away.
const LITTLE_MEMORY: &str = "OMEGA_LENS_LITTLE_MEMORY";

#[test]
#[cfg(target_os = "linux")]
fn memory_that_the_driver_refuses_means_smaller_pieces_or_an_error_in_words() {
    if std::env::var_os(LITTLE_MEMORY).is_none() {
        let test =
            "gpu_faults::memory_that_the_driver_refuses_means_smaller_pieces_or_an_error_in_words";
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let output =
            child.args(["--exact", test, "--nocapture"]).env(LITTLE_MEMORY, "1").output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        println!("{}", String::from_utf8_lossy(&said));
        assert!(output.status.success());
        return;
    }
    // Nothing else makes the pieces small: neither a budget nor the time of a submission.
    let options = GpuOptions { memory_budget: 8 << 30, submit_ms: 1e4, ..GpuOptions::new(now) };
    let Some(gpu) = gpu().filter(|gpu| gpu.description().software) else { return };
    let greedy = block_on(Gpu::request(options)).unwrap();
    let (mut left, mut right) = (Factors::new(8192, 16).unwrap(), Factors::new(8192, 16).unwrap());
    let (a, b) = Plant::Gauss.factors(8192, 16, &mut Rng::new(8));
    left.push(&a).unwrap();
    right.push(&b).unwrap();
    let svd = |gpu: &Gpu, heads: usize| {
        let heads = vec![(0, 0); heads];
        let batch = SvdBatch { left: &left, right: &right, heads: &heads, vectors: true };
        block_on(gpu.svd(&batch))
    };
    let side = 5792;
    let column = vec![1f32; side];
    let product = |gpu: &Gpu, n: usize| {
        let of = |n_rows, n_cols| Operand {
            values: Raw::F32(&column[..n]),
            n_rows,
            n_cols,
            transposed: false,
        };
        block_on(gpu.gemm(1, of(n, 1), of(1, n)))
    };
    // Everything is compiled, and large submissions are learned, before the memory goes.
    let alone = (0..4).map(|_| svd(&greedy, 8).unwrap()).last().unwrap();
    assert_eq!(product(&gpu, 70).unwrap(), [1.0; 4900]);

    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmSize")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    let limit = format!("--as={}", (kilobytes << 10) + (96 << 20));
    let own = std::process::id().to_string();
    let set = std::process::Command::new("prlimit").args(["--pid", &own, &limit]).status();
    assert!(set.unwrap().success());

    let refused = product(&gpu, side);
    assert!(
        matches!(refused, Err(GpuError::OutOfMemory { bytes, .. }) if bytes > 128 << 20),
        "{:?}",
        refused.map(|all| all.len())
    );
    assert!(!gpu.lost());
    assert_eq!(product(&gpu, 70).unwrap(), [1.0; 4900], "the next job works");
    // 64 heads want some 200 MB at once.
    let many = svd(&greedy, 64).unwrap();
    assert_eq!(many.len(), 64);
    assert!(many.iter().all(|svd| *svd == alone[0]));
}
