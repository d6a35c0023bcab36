//! The spectra of one head through training.

use super::{ARRAY, base64, heading};
use crate::study::stamp::Stamp;

/// Code that carries the singular values of QK and OV at every training step along, and prints of each the largest and the effective rank,
/// `exp(−Σ p ln p)` with `p_k = σ_k² / Σσ²`.
pub fn series(steps: &[(u32, [&[f64]; 2])], stamp: &Stamp) -> String {
    let array = |sigma: &[f64]| format!("array(\"{}\", {})", base64(sigma), sigma.len());
    let step = |(step, [qk, ov]): &(u32, [&[f64]; 2])| {
        format!("    {step}: ({}, {}),\n", array(qk), array(ov))
    };
    format!(
        "{}import numpy as np\n{ARRAY}\n\
         sigma = {{\n{}}}\n\
         def rank(s):\n    \
             p = s ** 2 / (s ** 2).sum()\n    \
             p = p[p > 0]\n    \
             return np.exp(-(p * np.log(p)).sum())\n\n\
         for step, (qk, ov) in sigma.items():\n    \
             print(step, f\"QK {{qk[0]:.10g}} QK_rank {{rank(qk):.10g}} OV {{ov[0]:.10g}} OV_rank {{rank(ov):.10g}}\")\n",
        heading(
            "The spectra of one head through training: step, largest singular value, effective rank.",
            "python series.py",
            stamp
        ),
        steps.iter().map(step).collect::<String>(),
    )
}
