//! "The same in Python": code that reproduces with numpy alone what a study found, from the reader's own files.
//!
//! Each snippet is one file with what it needs: it says what it does and under which convention, reads the matrices of one
//! head by the same rules as [`crate::model::AttentionLayer`], and prints numbers with more digits than the page shows.
//! Tests run them.

mod alignment;
mod cell;
mod change;
mod cloud;
mod loader;
mod pairs;
mod prompt_set;
mod samples;
mod score_change;
mod series;
mod spectrum;
mod svd;
mod theorem;
mod toy;
mod trace;
mod writes;

pub use alignment::alignment;
pub use cell::{LookedAt, cell};
pub use change::change;
pub use cloud::cloud;
pub use pairs::pairs;
pub use prompt_set::prompt_set;
pub use samples::samples;
pub use score_change::score_change;
pub use series::series;
pub use spectrum::spectrum;
pub use svd::{built, plane};
pub use theorem::{theorem, theorem_3};
pub use toy::toy;
pub use trace::circuit;
pub use writes::{AnswerTokens, writes};

use super::stamp::Stamp;
use crate::checkpoint::quoting::comment;

/// The comment at the top: what the code prints, how to run it, and the stamp of its numbers.
fn heading(prints: &str, run: &str, stamp: &Stamp) -> String {
    let lines = stamp.lines();
    let stamped: String = lines.iter().map(|line| format!("# {}\n", comment(line))).collect();
    format!("# {}\n# Needs numpy; run: {run}\n{stamped}", comment(prints))
}

/// The thin SVD of `a @ b.T` without forming it, in our gauge: the largest entry of each left vector is positive.
const SVD: &str = "\
def svd(a, b):
    (q_a, r_a), (q_b, r_b) = np.linalg.qr(a), np.linalg.qr(b)
    u, s, v_t = np.linalg.svd(r_a @ r_b.T)
    u, v = q_a @ u, q_b @ v_t.T  # columns are the singular vectors
    signs = np.sign(u[np.abs(u).argmax(axis=0), np.arange(u.shape[1])])
    return u * signs, s, v * signs
";

/// The part without positions and the rotary part of a latent attention, side by side as they meet in a score.
const BESIDE: &str = "w_q, w_k = np.hstack([w_q, w_q_rotary]), np.hstack([w_k, w_k_rotary])\n";

/// Numbers inside code, exact to the last bit: base64 of little-endian doubles.
const ARRAY: &str = r#"import base64

def array(text, *shape):
    return np.frombuffer(base64.b64decode(text), "<f8").reshape(shape)
"#;

/// ‖E‖₂ of `Σ = Xᵀ X = c (I + E)`, and A, the root of harmonic over arithmetic mean of its eigenvalues.
const ISOTROPY: &str = "\
def isotropy(features):
    eigenvalues = np.linalg.eigvalsh(features.T @ features)
    c = eigenvalues.mean()
    norm_e = max(eigenvalues[-1] / c - 1, 1 - eigenvalues[0] / c)
    regular = eigenvalues[0] > 1e-12 * eigenvalues[-1]
    return norm_e, np.sqrt(1 / np.mean(1 / eigenvalues) / c) if regular else np.nan
";

/// The argument of `array`, for numbers that are to stand in code.
fn base64(values: &[f64]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let six = (word >> (18 - 6 * digit)) as usize & 63;
            text.push(if digit <= chunk.len() { char::from(DIGITS[six]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // python: base64.b64encode(numpy.array([1.5, -2.0]).tobytes())
        assert_eq!(base64(&[1.5]), "AAAAAAAA+D8=");
        assert_eq!(base64(&[1.5, -2.0]), "AAAAAAAA+D8AAAAAAAAAwA==");
    }
}
