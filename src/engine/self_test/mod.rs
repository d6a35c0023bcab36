//! The self-test on the reader's machine: the GPU in f32 against the CPU in f64 on planted heads, and the GPU's speed.

mod checks;

use crate::gpu::{Factors, Gpu, GpuError, GpuOptions, HeadSvd, Plant, Raw, SvdBatch};
use crate::math::Mat;
use crate::math::layout::to_row_major_f32;
use crate::math::random::Rng;
use crate::protocol::self_test::{Device, Peak, PlantedHead, Report, SelfTest, Speed};
use crate::protocol::{Failure, Out, Question, Tell};

pub use checks::checks;

/// The shape of the quick test, and of the heads whose speed is measured: `[d_model, d_head]`.
const QUICK: [usize; 2] = [256, 64];

/// The shapes of the thorough test, and how many kinds of planted heads each gets: a tall one takes long on the CPU.
const THOROUGH: [([usize; 2], Kinds); 9] = [
    (QUICK, Kinds::Every),
    ([64, 16], Kinds::Every),
    ([384, 32], Kinds::Every),
    ([768, 64], Kinds::Every),
    ([300, 80], Kinds::Every),
    ([512, 128], Kinds::Every),
    ([512, 256], Kinds::Hard),
    ([4096, 64], Kinds::Hard),
    ([4096, 256], Kinds::Hard),
];

/// Which planted heads.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kinds {
    /// One of each.
    Every,
    /// Condition 1e6.
    Hard,
}

impl Kinds {
    fn plants(self) -> &'static [Plant] {
        match self {
            Kinds::Every => &Plant::ALL,
            Kinds::Hard => &Plant::ALL[2..3],
        }
    }
}

/// Runs the self-test; `clock` counts milliseconds.
pub(super) async fn answer(
    SelfTest { seed, thorough }: SelfTest,
    clock: fn() -> f64,
    out: Out<'_>,
) -> Result<(), Failure> {
    let gpu = Gpu::request(GpuOptions::new(clock)).await.map_err(|error| {
        let mut failure = Failure::new(error.to_string());
        failure.hint = "Everything works without a GPU: the CPU computes in f64, and every number on the page is its.".into();
        failure
    })?;
    let step = |done, total| out(Tell::Progress { done, total }, Vec::new());
    let result = self_test(&gpu, seed, thorough, step).await;
    gpu.destroy();
    out(
        SelfTest::tell(Box::new(result.map_err(|error| Failure::new(error.to_string()))?)),
        Vec::new(),
    );
    Ok(())
}

/// Runs the self-test; a few seconds on a GPU, longer on a software adapter. A thorough one goes through every width of head
/// that the kernels have, up to 4096 rows. `step` hears how many shapes are done, and of how many.
///
/// # Errors
/// Those of [`Gpu::svd`] and [`Gpu::top_k`]; a wrong result is no error, it is in the report.
pub async fn self_test(
    gpu: &Gpu,
    seed: u32,
    thorough: bool,
    mut step: impl FnMut(usize, usize),
) -> Result<Report, GpuError> {
    let mut rng = Rng::new(seed);
    let shapes = if thorough { &THOROUGH[..] } else { &THOROUGH[..1] };
    let mut heads = Vec::new();
    for (i, (shape, kinds)) in shapes.iter().enumerate() {
        heads.extend(planted_heads(gpu, *shape, kinds.plants(), &mut rng).await?);
        step(i + 1, shapes.len());
    }
    let (peak, speeds) = (gpu.peak().await?, speeds(gpu, &mut rng).await?);
    let peak = Peak { flops: peak.flops, gemm_flops: peak.gemm_flops, bytes: peak.bytes };
    Ok(Report { gpu: device(gpu), seed, heads, peak, speeds })
}

fn device(gpu: &Gpu) -> Device {
    let described = gpu.description().clone();
    Device {
        name: described.name,
        driver: described.driver,
        backend: described.backend,
        software: described.software,
        max_binding: described.max_binding,
        max_buffer: described.max_buffer,
        max_workgroup_memory: described.max_workgroup_memory,
    }
}

/// Planted heads of one shape, decomposed together and checked.
async fn planted_heads(
    gpu: &Gpu,
    shape: [usize; 2],
    plants: &[Plant],
    rng: &mut Rng,
) -> Result<Vec<PlantedHead>, GpuError> {
    let [d, h] = shape;
    let (mut left, mut right) = (Factors::new(d, h)?, Factors::new(d, h)?);
    let mut planted = Vec::new();
    for plant in plants {
        let (a, b) = plant.factors(d, h, rng);
        left.push(&a)?;
        right.push(&b)?;
        planted.push((plant, a, b));
    }
    let pairs: Vec<(usize, usize)> = (0..planted.len()).map(|i| (i, i)).collect();
    let batch = SvdBatch { left: &left, right: &right, heads: &pairs, vectors: true };
    let found = gpu.svd(&batch).await?;
    let head = |(svd, (plant, a, b)): (&HeadSvd, &(&Plant, Mat, Mat))| PlantedHead {
        name: plant.name(),
        shape,
        checks: checks(svd, a, b, plant.rank(h)),
    };
    Ok(found.iter().zip(&planted).map(head).collect())
}

/// How fast the kernels run on heads of the quick test's shape.
async fn speeds(gpu: &Gpu, rng: &mut Rng) -> Result<Vec<Speed>, GpuError> {
    let [d, h] = QUICK;
    let mut left = Factors::new(d, h)?;
    let mut directions = Vec::new();
    for _ in 0..4 {
        let factor = Plant::Gauss.factors(d, h, rng).0;
        left.push(&factor)?;
        directions = to_row_major_f32(&factor);
    }
    let (factors, directions) = (&left, directions.as_slice());
    let svd = async |times: usize| {
        let many: Vec<(usize, usize)> = (0..times).map(|i| (i % factors.len(), 0)).collect();
        gpu.svd(&SvdBatch { left: factors, right: factors, heads: &many, vectors: false }).await?;
        Ok(times as f64)
    };
    let heads_per_second = gpu.rate(50.0, 4, 512, svd).await?;
    let scales = vec![1.0; 16_384];
    let dictionary: Vec<f32> = (0..16_384 * h).map(|i| directions[i % directions.len()]).collect();
    let top_k = async |times: usize| {
        let mut search = gpu.top_k(directions, h, 10, None).await?;
        for _ in 0..times {
            search.push(Raw::F32(&dictionary), &scales).await?;
        }
        search.finish().await?;
        Ok((times * d * scales.len()) as f64)
    };
    let products_per_second = gpu.rate(50.0, 1, 64, top_k).await?;
    let per_head = (20 * d * h * h + 100 * h * h * h) as f64;
    let speed = |what: &str, per_second, unit: &str, operations: f64| {
        let (what, unit) = (what.to_owned(), unit.to_owned());
        Speed { what, per_second, unit, flops: per_second * operations }
    };
    Ok(vec![
        speed("SVD of 256 × 64 heads", heads_per_second, "heads", per_head),
        speed("top 10 of 64-dimensional rows", products_per_second, "dot products", 2.0 * h as f64),
    ])
}
