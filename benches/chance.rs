//! Does the p of a side mean what it says? `cargo bench --bench chance -- [share] [kind or all] [seed]` prints how often it does not.
//!
//! Null: random bases against dictionaries of seven kinds, in sets of 48 sides as of twelve heads; half of the bases lean where
//! the dictionary's variance lies, and every second set has a flat spectrum. Planted: bases whose vectors are features, or one of
//! whose vectors is. `share` scales the number of sets; 1 takes some ten minutes on two cores.

use omega_lens::circuits::CircuitError;
use omega_lens::circuits::alignment::{
    AlignOptions, Alignment, AlignmentReport, HeadSide, Side, SideAlignment,
};
use omega_lens::circuits::dictionary::{Frame, Survey};
use omega_lens::math::Mat;
use omega_lens::math::random::Rng;
use rayon::prelude::*;

/// Sides of a set: twelve heads.
const SIDES: usize = 48;

const LEVELS: [f64; 5] = [0.05, 0.01, 1e-3, 1e-4, 1e-5];

/// Width of a head, of the residual stream, features, sets.
const SHAPES: [[usize; 4]; 6] = [
    [4, 32, 65, 100],
    [8, 64, 300, 80],
    [16, 64, 65, 120],
    [16, 128, 2000, 80],
    [32, 256, 600, 50],
    [64, 256, 5000, 12],
];

const KINDS: [&str; 7] = [
    "isotropic",
    "power law",
    "steep power law",
    "common cone",
    "heavy-tailed",
    "clustered",
    "waves",
];

/// Features as rows, `[n, d]` row-major.
fn dictionary(kind: &str, n: usize, d: usize, rng: &mut Rng) -> Vec<f32> {
    let mut rows = rng.normal_matrix(n, d);
    let scale = |power: f64| move |j: usize| ((j + 1) as f64).powf(power);
    match kind {
        "power law" => stretch(&mut rows, scale(-0.5)),
        "steep power law" => stretch(&mut rows, scale(-1.0)),
        "common cone" => {
            let cone = rng.normal_matrix(1, d) * 2.0;
            rows.row_iter_mut().for_each(|mut row| row += &cone);
        }
        // A normal over a small uniform: Cauchy-like entries, so that a row is a few of its entries.
        "heavy-tailed" => rows.iter_mut().for_each(|x| *x /= (rng.uniform() + 1e-3).powf(0.7)),
        "clustered" => {
            let centres = rng.normal_matrix((n / 30).max(4), d);
            for i in 0..n {
                let centre = centres.row(rng.below(centres.nrows() as u32) as usize);
                let row = centre + rows.row(i) * 0.3;
                rows.set_row(i, &row);
            }
        }
        "waves" => {
            rows *= 0.05;
            for frequency in 1..=6u32 {
                let sides = rng.normal_matrix(2, d) / f64::from(frequency);
                for i in 0..n {
                    let phase = std::f64::consts::TAU * f64::from(frequency) * i as f64 / n as f64;
                    let row = rows.row(i) + sides.row(0) * phase.cos() + sides.row(1) * phase.sin();
                    rows.set_row(i, &row);
                }
            }
        }
        _ => {}
    }
    rows.row_iter().flat_map(|row| row.iter().map(|&x| x as f32).collect::<Vec<_>>()).collect()
}

fn stretch(rows: &mut Mat, scale: impl Fn(usize) -> f64) {
    rows.column_iter_mut().enumerate().for_each(|(j, mut column)| column *= scale(j));
}

/// A random basis; every second leans where the features lie.
fn basis(rows: &[f32], h: usize, d: usize, leans: bool, rng: &mut Rng) -> Mat {
    let mut spanned = rng.normal_matrix(d, h);
    if leans {
        for mut column in spanned.column_iter_mut() {
            for _ in 0..4 {
                let at = rng.below((rows.len() / d) as u32) as usize * d;
                let row = &rows[at..at + d];
                let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
                let pull = rng.normal() * (d as f64).sqrt();
                column.iter_mut().zip(row).for_each(|(c, &x)| *c += pull * f64::from(x / norm));
            }
        }
    }
    spanned.qr().q() * rng.haar_rotation(h)
}

fn compare(
    bases: &[Mat],
    rows: &[f32],
    d: usize,
    flat: bool,
    seed: u32,
) -> Result<AlignmentReport, CircuitError> {
    let sides = bases.iter().enumerate().map(|(i, basis)| {
        let sigma: Vec<f64> =
            (0..basis.ncols()).map(|k| if flat { 1.0 } else { 0.9f64.powi(k as i32) }).collect();
        HeadSide::new(0, i / 4, Side::ALL[i % 4], basis, &sigma)
    });
    let mut survey = Survey::default();
    let plain = Frame::plain(d, false);
    survey.step(&plain.unit_block(0, rows.to_vec()));
    let frame = Frame::after(&survey.finish(), d, false, true);
    let options = AlignOptions { top: 1, seed, ..AlignOptions::default() };
    let mut alignment =
        Alignment::new(sides.collect(), frame.clone(), rows.len() / d, None, options)?;
    for (i, part) in rows.chunks(1024 * d).enumerate() {
        alignment.step(&frame.unit_block(1024 * i, part.to_vec()))?;
    }
    Ok(alignment.report())
}

/// What is counted over sets without anything to find.
#[derive(Default, Clone)]
struct Count {
    sides: usize,
    below: [usize; 5],
    directions: usize,
    direction_below: [usize; 5],
    sets: usize,
    alarms: usize,
}

impl Count {
    fn of(report: &AlignmentReport) -> Self {
        let mut count = Self { sets: 1, ..Self::default() };
        let mut alarm = false;
        for side in &report.sides {
            let Some(null) = &side.rotation_null else { continue };
            count.sides += 1;
            add(&mut count.below, null.p);
            alarm |= side.q_rotation.is_some_and(|q| q < 0.01);
            for p in side.directions.iter().filter_map(|direction| direction.p) {
                count.directions += 1;
                add(&mut count.direction_below, p);
            }
        }
        count.alarms = usize::from(alarm);
        count
    }

    fn plus(mut self, other: Self) -> Self {
        self.sides += other.sides;
        self.directions += other.directions;
        self.sets += other.sets;
        self.alarms += other.alarms;
        for i in 0..LEVELS.len() {
            self.below[i] += other.below[i];
            self.direction_below[i] += other.direction_below[i];
        }
        self
    }

    fn print(&self, name: &str) {
        let share = |below: &[usize; 5], n: usize| {
            let of =
                |(count, level): (&usize, &f64)| format!("{:.2}", *count as f64 / n as f64 / level);
            below.iter().zip(&LEVELS).map(of).collect::<Vec<_>>().join(" | ")
        };
        println!(
            "| {name} | {} | {} | {} of {} | {} |",
            self.sides,
            share(&self.below, self.sides),
            self.alarms,
            self.sets,
            share(&self.direction_below, self.directions)
        );
    }
}

fn add(below: &mut [usize; 5], p: f64) {
    below.iter_mut().zip(LEVELS).for_each(|(count, level)| *count += usize::from(p < level));
}

/// Sets of one kind and shape without anything to find.
fn nothing(kind: usize, shape: usize, share: f64, seed: u32) -> Result<Count, CircuitError> {
    let [h, d, n, sets] = SHAPES[shape];
    let sets = (sets as f64 * share).ceil() as u32;
    let counts = (0..sets).into_par_iter().map(|set| {
        let mut rng = Rng::of_stream(1000 * (1 + seed) + 10 * kind as u32 + shape as u32, set);
        let rows = dictionary(KINDS[kind], n, d, &mut rng);
        let bases: Vec<Mat> =
            (0..SIDES).map(|i| basis(&rows, h, d, i % 2 == 0, &mut rng)).collect();
        let report = compare(&bases, &rows, d, set % 2 == 0, rng.bits())?;
        Ok(Count::of(&report))
    });
    let counts: Vec<Count> = counts.collect::<Result<_, CircuitError>>()?;
    Ok(counts.into_iter().fold(Count::default(), Count::plus))
}

/// One side among 192 whose first `planted` vectors have a feature at a cosine of `cos`; the side, its report.
fn planted(
    kind: usize,
    shape: usize,
    [planted, cos]: [f64; 2],
    seed: u32,
) -> Result<SideAlignment, CircuitError> {
    let [h, d, n, _] = SHAPES[shape];
    let mut rng = Rng::of_stream(77 + 1000 * seed + kind as u32, shape as u32);
    let mut rows = dictionary(KINDS[kind], n, d, &mut rng);
    let mut bases: Vec<Mat> = (0..4 * SIDES).map(|_| basis(&rows, h, d, false, &mut rng)).collect();
    for k in 0..planted as usize {
        let vector = bases[50].column(k).into_owned();
        let mut rest = rng.normal_matrix(d, 1).column(0).into_owned();
        rest -= &vector * vector.dot(&rest);
        let feature = &vector * cos + rest.normalize() * (1.0 - cos * cos).sqrt();
        for i in 0..d {
            rows[(3 + k) * d + i] = feature[i] as f32;
        }
    }
    // The common direction of the features moves with them: as in a checkpoint, nothing is told of it.
    bases.swap(50, 51);
    let mut report = compare(&bases, &rows, d, false, 5)?;
    Ok(report.sides.swap_remove(51))
}

fn main() -> Result<(), CircuitError> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let share: f64 = words.first().and_then(|word| word.parse().ok()).unwrap_or(1.0);
    let wanted = |kind: &str| words.get(1).is_none_or(|word| word == "all" || kind == word);
    let seed = words.get(2).and_then(|word| word.parse().ok()).unwrap_or(0);
    let mut all = vec![Count::default(); SHAPES.len()];
    println!(
        "P(p < t) / t of sides at t = {LEVELS:?}, sets with some q < 0.01, the same of directions"
    );
    for (kind, name) in KINDS.iter().enumerate().filter(|(_, name)| wanted(name)) {
        let mut total = Count::default();
        for (shape, all) in all.iter_mut().enumerate() {
            let count = nothing(kind, shape, share, seed)?;
            *all = all.clone().plus(count.clone());
            total = total.plus(count);
        }
        total.print(name);
    }
    for (shape, count) in SHAPES.iter().zip(&all) {
        count.print(&format!("{} wide, {} features", shape[0], shape[2]));
    }
    all.into_iter().fold(Count::default(), Count::plus).print("all");
    println!(
        "\nOne planted side of 192: vectors near a feature, at what cosine, p, q, smallest q of a direction"
    );
    for (kind, name) in KINDS.iter().enumerate().filter(|(_, name)| wanted(name)) {
        for shape in [2, 3, 5] {
            for [n, cos] in [1.0, 0.9, 0.8, 0.7, 0.6]
                .into_iter()
                .flat_map(|cos| [[1.0, cos], [4.0, cos], [16.0, cos]])
            {
                let side = planted(kind, shape, [n, cos], seed)?;
                let Some(null) = &side.rotation_null else { continue };
                let q = side.directions.iter().filter_map(|d| d.q).fold(1.0, f64::min);
                println!(
                    "| {name} | {} wide, {} features | {n} | {cos} | {:.1e} {:?} {:?} | {:.1e} | {q:.1e} |",
                    SHAPES[shape][0],
                    SHAPES[shape][2],
                    null.p,
                    null.method,
                    null.form,
                    side.q_rotation.unwrap_or(1.0)
                );
            }
        }
    }
    Ok(())
}
