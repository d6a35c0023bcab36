//! Colours for numbers: one sequential and one diverging scale, perceptually uniform and safe for colour-blind readers.
//!
//! Both are straight lines in OKLab (Ottosson 2020), so equal steps look equal; the diverging one runs orange – neutral –
//! blue, which every common colour-vision deficiency keeps apart.

/// Steps of a table of colours; odd, so that zero has a step of its own on a diverging scale.
pub const SHADES: usize = 511;

/// What kind of number a colour stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// From 0 to `max`: probabilities, sizes.
    Sequential {
        /// The value of the strongest colour.
        max: f64,
    },
    /// From `-max` to `max`, neutral at 0: cosines, scores.
    Diverging {
        /// The absolute value of the strongest colours.
        max: f64,
    },
    /// From `min` to `max`: statistics without a natural zero.
    Range {
        /// The value of the weakest colour.
        min: f64,
        /// The value of the strongest colour.
        max: f64,
    },
}

impl Scale {
    /// The colour of `value` as sRGB; grey for what is not a number.
    pub fn rgb(self, value: f64, dark: bool) -> [u8; 3] {
        if !value.is_finite() {
            return if dark { [70, 70, 70] } else { [190, 190, 190] };
        }
        let (empty, full, other) = if dark {
            ([32, 36, 44], [142, 200, 255], [255, 170, 90])
        } else {
            ([246, 247, 249], [8, 69, 134], [124, 50, 0])
        };
        let unit = |x: f64, max: f64| if max > 0.0 { (x / max).clamp(0.0, 1.0) } else { 0.0 };
        match self {
            Self::Sequential { max } => mix(empty, full, unit(value, max)),
            Self::Range { min, max } => mix(empty, full, unit(value - min, max - min)),
            Self::Diverging { max } if value < 0.0 => mix(empty, other, unit(-value, max)),
            Self::Diverging { max } => mix(empty, full, unit(value, max)),
        }
    }

    /// The same colours from a table of [`SHADES`], for pictures of many cells that are drawn many times a second.
    pub fn shades(self, dark: bool) -> impl Fn(f64) -> [u8; 3] {
        let (low, high) = match self {
            Self::Sequential { max } => (0.0, max),
            Self::Diverging { max } => (-max, max),
            Self::Range { min, max } => (min, max),
        };
        let last = (SHADES - 1) as f64;
        let shade = |i: usize| self.rgb(low + (high - low) * i as f64 / last, dark);
        let table: Vec<[u8; 3]> = (0..SHADES).map(shade).collect();
        let missing = self.rgb(f64::NAN, dark);
        move |value| {
            let place = (value - low) / (high - low) * last;
            if value.is_finite() {
                table[(place.round() as usize).min(SHADES - 1)]
            } else {
                missing
            }
        }
    }

    /// The colour of `value` for CSS.
    pub fn css(self, value: f64, dark: bool) -> String {
        let [r, g, b] = self.rgb(value, dark);
        format!("rgb({r} {g} {b})")
    }

    /// Black or white, whichever is read more easily on the colour of `value`.
    pub fn ink(self, value: f64, dark: bool) -> &'static str {
        let [lightness, ..] = to_oklab(self.rgb(value, dark));
        if lightness > 0.565 { "#000" } else { "#fff" }
    }
}

fn mix(from: [u8; 3], to: [u8; 3], t: f64) -> [u8; 3] {
    let (a, b) = (to_oklab(from), to_oklab(to));
    from_oklab(std::array::from_fn(|i| a[i] + (b[i] - a[i]) * t))
}

fn to_oklab(rgb: [u8; 3]) -> [f64; 3] {
    let [r, g, b] = rgb.map(|c| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

fn from_oklab([l, a, b]: [f64; 3]) -> [u8; 3] {
    let cone = |x: f64, y: f64| (l + x * a + y * b).powi(3);
    let long = cone(0.396_337_777_4, 0.215_803_757_3);
    let medium = cone(-0.105_561_345_8, -0.063_854_172_8);
    let short = cone(-0.089_484_177_5, -1.291_485_548_0);
    [
        4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701_0 * short,
    ]
    .map(|c: f64| {
        let c = c.clamp(0.0, 1.0);
        let c = if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
        (255.0 * c).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_survive_the_round_trip_through_oklab() {
        for rgb in [[0, 0, 0], [255, 255, 255], [8, 69, 134], [178, 84, 0]] {
            assert_eq!(from_oklab(to_oklab(rgb)), rgb);
        }
    }

    #[test]
    fn lightness_falls_monotonically_on_the_sequential_scale() {
        let scale = Scale::Sequential { max: 1.0 };
        let lightness: Vec<f64> =
            (0..=20).map(|i| to_oklab(scale.rgb(f64::from(i) / 20.0, false))[0]).collect();
        assert!(lightness.windows(2).all(|w| w[1] < w[0]));
    }

    #[test]
    fn both_ends_of_the_diverging_scale_are_equally_far_from_its_neutral() {
        let scale = Scale::Diverging { max: 1.0 };
        for dark in [false, true] {
            let l = |x: f64| to_oklab(scale.rgb(x, dark))[0];
            assert!(((l(1.0) - l(0.0)).abs() - (l(-1.0) - l(0.0)).abs()).abs() < 0.15);
        }
    }

    #[test]
    fn the_table_has_the_colours_of_the_scale() {
        for scale in [Scale::Diverging { max: 2.0 }, Scale::Sequential { max: 0.0 }] {
            let shades = scale.shades(false);
            for value in [-9.0, -2.0, -0.731, 0.0, 1e-4, 1.1, 2.0, 9.0, f64::NAN] {
                let far = |(a, b): (u8, u8)| a.abs_diff(b) > 2;
                let (table, exact) = (shades(value), scale.rgb(value, false));
                assert!(!table.into_iter().zip(exact).any(far), "{value}: {table:?}, {exact:?}");
            }
        }
    }

    #[test]
    fn what_is_not_a_number_has_a_colour_of_its_own() {
        let scale = Scale::Diverging { max: 1.0 };
        assert_ne!(scale.rgb(f64::NAN, false), scale.rgb(0.0, false));
    }
}
