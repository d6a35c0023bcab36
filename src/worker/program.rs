//! A worker of the page.

#[cfg(target_arch = "wasm32")]
fn main() {
    omega_lens::worker::serve::serve();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("Workers run in a browser: `make serve`. For a terminal there is `omega`.");
}
