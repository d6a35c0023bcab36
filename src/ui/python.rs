//! "The same in Python": a snippet that reproduces the spectrum on the screen with numpy alone.

use crate::circuits::omega::Circuit;
use crate::protocol::heads::HeadAt;

/// The spectrum of one head; `loader` is the engine's code that reads the head's matrices from the reader's own files.
pub fn spectrum(loader: &str, at: HeadAt) -> String {
    let HeadAt { layer, head, .. } = at;
    let (factors, name) = match at.circuit {
        Circuit::Qk => ("a, b = w_q, w_k", "Omega = W_Q W_K^T"),
        Circuit::Ov => ("a, b = w_v, w_o.T", "OV = W_V W_O"),
    };
    format!(
        "# Singular values of {name}, layer {layer}, head {head}. Needs numpy; run: python spectrum.py model.safetensors\n\
         {loader}\n\
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
