//! All heads over a set of prompts, from the file of every look.

use super::heading;
use crate::study::stamp::Stamp;

/// Code that reads the file of every look of every head and prints, a line each, the head's number of looks, the mean of every measure
/// and its q: Benjamini and Hochberg's over the p of all heads.
pub fn prompt_set(stamp: &Stamp) -> String {
    format!(
        "{}import csv\nimport sys\nimport numpy as np\n\n\
         heads = {{}}\n\
         with open(sys.argv[1], encoding=\"utf-8\", newline=\"\") as file:\n    \
             for row in csv.DictReader(line for line in file if not line.startswith(\"#\")):\n        \
                 heads.setdefault(row.pop(\"head\"), []).append([float(x or \"nan\") for x in row.values()])\n\
         names = [name.replace(\" \", \"_\") for name in row]\n\
         p = np.array([looks[0][-1] for looks in heads.values()])\n\
         order = np.argsort(-p)[: np.sum(~np.isnan(p))]  # the largest first; NaN, no test, comes last\n\
         q = np.full(len(p), np.nan)\n\
         q[order] = np.minimum.accumulate(np.minimum(1, p[order] * len(order) / np.arange(len(order), 0, -1)))\n\
         for (name, looks), q_of_head in zip(heads.items(), q):\n    \
             known = [[x for x in column if x == x] for column in zip(*looks)]\n    \
             means = [f\"{{of}} {{np.mean(x) if x else np.nan:.10g}}\" for of, x in zip(names, known)]\n    \
             print(name, \"looks\", len(looks), *means, f\"q {{q_of_head:.10g}}\")\n",
        heading(
            "All heads over a set of prompts: the mean of every measure over a head's looks, and q.",
            "python prompt-set.py looks.csv",
            stamp
        ),
    )
}
