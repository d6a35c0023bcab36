//! Every head of a layer against a dictionary on the GPU; decompositions and statistics stay with the CPU, in f64.

use std::collections::BTreeMap;

use super::{ByLayer, Speeds, Stop, run};
use crate::circuits::alignment::{Alignment, HeadSide, SideFound};
use crate::engine::features::tell_about;
use crate::engine::{Engine, Failure, Files};
use crate::gpu::{AlignBatch, AlignSearch, Gpu};
use crate::model::Model;
use crate::protocol::features::{Align, AlignPart, Comparing};
use crate::protocol::gpu::GpuChoice;
use crate::protocol::{Out, Question, Tell};
use crate::study::dictionary::Surveyed;

/// Bytes of directions on the GPU at a time: as many heads as fit are compared together.
const DIRECTIONS: usize = 64 << 20;

/// Answers one question: every head of the layers that it names heads of.
pub(in crate::engine) async fn alignment(
    engine: &mut Engine,
    Align { how, heads }: Align,
    choice: GpuChoice,
    files: Files,
    out: Out<'_>,
) -> Result<(), Failure> {
    engine.ready(&how, files, None)?;
    let dictionary = engine.surveyed(&how.source, how.weights)?;
    let mut layers: Vec<usize> = heads.iter().map(|(layer, _)| *layer).collect();
    layers.dedup();
    let head = (layers.first().copied().unwrap_or(0), 0);
    tell_about(engine, dictionary, &how, head, None, out)?;
    run(engine, Comparison(how), layers, choice, out).await
}

struct Comparison(Comparing);

impl ByLayer for Comparison {
    async fn layer(
        &mut self,
        gpu: &Gpu,
        engine: &mut Engine,
        layer: usize,
    ) -> Result<Vec<Tell>, Stop> {
        let arch = &engine.model()?.arch;
        let (n_heads, head_bytes) = (arch.n_heads_of(layer), 16 * arch.d_model * arch.d_head);
        let at_once = (DIRECTIONS / head_bytes.max(1)).max(1);
        let mut tells = Vec::with_capacity(n_heads);
        for first in (0..n_heads).step_by(at_once) {
            let mut sides = Vec::new();
            for head in first..(first + at_once).min(n_heads) {
                match engine.sides(layer, head, self.0.weights) {
                    Ok(found) => sides.extend(found),
                    Err(failure) => tells.push(AlignPart::Broken(failure)),
                }
            }
            let dictionary = engine.surveyed(&self.0.source, self.0.weights)?;
            let mut report = self.compare(gpu, engine.model()?, dictionary, sides).await?.report();
            report.label_with(|row| engine.label(dictionary, &self.0.source, row));
            let reports = report.by_head().into_iter();
            tells.extend(reports.map(|report| AlignPart::Report(Box::new(report))));
        }
        Ok(tells.into_iter().map(Align::tell).collect())
    }

    /// One block of features against the layer on the GPU, and against one of its heads on the CPU.
    async fn measure(
        &mut self,
        gpu: &Gpu,
        engine: &mut Engine,
        layer: usize,
        clock: fn() -> f64,
    ) -> Result<Option<Speeds>, Stop> {
        let mut sides = Vec::new();
        let n_heads = engine.model()?.arch.n_heads_of(layer);
        for head in 0..n_heads {
            sides.extend(engine.sides(layer, head, self.0.weights)?);
        }
        let dictionary = engine.surveyed(&self.0.source, self.0.weights)?;
        let Some(block) = dictionary.blocks(engine.model()?, self.0.remove_mean).next() else {
            return Ok(None);
        };
        let (block, of_one) = (block?, sides[..sides.len() / n_heads.max(1)].to_vec());
        let mut all = Searches::new(gpu, &dictionary.alignment(sides, &self.0)?, &self.0).await?;
        let start = clock();
        all.push(&block.rows).await?;
        all.finish().await?;
        let middle = clock();
        dictionary.alignment(of_one, &self.0)?.step(&block).map_err(Failure::from)?;
        let end = clock();
        Ok(Some([(middle - start) / n_heads.max(1) as f64, end - middle]))
    }
}

impl Comparison {
    async fn compare(
        &self,
        gpu: &Gpu,
        model: &Model,
        dictionary: &Surveyed,
        sides: Vec<HeadSide>,
    ) -> Result<Alignment, Stop> {
        let mut alignment = dictionary.alignment(sides, &self.0)?;
        let mut searches = Searches::new(gpu, &alignment, &self.0).await?;
        let (mut n_rows, mut n_features) = (0, 0);
        for block in dictionary.blocks(model, self.0.remove_mean) {
            let block = block?;
            searches.push(&block.rows).await?;
            n_rows += block.len();
            n_features += block.len() - block.skipped.len();
        }
        let found = searches.finish().await?;
        alignment.take(found, n_rows, n_features).map_err(Failure::from)?;
        Ok(alignment)
    }
}

/// Searches for sides of different ranks; those of one rank go together.
struct Searches<'g> {
    n_sides: usize,
    /// The sides of each rank, by their place in the alignment.
    of_rank: Vec<(Vec<usize>, AlignSearch<'g>)>,
}

impl<'g> Searches<'g> {
    async fn new(gpu: &'g Gpu, alignment: &Alignment, how: &Comparing) -> Result<Self, Stop> {
        let operands = alignment.operands();
        let n_sides = operands.len();
        let mut ranks: BTreeMap<usize, (Vec<usize>, Vec<_>)> = BTreeMap::new();
        for (place, side) in operands.into_iter().enumerate() {
            let (places, sides) = ranks.entry(side.rank).or_default();
            places.push(place);
            sides.push(side);
        }
        let mut of_rank = Vec::new();
        for (rank, (places, sides)) in ranks {
            let rotated_axes = alignment.rotated_axes(rank);
            let d_model = alignment.d_model();
            let batch =
                AlignBatch { sides: &sides, rotated_axes: &rotated_axes, d_model, top: how.top };
            of_rank.push((places, gpu.align(batch).await?));
        }
        Ok(Self { n_sides, of_rank })
    }

    async fn push(&mut self, features: &[f32]) -> Result<(), Stop> {
        for (_, search) in &mut self.of_rank {
            search.push(features).await?;
        }
        Ok(())
    }

    async fn finish(self) -> Result<Vec<SideFound>, Stop> {
        let mut found = vec![SideFound::default(); self.n_sides];
        for (places, search) in self.of_rank {
            for (place, side) in places.into_iter().zip(search.finish().await?) {
                found[place] = side;
            }
        }
        Ok(found)
    }
}
