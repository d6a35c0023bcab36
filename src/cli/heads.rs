//! How the subcommands take and print which head they speak of, in a model of one stack or of several.

use std::str::FromStr;

use serde::Serialize;

use super::CliError;
use crate::model::ModelError;
use crate::model::architecture::Architecture;

/// A layer as people write it: "3", or with its stack in front, "dec3", "decoder 3", "cross L3".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LayerArg {
    stack: String,
    number: usize,
}

impl FromStr for LayerArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let stack = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = text[stack.len()..].parse().map_err(|_| format!("{text:?} ends in no number"));
        let stack = stack.trim_end_matches(['L', '.', ':', ' ']).to_ascii_lowercase();
        Ok(Self { stack, number: number? })
    }
}

impl LayerArg {
    /// Its place among all layers of the model.
    ///
    /// # Errors
    /// [`CliError::Usage`] if the model has several stacks and none is named, or has no such stack; [`ModelError::OutOfRange`].
    pub(super) fn place(&self, arch: &Architecture) -> Result<usize, CliError> {
        let names: Vec<&str> = arch.stacks.iter().filter_map(|stack| stack.kind.name()).collect();
        let asked = |name: &str| !self.stack.is_empty() && name.starts_with(&self.stack);
        let stack = match (arch.stacks.as_slice(), self.stack.is_empty()) {
            ([only], true) => Some(only),
            (several, _) => several.iter().find(|stack| stack.kind.name().is_some_and(asked)),
        };
        let stack = stack.ok_or_else(|| {
            CliError::Usage(if names.is_empty() {
                format!("the model has one stack of layers, none called {:?}", self.stack)
            } else {
                let example = format!("{}{}", names[0], self.number);
                format!("say which stack the layer is of ({}), as in {example}", names.join(", "))
            })
        })?;
        let (what, index, count) = ("layer", self.number, stack.layers.len());
        let absent = ModelError::OutOfRange { what, index, count };
        stack.layers.get(self.number).copied().ok_or_else(|| CliError::work(absent))
    }
}

/// What is printed of one head; in JSON with its stack, where there are several, and the layer's number in it.
#[derive(Debug, Serialize)]
pub(super) struct Row<T> {
    /// "L3H0", "dec L3H0".
    #[serde(skip)]
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<&'static str>,
    #[serde(flatten)]
    pub(super) of: T,
}

impl<T> Row<T> {
    /// A row about `head`; `layer` finds the place of the layer among all, which becomes its number in the stack.
    pub(super) fn new(
        arch: &Architecture,
        head: usize,
        mut of: T,
        layer: impl Fn(&mut T) -> &mut usize,
    ) -> Self {
        let layer = layer(&mut of);
        let stack = arch.stack_of(*layer);
        let name = arch.head_name(*layer, head);
        *layer = arch.layers.get(*layer).map_or(*layer, |l| l.number);
        Self { name, stack: stack.and_then(|stack| stack.kind.name()), of }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_a_number_with_or_without_its_stack() {
        let read = |text: &str| text.parse::<LayerArg>().unwrap();
        assert_eq!(read("3"), LayerArg { stack: String::new(), number: 3 });
        for text in ["dec3", "dec L3", "Dec:3"] {
            assert_eq!(read(text), LayerArg { stack: "dec".into(), number: 3 });
        }
        assert!("dec".parse::<LayerArg>().is_err());
    }
}
