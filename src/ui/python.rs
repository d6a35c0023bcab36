//! "The same in Python": snippets that reproduce what is on the screen with numpy and safetensors.

use crate::circuits::omega::Circuit;
use crate::model::Weights;
use crate::worker::protocol::heads::HeadAt;
use crate::worker::protocol::model::ModelSummary;

/// The spectrum of one head, from the reader's own file.
pub fn spectrum(summary: &ModelSummary, at: HeadAt) -> String {
    let HeadAt { layer, head, .. } = at;
    let weights = if at.weights == Weights::Raw { "raw" } else { "folded" };
    let (factors, name) = match at.circuit {
        Circuit::Qk => ("a, b = w_q, w_k", "Omega = W_Q W_K^T"),
        Circuit::Ov => ("a, b = w_v, w_o.T", "OV = W_V W_O"),
    };
    let loader = &summary.python;
    format!(
        "# pip install numpy safetensors ml_dtypes\n\
         # Singular values and vectors of {name}, layer {layer}, head {head}, {weights} weights.\n\
         import sys\n\
         import numpy as np\n\
         {loader}\n\
         w_q, w_k, w_v, w_o = head_weights(sys.argv[1:], layer={layer}, head={head}, weights=\"{weights}\")\n\
         {factors}  # the matrix is a @ b.T and is never formed\n\
         q_a, r_a = np.linalg.qr(a)\n\
         q_b, r_b = np.linalg.qr(b)\n\
         u, sigma, v_t = np.linalg.svd(r_a @ r_b.T)\n\
         u, v = q_a @ u, q_b @ v_t.T  # columns are the singular vectors\n\
         signs = np.sign(u[np.abs(u).argmax(axis=0), np.arange(u.shape[1])])\n\
         u, v = u * signs, v * signs\n\
         print(\"\\n\".join(f\"{{k}} {{s:.10g}}\" for k, s in enumerate(sigma)))\n"
    )
}
