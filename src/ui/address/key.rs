//! What a parameter of an address may be: a number within limits, one of several, on or off, words.
//!
//! An address comes from anywhere: a number beyond its limits is clamped when it is *read*, and what cannot be read at all is
//! ignored, so that nothing behind this file meets a value that no control could have set.

use std::fmt::Debug;

use super::route::Route;

/// A parameter: its name, and how its values are read and written.
pub trait Key {
    /// What it says.
    type Value: Clone + PartialEq + Debug;

    /// Its name in the address.
    fn name(&self) -> &'static str;

    /// The value where the address does not say.
    fn default(&self) -> Self::Value;

    /// What `text` says, within the limits; `None` if it says nothing that this parameter may be.
    fn parse(&self, text: &str) -> Option<Self::Value>;

    /// The text that says `value`; `None` for a value that stands for itself when the parameter is missing.
    fn text(&self, value: &Self::Value) -> Option<String>;
}

/// A whole number.
#[derive(Debug, Clone, Copy)]
pub struct Whole<T> {
    /// Its name in the address.
    pub name: &'static str,
    /// The value where the address does not say.
    pub default: T,
    /// Smallest value.
    pub least: T,
    /// Largest value.
    pub most: T,
}

impl<T: Copy + PartialEq + Debug + ToString + TryInto<u64> + TryFrom<u64>> Key for Whole<T> {
    type Value = T;

    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> T {
        self.default
    }

    fn parse(&self, text: &str) -> Option<T> {
        let (least, most) = (self.least.try_into().ok()?, self.most.try_into().ok()?);
        whole(text, least, most)?.try_into().ok()
    }

    fn text(&self, value: &T) -> Option<String> {
        Some(value.to_string())
    }
}

/// A number.
#[derive(Debug, Clone, Copy)]
pub struct Real {
    /// Its name in the address.
    pub name: &'static str,
    /// The value where the address does not say.
    pub default: f64,
    /// Smallest value.
    pub least: f64,
    /// Largest value.
    pub most: f64,
}

impl Key for Real {
    type Value = f64;

    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> f64 {
        self.default
    }

    fn parse(&self, text: &str) -> Option<f64> {
        real(text, self.least, self.most)
    }

    fn text(&self, value: &f64) -> Option<String> {
        Some(value.to_string())
    }
}

/// One of several; the first where the address does not say.
#[derive(Debug, Clone, Copy)]
pub struct Choice<T: 'static> {
    /// Its name in the address.
    pub name: &'static str,
    /// All of them.
    pub all: &'static [T],
    /// What each is called in the address.
    pub slug: fn(T) -> &'static str,
}

impl<T: Copy + PartialEq + Debug> Key for Choice<T> {
    type Value = T;

    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> T {
        self.all[0]
    }

    fn parse(&self, text: &str) -> Option<T> {
        self.all.iter().copied().find(|value| (self.slug)(*value) == text)
    }

    fn text(&self, value: &T) -> Option<String> {
        Some((self.slug)(*value).to_owned())
    }
}

/// On or off.
#[derive(Debug, Clone, Copy)]
pub struct Switch {
    /// Its name in the address.
    pub name: &'static str,
    /// The value where the address does not say.
    pub default: bool,
    /// What the address says when it is on.
    pub on: &'static str,
    /// What it says when it is off; without a word for it, the parameter goes.
    pub off: Option<&'static str>,
}

impl Key for Switch {
    type Value = bool;

    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> bool {
        self.default
    }

    fn parse(&self, text: &str) -> Option<bool> {
        if text == self.on { Some(true) } else { (Some(text) == self.off).then_some(false) }
    }

    fn text(&self, value: &bool) -> Option<String> {
        if *value { Some(self.on) } else { self.off }.map(str::to_owned)
    }
}

/// Words, none where the address does not say.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// Its name in the address.
    pub name: &'static str,
    /// Bytes of the longest text that is taken.
    pub longest: usize,
}

impl Key for Words {
    type Value = String;

    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> String {
        String::new()
    }

    fn parse(&self, text: &str) -> Option<String> {
        (text.len() <= self.longest).then(|| text.to_owned())
    }

    fn text(&self, value: &String) -> Option<String> {
        Some(value.clone())
    }
}

/// The whole number that `text` says, clamped; `None` if it says none.
pub(super) fn whole(text: &str, least: u64, most: u64) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // More digits than fit are a number all the same, beyond every limit.
    digits.then(|| text.parse().unwrap_or(u64::MAX).clamp(least, most))
}

/// The number that `text` says, clamped; `None` if it says none, or none that is finite.
pub(super) fn real(text: &str, least: f64, most: f64) -> Option<f64> {
    let value: f64 = text.trim().parse().ok()?;
    value.is_finite().then(|| value.clamp(least, most))
}

impl Route {
    /// What the address says of `key`, if it says something that it may be.
    pub fn find<K: Key>(&self, key: &K) -> Option<K::Value> {
        key.parse(self.params.get(key.name())?)
    }

    /// What the address says of `key`, or its default.
    pub fn read<K: Key>(&self, key: &K) -> K::Value {
        self.find(key).unwrap_or_else(|| key.default())
    }

    /// This route with `key` set.
    #[must_use]
    pub fn put<K: Key>(mut self, key: &K, value: K::Value) -> Self {
        match key.text(&value) {
            Some(text) => self.params.insert(key.name().to_owned(), text),
            None => self.params.remove(key.name()),
        };
        self
    }

    /// This route with `key` set to what a control's text says; without `key` if it says nothing that it may be.
    #[must_use]
    pub fn choose<K: Key>(self, key: &K, text: &str) -> Self {
        match key.parse(text) {
            Some(value) => self.put(key, value),
            None => self.clear(key),
        }
    }

    /// This route without `key`.
    #[must_use]
    pub fn clear<K: Key>(mut self, key: &K) -> Self {
        self.params.remove(key.name());
        self
    }
}
