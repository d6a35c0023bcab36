//! Layer 0, numerics: nothing here knows what a transformer is.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test says by panicking what is wrong"
    )
)]

pub mod assignment;
pub mod core_svd;
pub mod decode;
pub mod eigenvalues;
pub mod factor;
pub mod jacobi;
pub mod joint;
pub mod layout;
pub mod leading;
pub mod order;
pub mod pivoted_qr;
pub mod principal_angles;
pub mod products;
pub mod pseudo_inverse;
pub mod qr;
pub mod random;
pub mod reflections;
pub mod rows;
pub mod signed_rank;
pub mod special;
pub mod statistics;
pub mod streamed;
pub mod svd;
pub mod top_k;
pub mod wide;

mod certificate;
mod error;
#[cfg(target_arch = "wasm32")]
mod fused;
mod householder;
mod kernels;
mod plain_values;
mod qd;
#[cfg(not(target_arch = "wasm32"))]
mod tiles;

pub use error::MathError;
pub use factor::Factor;
pub use layout::Mat;
pub use svd::{ProductSvd, SingularValues, product_singular_values, product_svd};
