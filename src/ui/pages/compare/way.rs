//! The way of one head through a training, as lines over its steps.

use yew::prelude::*;

use crate::circuits::compare::CircuitChange;
use crate::study::stamp::Stamp;
use crate::ui::charts::{Figure, Lines, Series};
use crate::ui::words::became::still_to_go;
use crate::ui::words::change::Measure;
use crate::ui::words::compare as words;
use crate::ui::words::table::{Cell, Table};

fn line(name: &str, points: Vec<(f64, f64)>, dashed: bool) -> Series {
    Series { name: name.into(), points, dashed, ..Series::default() }
}

/// The steps of one head with a number each, and the median of all heads beside it.
fn beside_median(
    of: &[(u32, f64)],
    medians: &[(u32, f64)],
    what: &'static str,
) -> (Callback<(), Table>, Vec<Series>) {
    let points = |all: &[(u32, f64)]| all.iter().map(|(step, x)| (f64::from(*step), *x)).collect();
    let series = vec![line("this head", points(of), false), line("median", points(medians), true)];
    let (of, medians) = (of.to_vec(), medians.to_vec());
    let table = Callback::from(move |()| {
        let columns = ["step", what, words::MEDIAN_ALL_HEADS];
        of.iter().fold(Table::new(columns), |table, (step, x)| {
            let median = medians.iter().find(|(other, _)| other == step).map(|(_, x)| *x);
            table.row([Cell::Count(u64::from(*step)), (*x).into(), median.into()])
        })
    });
    (table, series)
}

/// What the matrix is that all are held against.
fn what_now(now: Option<u32>) -> String {
    now.map_or_else(|| words::OPEN_MODEL.to_owned(), |now| format!("step {now}"))
}

/// How far the head's matrix was from what it is now.
pub(super) fn way(
    slug: &str,
    now: Option<u32>,
    mine: &[(u32, CircuitChange)],
    medians: Vec<(u32, f64)>,
    convention: Stamp,
) -> Html {
    let points: Vec<(u32, f64)> =
        mine.iter().filter_map(|(step, change)| Some((*step, still_to_go(change)?))).collect();
    let (table, series) = beside_median(&points, &medians, words::STILL_GO);
    let what = what_now(now);
    html! {
        <Figure name={format!("{slug}-way")} {table} {convention}
            caption={html! { { words::what_still_change_until(&what) } }}>
            <Lines label={words::WHAT_STILL_CHANGE_TRAINING} {series} x="step" y={words::STILL_GO} log_x=true cursor={now.map(f64::from)} />
        </Figure>
    }
}

/// How much the head changed from one step to the next.
pub(super) fn pace(
    slug: &str,
    mine: &[(u32, CircuitChange)],
    medians: Vec<(u32, f64)>,
    convention: Stamp,
) -> Html {
    let points: Vec<(u32, f64)> =
        mine.iter().filter_map(|(step, change)| Some((*step, change.change?))).collect();
    let (table, series) = beside_median(&points, &medians, words::CHANGE_SINCE_STEP_BEFORE);
    html! {
        <Figure name={format!("{slug}-pace")} {table} {convention}
            caption={html! { { words::WHAT_CHANGED_SINCE_STEP } }}>
            <Lines label={words::CHANGE_STEP_STEP} {series} x="step" y="change" log_x=true />
        </Figure>
    }
}

/// How much of the subspaces of now there was, beside random ones.
pub(super) fn spaces(
    slug: &str,
    now: Option<u32>,
    mine: &[(u32, CircuitChange)],
    convention: Stamp,
) -> Html {
    let what = what_now(now);
    let of = |measure: Measure| -> Vec<(f64, f64)> {
        mine.iter().filter_map(|(step, c)| Some((f64::from(*step), measure.of(c)?))).collect()
    };
    let (left, right) = (of(Measure::OverlapLeft), of(Measure::OverlapRight));
    let chance = |(step, c): &(u32, CircuitChange)| {
        Some((f64::from(*step), Measure::OverlapLeft.against(c)?.expected))
    };
    let level: Vec<(f64, f64)> = mine.iter().filter_map(chance).collect();
    let rows: Vec<_> =
        left.iter().zip(&right).zip(&level).map(|((l, r), c)| [l.0, l.1, r.1, c.1]).collect();
    let table = Callback::from(move |()| {
        let columns = ["step", words::LEFT_COMMON, words::RIGHT_COMMON, "chance"];
        rows.iter().fold(Table::new(columns), |table, [step, left, right, chance]| {
            table.row([
                Cell::Count(*step as u64),
                (*left).into(),
                (*right).into(),
                (*chance).into(),
            ])
        })
    });
    let series =
        vec![line("left", left, false), line("right", right, false), line("random", level, true)];
    html! {
        <Figure name={format!("{slug}-spaces")} {table} {convention}
            caption={html! { { words::how_much_subspaces_there(&what) } }}>
            <Lines label={words::SUBSPACES_COMMON_NOW_TRAINING} {series} x="step" y="cos²" log_x=true limits={Some((0.0, 1.0))} cursor={now.map(f64::from)} />
        </Figure>
    }
}
