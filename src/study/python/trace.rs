//! A traced circuit, read back from the file that its page saves.

use super::heading;
use crate::study::stamp::Stamp;

/// Code that prints every seed with its weight, and every edge with the weight and the singular vectors that follow from the cells
/// removed at its firing.
pub fn circuit(stamp: &Stamp) -> String {
    format!(
        r#"{}import json
import sys

import numpy as np

circuit = json.load(open(sys.argv[1], encoding="utf-8"))

def name(node):
    if node.get("kind", "head") == "head":
        return "L{{layer}}H{{head}}:{{dest}}-{{src}}".format(**node)
    layer = "" if node["layer"] is None else node["layer"]
    return f"{{node['kind']}}{{layer}}:{{node['dest']}}"

for seed in circuit["seeds"]:
    print(name(seed["from"]), "answer", f"{{seed['weight']:.12g}}")
known = {{(name(edge["from"]), name(edge["to"]), edge["side"]) for edge in circuit["edges"]}}
for firing in circuit["firings"]:
    for side, walk in (firing.get("cells") or {{}}).items():
        edges = {{}}
        drops = -np.diff([firing["attention"], *walk["attention_after"]])
        for cell, drop in zip(walk["removed"], drops):
            edge = edges.setdefault(name(cell["from"]), [0.0, []])
            edge[0] += drop
            k = cell["k"]
            edge[1] += [] if k is None else range(k, k + cell.get("block", 1))
        for source, (weight, k) in edges.items():
            # Readings of tokens after the place where they would be written have no edge.
            if (source, name(firing), side) in known:
                print(source, name(firing), side, f"{{weight:.12g}}", *k)
"#,
        heading(
            "The edges of a circuit, from the cells that were removed at every firing.",
            "python circuit.py circuit.json",
            stamp
        )
    )
}
