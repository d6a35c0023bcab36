//! The page.

#[cfg(target_arch = "wasm32")]
fn main() {
    omega_lens::ui::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("The page runs in a browser: `make serve`. For a terminal there is `omega`.");
}
