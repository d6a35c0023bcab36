//! Small circuits, drawn.

use super::*;
use crate::circuits::trace::graph::{Edge, Kind, LeftOut, Seed};

fn circuit(seeds: &[(Node, f64)], edges: &[(Node, Node, Side, f64)]) -> Circuit {
    let seed = |&(from, weight): &(Node, f64)| Seed { from, weight };
    let edge = |&(from, to, side, weight): &(Node, Node, Side, f64)| Edge {
        from,
        to: to.firing().expect("edges lead to heads"),
        side,
        weight,
        k: vec![1],
    };
    Circuit {
        empty: false,
        seeds: seeds.iter().map(seed).collect(),
        firings: Vec::new(),
        edges: edges.iter().map(edge).collect(),
        left_out: LeftOut::default(),
    }
}

fn small() -> Circuit {
    let [top, low] = [Node::head(1, 0, 5, 2), Node::head(0, 3, 2, 1)];
    let mlp = Node::at(Kind::Mlp, Some(0), 5);
    let embed = Node::at(Kind::Embed, None, 2);
    circuit(
        &[(top, 2.0), (mlp, 0.1)],
        &[(mlp, top, Side::Dest, 0.5), (low, top, Side::Src, 0.7), (embed, low, Side::Src, 0.04)],
    )
}

#[test]
fn edges_go_up_and_no_two_nodes_overlap() {
    let picture = Picture::of(&small(), 5, Grouping::Positions, 0.0, &Groups::default());
    assert_eq!((picture.nodes.len(), picture.lines.len(), picture.hidden), (5, 5, 0));
    let at = |i: usize| &picture.nodes[i];
    assert!(picture.lines.iter().all(|line| at(line.from).y > at(line.to).y));
    for (i, a) in picture.nodes.iter().enumerate() {
        assert!(a.x - NODE[0] / 2.0 >= 0.0 && a.x + NODE[0] / 2.0 <= picture.size[0]);
        assert!(a.y - NODE[1] / 2.0 >= 0.0 && a.y + NODE[1] / 2.0 <= picture.size[1]);
        for b in &picture.nodes[..i] {
            assert!((a.x - b.x).abs() >= NODE[0] || (a.y - b.y).abs() >= NODE[1]);
        }
    }
    let columns: Vec<usize> = picture.columns.iter().map(|column| column.0).collect();
    assert_eq!(columns, [2, 5]);
}

#[test]
fn many_heads_of_one_token_stand_in_lines() {
    let heads: Vec<(Node, f64)> = (0..40).map(|head| (Node::head(0, head, 3, 1), 1.0)).collect();
    let picture =
        Picture::of(&circuit(&heads, &[]), 3, Grouping::Positions, 0.0, &Groups::default());
    assert_eq!(picture.nodes.len(), 41);
    assert!(picture.size[0] < 12.0 * NODE[0] && picture.size[1] < 12.0 * NODE[1]);
    for (i, a) in picture.nodes.iter().enumerate() {
        assert!(a.y + NODE[1] / 2.0 <= picture.size[1]);
        for b in &picture.nodes[..i] {
            assert!((a.x - b.x).abs() >= NODE[0] || (a.y - b.y).abs() >= NODE[1]);
        }
    }
}

#[test]
fn what_no_longer_leads_to_the_answer_goes_with_its_edge() {
    let picture = Picture::of(&small(), 5, Grouping::Positions, 0.6, &Groups::default());
    // The seed that is left, the head behind its key, and the answer.
    assert_eq!((picture.nodes.len(), picture.lines.len(), picture.hidden), (3, 2, 3));
    assert!(picture.find("L0H3:2-1").is_some() && picture.find("embed:2").is_none());
}

#[test]
fn components_are_one_node_wherever_they_are() {
    let two = [Node::head(0, 1, 4, 2), Node::head(0, 1, 3, 1)];
    let circuit = circuit(&[(two[0], 1.0), (two[1], 0.5)], &[]);
    let picture = Picture::of(&circuit, 4, Grouping::Components, 0.0, &Groups::default());
    assert_eq!((picture.nodes.len(), picture.lines.len()), (2, 1));
    assert_eq!((picture.lines[0].weight, picture.lines[0].share), (1.5, 1.0));
    assert!(picture.columns.is_empty());
}

#[test]
fn nodes_under_one_name_are_one_node_and_its_edges_add_up() {
    let low = Node::head(0, 3, 2, 1);
    let (mlp, top) = (Node::at(Kind::Mlp, Some(0), 5), Node::head(1, 0, 5, 2));
    let groups = Groups::default().with("pair", &top.to_string());
    let groups = groups.with("pair", &mlp.to_string()).with("first", &low.to_string());
    let picture = Picture::of(&small(), 5, Grouping::Positions, 0.0, &groups);
    // The edge between the two is inside; both write to the answer.
    assert_eq!((picture.nodes.len(), picture.lines.len(), picture.hidden), (4, 3, 0));
    let pair = picture.named(Some(top)).expect("named");
    assert_eq!((pair.name.as_str(), pair.members.as_slice()), ("pair", [mlp, top].as_slice()));
    assert_eq!(picture.named(Some(low)).map(|n| n.members.len()), Some(1));
    assert_eq!(picture.find(&mlp.to_string()), picture.find(&top.to_string()));
    let answers = picture.lines.iter().filter(|line| line.role == Role::Answer);
    assert!((answers.map(|line| line.weight).sum::<f64>() - 2.1).abs() < 1e-12);
    // A name for what is not there changes nothing.
    let absent = Groups::default().with("gone", "L9H9:0-0");
    let plain = Picture::of(&small(), 5, Grouping::Positions, 0.0, &Groups::default());
    assert_eq!(Picture::of(&small(), 5, Grouping::Positions, 0.0, &absent), plain);
}

#[test]
fn crossings_are_taken_out_and_keys_walk_along_edges() {
    // Two heads of one layer, each read by one of the next: in the order of their names the edges cross.
    let [a, b] = [Node::head(1, 0, 3, 0), Node::head(1, 1, 3, 0)];
    let [c, d] = [Node::head(0, 0, 3, 0), Node::head(0, 1, 3, 0)];
    let edges = [(d, a, Side::Dest, 0.9), (c, b, Side::Dest, 0.8)];
    let circuit = circuit(&[(a, 1.0), (b, 1.0)], &edges);
    let picture = Picture::of(&circuit, 3, Grouping::Positions, 0.0, &Groups::default());
    let x = |node: Node| picture.nodes[picture.find(&node.to_string()).expect("drawn")].x;
    assert_eq!(x(a) < x(b), x(d) < x(c));
    let [i, j] = [a, d].map(|node| picture.find(&node.to_string()));
    assert_eq!(i.and_then(|i| picture.step(i, "ArrowDown")), j);
    assert_eq!(j.and_then(|j| picture.step(j, "ArrowUp")), i);
    assert_eq!(i.and_then(|i| picture.step(i, "ArrowUp")), picture.find("answer"));
}
