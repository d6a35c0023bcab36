//! Stacks and streams: a model has one stack of layers on one residual stream, or several that run one after the other.
//!
//! An encoder and a decoder are two streams, and three stacks: the decoder's layers look at themselves and at the encoder. The
//! layers of all stacks stand in one list, in the order in which they run, and a layer is known everywhere by its place in that
//! list; people see its number in its stack, "dec L3".

use serde::{Deserialize, Serialize};

use super::Head;
use super::architecture::{Architecture, Embedding, Layer};
use super::parts::Norm;

/// What a stack of layers is to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackKind {
    /// The only one.
    #[default]
    Only,
    /// An encoder's self-attention.
    Encoder,
    /// A decoder's self-attention.
    Decoder,
    /// A decoder's attention to the encoder.
    Cross,
    /// The side that reads words.
    Text,
    /// The side that sees images.
    Vision,
}

/// Layers that are shown together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stack {
    /// What it is.
    pub kind: StackKind,
    /// The stream that its destinations are in and that it writes into, an index into [`Architecture::streams`].
    pub stream: usize,
    /// The stream that its sources are in: another one in cross-attention.
    pub source: usize,
    /// Its layers, indices into [`Architecture::layers`].
    pub layers: Vec<usize>,
}

/// What keys and values of cross-attention read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Source {
    /// The stream, an index into [`Architecture::streams`], after its last layer.
    pub stream: usize,
    /// The norm in front of the keys and values: that stream's final one.
    pub norm: Option<Norm>,
}

/// A residual stream: what begins it and what ends it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stream {
    /// The stack that moves it.
    pub kind: StackKind,
    /// Its width.
    pub d_model: usize,
    /// Tokens, pixels or sound to vectors.
    pub embedding: Embedding,
    /// Norm after its last layer.
    pub final_norm: Option<Norm>,
    /// The library reports the last hidden state after the final norm; if not, it reports the bare stream.
    pub last_hidden_is_normed: bool,
}

impl StackKind {
    /// Its name in files and messages, `None` where there is only one.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Only => None,
            Self::Encoder => Some("encoder"),
            Self::Decoder => Some("decoder"),
            Self::Cross => Some("cross"),
            Self::Text => Some("text"),
            Self::Vision => Some("vision"),
        }
    }

    /// What stands in front of a head's name: "enc ", "dec ", "cross "; nothing where there is only one.
    fn front(self) -> &'static str {
        match self {
            Self::Only => "",
            Self::Encoder => "enc ",
            Self::Decoder => "dec ",
            Self::Cross => "cross ",
            Self::Text => "text ",
            Self::Vision => "vision ",
        }
    }

    /// The name of its layer `number`: "L3", "dec L3".
    pub fn layer_name(self, number: usize) -> String {
        format!("{}L{number}", self.front())
    }

    /// The name of a head of its layer `number`: "L3H0", "dec L3H0".
    pub fn head_name(self, number: usize, head: usize) -> String {
        format!("{}{}", self.front(), Head::new(number, head))
    }

    /// Whose streams its heads read, in words; `None` where destinations and sources are in the only one.
    pub fn reads(self) -> Option<&'static str> {
        match self {
            Self::Only => None,
            Self::Encoder => Some("the encoder reads itself"),
            Self::Decoder => Some("the decoder reads itself"),
            Self::Cross => {
                Some("destinations in the decoder, sources in the encoder's last stream")
            }
            Self::Text => Some("the side that reads words"),
            Self::Vision => Some("the side that sees images"),
        }
    }
}

impl Architecture {
    /// The stack of a layer.
    pub fn stack_of(&self, layer: usize) -> Option<&Stack> {
        self.stacks.get(self.layers.get(layer)?.stack)
    }

    /// The stream that a layer writes into.
    pub fn stream_of(&self, layer: usize) -> Option<&Stream> {
        self.streams.get(self.stack_of(layer)?.stream)
    }

    /// The index of the main stream: the one that predicts, else the one that reads words, else the last.
    pub fn main(&self) -> usize {
        let words = self.streams.iter().rposition(|s| s.embedding.tokens.is_some());
        words.unwrap_or(self.streams.len().saturating_sub(1))
    }

    /// What makes the main stream's first state; `None` for a model without layers.
    pub fn embedding(&self) -> Option<&Embedding> {
        self.streams.get(self.main()).map(|stream| &stream.embedding)
    }

    /// The norm after the main stream's last layer.
    pub fn final_norm(&self) -> Option<&Norm> {
        self.streams.get(self.main())?.final_norm.as_ref()
    }

    /// True if an encoder and a decoder both read words.
    pub fn reads_two_prompts(&self) -> bool {
        let mut words = self.streams.iter().filter(|stream| stream.embedding.tokens.is_some());
        let decoder = words.clone().any(|stream| stream.kind == StackKind::Decoder);
        decoder && words.any(|stream| stream.kind == StackKind::Encoder)
    }

    /// True if the main stream's attention never sees what comes after its destination.
    pub fn causal(&self) -> bool {
        let main = self.main();
        let of_main = |layer: &&Layer| {
            self.stacks.get(layer.stack).is_some_and(|s| s.stream == main && s.source == main)
        };
        self.layers.iter().filter(of_main).filter_map(|l| l.attention.as_ref()).all(|a| a.causal)
    }

    /// True if a layer writes into the stream that a later one's destinations and sources both read. What a cross head reads is two
    /// streams, of which one is finished before; it has no channels here.
    pub fn feeds(&self, layer: usize, into: usize) -> bool {
        let (from, into) = (self.stack_of(layer), self.stack_of(into));
        from.zip(into)
            .is_some_and(|(from, into)| from.stream == into.stream && into.stream == into.source)
    }

    /// A layer's name: "L3", or "dec L3" where there are several stacks.
    pub fn layer_name(&self, layer: usize) -> String {
        let found = self.layers.get(layer).zip(self.stack_of(layer));
        found.map_or_else(|| format!("L{layer}"), |(l, stack)| stack.kind.layer_name(l.number))
    }

    /// A head's name: "L3H0", or "dec L3H0" where there are several stacks.
    pub fn head_name(&self, layer: usize, head: usize) -> String {
        let found = self.layers.get(layer).zip(self.stack_of(layer));
        let plain = || Head::new(layer, head).to_string();
        found.map_or_else(plain, |(l, stack)| stack.kind.head_name(l.number, head))
    }
}
