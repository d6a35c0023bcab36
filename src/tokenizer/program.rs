//! The program `tokenizer`: what `worker::encoder` fetches and asks.

#[cfg(target_arch = "wasm32")]
mod asked {
    use wasm_bindgen::prelude::{JsError, wasm_bindgen};

    /// The reader of one model's prompts.
    #[wasm_bindgen]
    pub struct Encoder(omega_tokenizer::Encoder);

    #[wasm_bindgen]
    impl Encoder {
        /// Reads the text of a tokenizer.json.
        #[wasm_bindgen(constructor)]
        pub fn new(json: &[u8]) -> Result<Encoder, JsError> {
            omega_tokenizer::Encoder::parse(json).map(Self).map_err(|why| JsError::new(&why))
        }

        /// The ids of a prompt; with `special`, with what the post-processor adds.
        pub fn encode(&self, prompt: &str, special: bool) -> Result<Vec<u32>, JsError> {
            self.0.encode(prompt, special).map_err(|why| JsError::new(&why))
        }
    }
}

fn main() {}
