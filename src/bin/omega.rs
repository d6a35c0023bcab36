//! The command line: the same core, native.

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    omega_lens::cli::main()
}

#[cfg(target_arch = "wasm32")]
fn main() {}
