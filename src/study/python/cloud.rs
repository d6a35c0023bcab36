//! Theorem 2 on random sets of features: the same draws from the same seed, and the angle that each allows.

use super::{ISOTROPY, heading};
use crate::study::stamp::Stamp;

/// Code that draws the first `draws` sets of the cloud of `seed` again, and prints of each its kind, ‖E‖₂, the sine of the angle between
/// its first feature and the singular vector that serves it, and A.
pub fn cloud(seed: u32, draws: u32, stamp: &Stamp) -> String {
    let prints = "Theorem 2 on random sets of features. Kinds: 0 random directions, 1 cone, 2 power law, 3 nearly a tight frame.";
    format!(
        "{}import numpy as np\n\n\
         seed, draws = {seed}, {draws}\n{RNG}\n{ISOTROPY}{DRAWS}",
        heading(prints, "python cloud.py", stamp),
    )
}

/// Our random numbers ([`crate::math::random`]), bit for bit.
const RNG: &str = "\
M = 0xFFFFFFFF

def mix(x):  # triple32 of Chris Wellons' hash-prospector
    for shift, factor in (17, 0xED5AD4BB), (11, 0xAC4C1B51), (15, 0x31848BAB):
        x = (x ^ x >> shift) * factor & M
    return x ^ x >> 14

class Rng:  # a number is a function of seed, stream and place
    def __init__(self, stream):
        first = mix(seed * 0x9E3779B1 + stream * 0x85EBCA6B + 1 & M)
        self.key, self.at = (first, mix(first ^ stream + 0x27D4EB2F & M)), 0

    def bits(self, n):
        at = np.arange(self.at, self.at + n, dtype=np.uint64)
        self.at += n
        return mix(mix(at ^ np.uint64(self.key[0])) + np.uint64(self.key[1]) & M)

    def uniform(self, n):
        return (self.bits(n) >> 8) / 2.0 ** 24

    def below(self, n):
        while True:
            wide = int(self.bits(1)[0]) * n
            if wide & M >= 2 ** 32 % n:
                return wide >> 32

    def normal(self, *shape):
        self.at += self.at % 2
        a, b = self.uniform(2 * shape[0] * shape[1]).reshape(-1, 2).T
        return (np.sqrt(-2 * np.log(1 - a)) * np.cos(2 * np.pi * b)).reshape(shape)
";

/// [`crate::toy::cloud_point`], draw after draw.
const DRAWS: &str = r#"
unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
for draw in range(draws):
    rng = Rng(draw)
    kind, d = rng.below(4), 2 + rng.below(11)
    n = d + rng.below(5 * d + 1)
    strength = rng.uniform(1)[0] * (0.6 if kind == 3 else 3)
    x = rng.normal(n, d)
    if kind == 1:
        x = unit(x) + strength * unit(rng.normal(1, d))
    elif kind == 2:
        x = x * np.arange(1, d + 1) ** (-strength / 2)
    elif kind == 3:
        turns = [np.linalg.qr(rng.normal(d, d)) for _ in range(-(-n // d))]
        x = np.vstack([q * np.sign(np.diag(r)) for q, r in turns])[:n] + strength / np.sqrt(d) * x
    x = x if kind == 2 else unit(x)
    image = np.linalg.pinv(x.T @ x, hermitian=True) @ x[0]
    cos = x[0] @ image / np.linalg.norm(x[0]) / np.linalg.norm(image)
    norm_e, average = isotropy(x)
    print(kind, f"norm_E {norm_e:.10g} sine {np.sqrt(max(0, 1 - cos * cos)):.10g} A {average:.10g}")
"#;
