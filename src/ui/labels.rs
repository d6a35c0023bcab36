//! Names beside the points of a picture, kept apart from each other and inside the frame. Plain Rust.

/// Width of a letter, in sizes of the type.
const LETTER: f64 = 0.58;

/// Where to write each name: the left end of its baseline, `size` high, near its point in a frame of `[width, height]`; no two
/// lie on each other as long as there is room.
pub fn beside(
    points: &[(f64, f64, &str)],
    size: f64,
    [width, height]: [f64; 2],
) -> Vec<(f64, f64)> {
    // Left, top, right, bottom of what is written already.
    let mut written: Vec<[f64; 4]> = Vec::new();
    let mut place = |&(x, y, name): &(f64, f64, &str)| {
        let long = LETTER * size * name.chars().count() as f64;
        // Beside the point, outwards of the middle first; then above and below; then a line further.
        let (out, back) = (x + 6.0, x - 6.0 - long);
        let (first, second) = if x < width / 2.0 { (back, out) } else { (out, back) };
        let lines = [-0.3, 0.9, -1.4, 2.0, -2.5, 3.1];
        let tries = lines.iter().flat_map(|line| [first, second].map(|at| (at, y + line * size)));
        let inside = |(at, base): (f64, f64)| {
            (
                at.clamp(2.0, (width - 2.0 - long).max(2.0)),
                base.clamp(size, (height - 0.3 * size).max(size)),
            )
        };
        let taken = |(at, base): (f64, f64)| -> f64 {
            let own = [at, base - 0.8 * size, at + long, base + 0.25 * size];
            let over = |a: &[f64; 4]| {
                let across = (own[2].min(a[2]) - own[0].max(a[0])).max(0.0);
                across * (own[3].min(a[3]) - own[1].max(a[1])).max(0.0)
            };
            written.iter().map(over).sum()
        };
        let best = tries.map(inside).min_by(|a, b| taken(*a).total_cmp(&taken(*b)));
        let (at, base) = best.unwrap_or((x, y));
        written.push([at, base - 0.8 * size, at + long, base + 0.25 * size]);
        (at, base)
    };
    points.iter().map(&mut place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(points: &[(f64, f64, &str)]) -> Vec<[f64; 4]> {
        let width = |name: &str| LETTER * 12.0 * name.chars().count() as f64;
        let placed = beside(points, 12.0, [320.0, 320.0]);
        let of = |((_, _, name), (x, y)): (&(f64, f64, &str), &(f64, f64))| {
            [*x, y - 9.6, x + width(name), y + 3.0]
        };
        points.iter().zip(&placed).map(of).collect()
    }

    #[test]
    fn names_of_points_at_one_place_do_not_lie_on_each_other() {
        let points = [
            (200.0, 100.0, "u0"),
            (200.0, 100.0, "Σu0"),
            (199.0, 101.0, "x0"),
            (203.0, 99.0, "feature 0"),
        ];
        let boxes = boxes(&points);
        for (i, a) in boxes.iter().enumerate() {
            for b in &boxes[..i] {
                let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
                assert!(apart, "{a:?} on {b:?}");
            }
        }
    }

    #[test]
    fn no_name_leaves_the_frame() {
        for at in [(0.0, 0.0), (320.0, 0.0), (0.0, 320.0), (320.0, 320.0), (318.0, 160.0)] {
            let [left, top, right, bottom] = boxes(&[(at.0, at.1, "feature 10")])[0];
            assert!(left >= 0.0 && top >= 0.0 && right <= 320.0 && bottom <= 320.0, "{at:?}");
        }
    }
}
