//! The firings of a layer taken apart, a few heads at a time.

use super::firing::{SideImages, Taken};
use super::graph::{Edge, Firing, Status, Visit, Walks};
use super::head::Head;
use super::images::Images;
use super::jitter::Jitter;
use super::options::{Rule, TraceOptions};
use super::run::CleanRun;
use crate::circuits::error::CircuitError;
use crate::math::Mat;
use crate::math::order::sort;
use crate::model::{AttentionLayer, Part};

/// Bytes of images that are in memory at once, but never less than one head's.
const AT_ONCE: usize = 32 << 20;

/// A firing with the edges that lead to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposed {
    /// What became of it.
    pub visit: Visit,
    /// Its edges, those of the query first.
    pub edges: Vec<Edge>,
}

/// Firings of one layer, split so that no part needs more memory than it should; each can be taken apart by itself.
pub fn shares(run: CleanRun<'_>, mut firings: Vec<Firing>) -> Vec<Vec<Firing>> {
    sort(&mut firings);
    let mut heads: Vec<Vec<Firing>> = Vec::new();
    for firing in firings {
        match heads.last_mut().filter(|of| of.first().is_some_and(|f| f.head == firing.head)) {
            Some(of) => of.push(firing),
            None => heads.push(vec![firing]),
        }
    }
    let Some(layer) = heads.first().and_then(|of| of.first()).map(|firing| firing.layer) else {
        return Vec::new();
    };
    let rows: usize = (0..layer).map(|l| run.n_heads(l) + 2).sum::<usize>() * run.n();
    let d_head = run.attention(layer).map_or(1, |attention| attention.sizes.d_head);
    let at_once = (AT_ONCE / (rows * 2 * d_head * 8).max(1)).max(1);
    heads.chunks(at_once).map(<[_]>::concat).collect()
}

/// Takes firings of one layer apart, as [`shares`] hands them out.
///
/// # Errors
/// What reading or decomposing says.
pub fn decompose(
    run: CleanRun<'_>,
    firings: &[Firing],
    options: &TraceOptions,
    jitter: Option<&mut Jitter>,
) -> Result<Vec<Decomposed>, CircuitError> {
    let Some(first) = firings.first() else { return Ok(Vec::new()) };
    let layer = first.layer;
    let visits: Vec<Visit> =
        firings.iter().map(|firing| visit(run, *firing, options)).collect::<Result<_, _>>()?;
    let mut wanted: Vec<usize> =
        visits.iter().filter(|v| v.status == Status::Traced).map(|v| v.firing.head).collect();
    wanted.dedup();
    let readers = Readers::of(run, layer, wanted, options.rule, jitter)?;
    let mut found = Vec::with_capacity(visits.len());
    for mut visit in visits {
        let mut edges = Vec::new();
        if visit.status == Status::Traced
            && let Some((head, of_dest, of_src)) = readers.of_head(visit.firing.head)
        {
            let taken =
                Taken::new(head, visit.firing, visit.attention, visit.threshold, options.rule);
            let (dest, mut found) = taken.dest(of_dest);
            edges.append(&mut found);
            let (src, mut found) = taken.src(of_src);
            edges.append(&mut found);
            visit.cells = Some(Walks { dest, src });
        }
        found.push(Decomposed { visit, edges });
    }
    Ok(found)
}

/// Some heads of a layer, with the images of all writers through their readers.
pub(super) struct Readers<'a> {
    heads: Vec<Head<'a>>,
    images: Images,
    /// Where keys are those of an earlier layer, they are read in front of that one.
    keys: Option<Images>,
    /// Columns of the images that belong to queries.
    dest_width: usize,
}

impl<'a> Readers<'a> {
    /// Reads and decomposes heads, and everything written before them.
    pub(super) fn of(
        run: CleanRun<'a>,
        layer: usize,
        wanted: Vec<usize>,
        rule: Rule,
        mut jitter: Option<&mut Jitter>,
    ) -> Result<Self, CircuitError> {
        let mut heads = Vec::new();
        if !wanted.is_empty() {
            let attention = AttentionLayer::read(run.model, layer, Part::Qk)?;
            let grouped = rule == Rule::Key;
            for head in wanted {
                let jitter = jitter.as_deref_mut();
                heads.push(Head::read(run, &attention, head, grouped, jitter)?);
            }
        }
        let readers =
            |of: &dyn Fn(&Head<'_>) -> Mat| -> Vec<Mat> { heads.iter().map(of).collect() };
        let dest = readers(&|h| h.dest.reader.clone());
        let src = readers(&|h| h.src.reader.clone());
        let dest_width: usize = dest.iter().map(Mat::ncols).sum();
        let front = heads.first().map_or(layer, |head| head.src.front);
        let (images, keys) = if front == layer {
            let both: Vec<Mat> = dest.into_iter().chain(src).collect();
            (Images::of(run, layer, &beside(run, &both), jitter)?, None)
        } else {
            let images = Images::of(run, layer, &beside(run, &dest), jitter.as_deref_mut())?;
            (images, Some(Images::of(run, front, &beside(run, &src), jitter)?))
        };
        Ok(Self { heads, images, keys, dest_width })
    }

    /// A head that was asked for, with the images of its two sides.
    pub(super) fn of_head(
        &self,
        head: usize,
    ) -> Option<(&Head<'a>, SideImages<'_>, SideImages<'_>)> {
        let place = self.heads.iter().position(|of| of.head == head)?;
        let head = self.heads.get(place)?;
        let at = place * head.d_head;
        let of_dest = SideImages { images: &self.images, at };
        let of_src = match &self.keys {
            Some(images) => SideImages { images, at },
            None => SideImages { images: &self.images, at: self.dest_width + at },
        };
        Some((head, of_dest, of_src))
    }
}

/// What becomes of a firing.
fn visit(run: CleanRun<'_>, firing: Firing, options: &TraceOptions) -> Result<Visit, CircuitError> {
    let Firing { layer, head, dest, src } = firing;
    let visible = run.view(layer)?.visible(dest, run.n()).len();
    let threshold = (options.threshold_scale / visible.max(1) as f64).min(1.0);
    let attention = run.attends(layer, head, dest, src);
    let status = if layer == 0 {
        Status::FirstLayer
    } else if visible <= 1 {
        Status::FirstToken
    } else if attention < threshold || threshold >= 1.0 {
        Status::Below
    } else {
        Status::Traced
    };
    Ok(Visit { firing, attention, threshold, status, cells: None })
}

/// Matrices `[d_model, _]` side by side.
fn beside(run: CleanRun<'_>, matrices: &[Mat]) -> Mat {
    let width = matrices.iter().map(Mat::ncols).sum();
    let mut all = Mat::zeros(run.d_model(), width);
    let mut at = 0;
    for m in matrices {
        all.columns_mut(at, m.ncols()).copy_from(m);
        at += m.ncols();
    }
    all
}
