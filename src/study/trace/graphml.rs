//! A circuit as GraphML.
//!
//! # Source
//! The GraphML file format, graphml.graphdrawing.org: typed attributes are declared as keys before the graph.

use std::fmt::Write;

use super::run::Traced;
use crate::checkpoint::quoting::xml;
use crate::circuits::trace::Side;
use crate::math::order::set_of;

/// Attributes: id, of what, name, type.
const KEYS: [(&str, &str, &str, &str); 11] = [
    ("about", "graph", "description", "string"),
    ("kind", "node", "kind", "string"),
    ("layer", "node", "layer", "long"),
    ("head", "node", "head", "long"),
    ("dest", "node", "dest", "long"),
    ("src", "node", "src", "long"),
    ("dest_token", "node", "dest_token", "string"),
    ("src_token", "node", "src_token", "string"),
    ("side", "edge", "side", "string"),
    ("weight", "edge", "weight", "double"),
    ("k", "edge", "k", "string"),
];

/// The graph, the answer a node of its own; `tokens` name positions where they are words.
pub(super) fn text(traced: &Traced, tokens: Option<&[String]>, about: &str) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n",
    );
    for (id, of, name, kind) in KEYS {
        let _ = writeln!(
            out,
            "  <key id=\"{id}\" for=\"{of}\" attr.name=\"{name}\" attr.type=\"{kind}\"/>"
        );
    }
    out.push_str("  <graph id=\"circuit\" edgedefault=\"directed\">\n");
    let circuit = &traced.circuit;
    let data = |key: &str, value: &str| format!("<data key=\"{key}\">{}</data>", xml(value));
    let _ = writeln!(out, "    {}", data("about", about));
    let _ = writeln!(out, "    <node id=\"answer\">{}</node>", data("kind", "answer"));
    let mut nodes = set_of(circuit.seeds.iter().map(|seed| seed.from));
    nodes.extend(circuit.edges.iter().flat_map(|edge| [edge.from, edge.to.node()]));
    for node in &nodes {
        let kind = serde_json::to_value(node.kind).unwrap_or_default();
        let mut fields = data("kind", kind.as_str().unwrap_or_default());
        for (key, value) in [
            ("layer", node.layer),
            ("head", node.head),
            ("dest", Some(node.dest)),
            ("src", Some(node.src)),
        ] {
            fields += &value.map_or_else(String::new, |value| data(key, &value.to_string()));
        }
        for (key, at) in [("dest_token", node.dest), ("src_token", node.src)] {
            let token = tokens.and_then(|tokens| tokens.get(at));
            fields += &token.map_or_else(String::new, |token| data(key, token));
        }
        let _ = writeln!(out, "    <node id=\"{node}\">{fields}</node>");
    }
    for seed in &circuit.seeds {
        let fields = data("side", "answer") + &data("weight", &seed.weight.to_string());
        let _ =
            writeln!(out, "    <edge source=\"{}\" target=\"answer\">{fields}</edge>", seed.from);
    }
    for edge in &circuit.edges {
        let k: Vec<String> = edge.k.iter().map(usize::to_string).collect();
        let side = match edge.side {
            Side::Dest => "dest",
            Side::Src => "src",
        };
        let fields = data("side", side)
            + &data("weight", &edge.weight.to_string())
            + &data("k", &k.join(" "));
        let (from, to) = (edge.from, edge.to.node());
        let _ = writeln!(out, "    <edge source=\"{from}\" target=\"{to}\">{fields}</edge>");
    }
    out + "  </graph>\n</graphml>\n"
}
