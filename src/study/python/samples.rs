//! Means and spreads from the single values behind them.

use super::{ARRAY, base64, heading};
use crate::checkpoint::quoting::python;
use crate::study::stamp::Stamp;

/// Code that carries the values of each group along and prints, a line each, their number, mean, standard deviation (n − 1), lowest and
/// highest.
pub fn samples(groups: &[(String, Vec<f64>)], stamp: &Stamp) -> String {
    let group = |(name, values): &(String, Vec<f64>)| {
        format!("    {}: array(\"{}\", {}),\n", python(name), base64(values), values.len())
    };
    format!(
        "{}import numpy as np\n{ARRAY}\n\
         groups = {{\n{}}}\n\
         for name, x in groups.items():\n    \
             if len(x):\n        \
                 sd = x.std(ddof=1) if len(x) > 1 else 0\n        \
                 print(f\"{{name}}: n {{len(x)}} mean {{x.mean():.10g}} sd {{sd:.10g}} lowest {{x.min():.10g}} highest {{x.max():.10g}}\")\n",
        heading(
            "Means and spreads of a chart or a table, from the single values behind them.",
            "python samples.py",
            stamp
        ),
        groups.iter().map(group).collect::<String>(),
    )
}
