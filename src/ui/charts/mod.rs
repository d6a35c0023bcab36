//! Charts: our own SVG, each with a caption, a picture and the numbers.

mod bars;
mod density;
mod figure;
mod heat_map;
mod lines;
mod scatter;
mod sheet;
mod space;

pub use bars::{Bar, Bars};
pub use density::Density;
pub use figure::Figure;
pub use heat_map::HeatMap;
pub use lines::{Lines, Series};
pub use scatter::{Point, Scatter};
pub use sheet::{Sheet, apart, use_room, wide};
pub use space::{Arrow, Space};

/// A coordinate in an SVG: a tenth of a unit is finer than the eye.
pub fn px(x: f64) -> String {
    format!("{x:.1}")
}

/// Round numbers that cover `min..=max`, about `n` of them.
pub fn ticks(min: f64, max: f64, n: usize) -> Vec<f64> {
    let span = max - min;
    if !span.is_finite() || span <= 0.0 {
        return vec![min];
    }
    let rough = span / n.max(1) as f64;
    let unit = 10f64.powf(rough.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|m| m * unit >= rough).unwrap_or(10.0);
    let step = times * unit;
    let first = (min / step).ceil() as i64;
    let last = (max / step + 1e-9).floor() as i64;
    // Below one, a division by a power of ten is exact to the last digit where a product with a tenth is not.
    let parts = (1.0 / unit).round();
    let tick = |i: i64| if unit < 1.0 { i as f64 * times / parts } else { i as f64 * step };
    (first..=last).map(tick).collect()
}
