//! The kernels: one `.rs` + `.wgsl` pair each, each with a CPU twin.

pub(super) mod activate;
pub(super) mod certify;
pub(super) mod gemm;
mod half;
pub(super) mod jacobi;
pub(super) mod peak;
pub(super) mod pivoted_qr;
pub(super) mod qr;
pub(super) mod span_norms;
pub(super) mod top_k;

use super::kernel::{Kernel, with_constants};

/// Every shader with every set of sizes it is compiled with, for a head width of 8 … 256: `(name, WGSL)`.
pub fn shaders() -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |kernel: &Kernel, constants: &[(&str, u32)]| {
        let text = with_constants(kernel, constants).unwrap_or_default();
        all.push((format!("{} {constants:?}", kernel.name), text));
    };
    for constants in gemm::variants() {
        add(&gemm::KERNEL, &constants);
    }
    for h in (16..=256).step_by(16) {
        add(&qr::DOTS, &[("H", h as u32)]);
        add(&pivoted_qr::FACTOR, &pivoted_qr::constants(h));
        add(&jacobi::SWEEP, &jacobi::constants(h));
        add(&certify::CERTIFY, &[("H", h as u32)]);
    }
    for constants in activate::variants() {
        add(&activate::ACTIVATE, &constants);
    }
    add(&peak::PEAK, &[]);
    add(&span_norms::SPAN_NORMS, &[]);
    for k in 1..=top_k::MAX_K as u32 {
        for kind in 0..3 {
            add(&top_k::SEARCH, &[("K", k), ("BY_VALUE", 0), ("ROW_TYPE", kind)]);
        }
        add(&top_k::SEARCH, &[("K", k), ("BY_VALUE", 1), ("ROW_TYPE", 0)]);
    }
    all
}
