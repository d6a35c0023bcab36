//! PyTorch as a child process: one question a line, one answer a line, arrays in files.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A Python that has PyTorch.
pub(crate) struct Torch {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Its version, and the GPU that it sees.
    pub(crate) version: String,
}

/// One way to do what was asked, how long it took and what came out.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    /// Which way.
    pub(crate) who: String,
    /// Milliseconds, of a head or of the whole search.
    pub(crate) ms: f64,
    /// How many directions were searched for.
    #[serde(default)]
    pub(crate) n: usize,
    /// Singular values of each head, or the best scores of the first directions.
    pub(crate) values: Vec<Vec<f64>>,
}

impl Torch {
    /// Starts it; the reason if there is none.
    pub(crate) fn start() -> Result<Self, String> {
        let python = std::env::var("BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut child = Command::new(&python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/torch_rival.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{python}: {error}"))?;
        let (Some(ask), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{python} has no pipes"));
        };
        let mut torch = Torch { child, ask, answers: BufReader::new(out), version: String::new() };
        torch.version = torch.read().ok_or_else(|| format!("{python} cannot import torch"))?;
        Ok(torch)
    }

    fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        let mut line = String::new();
        self.answers.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    /// Asks one question; nothing if it cannot be answered.
    pub(crate) fn ask(&mut self, question: &Value) -> Vec<Answer> {
        if writeln!(self.ask, "{question}").is_err() {
            return Vec::new();
        }
        self.read().unwrap_or_default()
    }
}

impl Drop for Torch {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
