//! A circuit in words: its nodes, its edges, what the reader calls them.

use super::format::{self, three, token};
use crate::circuits::trace::Node;
use crate::circuits::trace::graph::Kind;
use crate::model::Head;
use crate::protocol::trace::Answer;
use crate::ui::layered::{Line, Picture, Role, slug};

/// Letters that fit on a node.
const LETTERS: usize = 8;

/// The token at a position, as the reader sees it.
pub fn word(answer: &Answer, position: usize) -> String {
    answer.ran.tokens.get(position).map(|text| token(text)).unwrap_or_default()
}

/// A text that fits on a node.
pub fn short(text: &str) -> String {
    format::short(text, LETTERS)
}

/// What stands on a node.
pub fn labels(answer: &Answer, picture: &Picture, node: Option<Node>) -> [String; 2] {
    if let Some(named) = picture.named(node) {
        let below = match named.members.as_slice() {
            [one] => plain_labels(answer, Some(*one), !picture.columns.is_empty())[0].clone(),
            all => format!("{} parts", all.len()),
        };
        return [short(&named.name), below];
    }
    plain_labels(answer, node, !picture.columns.is_empty())
}

fn plain_labels(answer: &Answer, node: Option<Node>, placed: bool) -> [String; 2] {
    let Some(node) = node else {
        let of = &answer.traced.objective;
        if of.reading.is_some() {
            return ["this look".to_owned(), String::new()];
        }
        let below = of.wrong_text.as_ref().map(|wrong| format!("not {}", short(wrong.trim())));
        return [short(of.answer_text.trim()), below.unwrap_or_default()];
    };
    let below = |node: Node| {
        if placed { format!("← {}", short(&word(answer, node.src))) } else { String::new() }
    };
    match (node.kind, node.layer, node.head) {
        (Kind::Head, Some(layer), Some(head)) => [Head::new(layer, head).to_string(), below(node)],
        (Kind::Mlp, Some(layer), _) => [format!("MLP {layer}"), String::new()],
        (Kind::Bias, Some(layer), _) => [format!("bias {layer}"), String::new()],
        (Kind::Offset, ..) => ["q, k bias".into(), String::new()],
        (Kind::Alibi, ..) => ["ALiBi".into(), String::new()],
        _ => ["embed".into(), String::new()],
    }
}

/// A node of a picture in words, the reader's name first.
pub fn called(answer: &Answer, picture: &Picture, node: Option<Node>) -> String {
    let Some(named) = picture.named(node) else { return full_name(answer, node) };
    match named.members.as_slice() {
        [one] => format!("“{}” ({})", named.name, full_name(answer, Some(*one))),
        all => format!("“{}” ({} parts)", named.name, all.len()),
    }
}

/// A node in a table: the reader's name, else the one that addresses and files have.
pub fn in_table(picture: &Picture, node: Option<Node>) -> String {
    picture.named(node).map_or_else(|| slug(node), |named| named.name.clone())
}

/// A node in words.
pub fn full_name(answer: &Answer, node: Option<Node>) -> String {
    let Some(node) = node else {
        let of = &answer.traced.objective;
        if of.reading.is_some() {
            return "the look that was asked about".to_owned();
        }
        return format!("the answer “{}”", of.answer_text.trim());
    };
    let at = format!("at “{}” ({})", word(answer, node.dest), node.dest);
    match (node.kind, node.layer, node.head) {
        (Kind::Head, Some(layer), Some(head)) => {
            format!(
                "{} {at}, reading “{}” ({})",
                Head::new(layer, head),
                word(answer, node.src),
                node.src
            )
        }
        (Kind::Mlp, Some(layer), _) => format!("the MLP of layer {layer} {at}"),
        (Kind::Bias, Some(layer), _) => format!("the attention bias of layer {layer} {at}"),
        (Kind::Offset, ..) => format!("the head's own query or key bias {at}"),
        (Kind::Alibi, ..) => format!("ALiBi {at}"),
        _ => format!("the embedding {at}"),
    }
}

/// An edge in words, with its number.
pub fn sentence(answer: &Answer, picture: &Picture, line: &Line) -> String {
    let node = |i: usize| picture.nodes.get(i).and_then(|placed| placed.node);
    let end = |i: usize| called(answer, picture, node(i));
    let (from, to) = (end(line.from), end(line.to));
    let side = match line.role {
        Role::Answer => {
            let of = &answer.traced.objective;
            if of.reading.is_some() {
                return format!("asked about is {from}: {} of its attention", three(line.weight));
            }
            return format!("{from} adds {} {} to {to}", three(line.weight), of.unit());
        }
        Role::Query => "query",
        Role::Key => "keys",
    };
    let k: Vec<String> = line.k.iter().map(usize::to_string).collect();
    let through =
        if k.is_empty() { String::new() } else { format!(" through k = {}", k.join(", ")) };
    format!(
        "without {from}, by the {side}{through}, {to} loses {} of its attention",
        three(line.weight)
    )
}
