"""Recomputes tests/golden/toy from its inputs, by the definitions that stand at the head of each file (`conventions`).

Run with a Python that has numpy:
    python tests/golden/make_toy.py            compares with what is there, prints the largest difference of each file, changes nothing
    python tests/golden/make_toy.py --write    writes what was recomputed into the files

The inputs stay: random numbers, made once. So do measurements of another precision that no test reads (`f32_drift`, `rel_drift_…`, `final_f32`).
Where singular values coincide, vectors are determined up to a rotation and are neither compared nor written.
"""

import json
import math
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent / "toy"


def factors(a, b):
    """U, s, V of a bᵀ without forming it; the entry of each u that is largest in size is positive."""
    (qa, ra), (qb, rb) = np.linalg.qr(a), np.linalg.qr(b)
    u, s, vt = np.linalg.svd(ra @ rb.T)
    u, v = qa @ u, qb @ vt.T
    sign = np.sign(u[np.abs(u).argmax(axis=0), range(u.shape[1])])
    return u * sign, s, v * sign


def cosine(a, b):
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


# --- svd_head


def svd_head(golden):
    for case in golden["cases"]:
        wq, wk = (np.array(case["inputs"][name]) for name in ("Wq", "Wk"))
        u, s, v = factors(wq, wk)
        found = {"s": s, "Omega_fro": np.linalg.norm(wq @ wk.T)}
        found["min_rel_gap"] = (-np.diff(s)).min() / s[0] if len(s) > 1 else None
        if case["check_vectors"]:
            found |= {"U": u, "V": v}
        case["expected"] |= found


# --- sad


def sparseness(v):
    return np.mean(np.abs(v)) ** 2 / np.mean(v**2) if np.any(v) else None


def n_recon(v, tau):
    """How few of the terms, largest first, reach the share tau of their sum."""
    total = v.sum()
    if total == 0:
        return None
    reached = np.cumsum(np.sort(np.sign(total) * v)[::-1])
    return int(np.argmax(reached >= (tau - 5e-6) * abs(total))) + 1


def relative(terms, causal):
    """Each term against its mean over the other keys that the query sees; None where there is no other. terms: [query, key, ...]."""
    n = len(terms)
    none = np.full(terms.shape[2:], None).tolist()
    rows = []
    for i in range(n):
        m = i + 1 if causal else n
        seen = terms[i, :m]
        known = m / (m - 1) * (seen - seen.mean(axis=0)) if m > 1 else []
        rows.append([known[j].tolist() if j < len(known) else none for j in range(n)])
    return rows


def over_pairs(measure, terms):
    return [[None if v[0] is None else measure(np.array(v)) for v in row] for row in terms]


def sad(golden):
    given = golden["inputs"]
    r, wq, wk, bq, bk, q = (np.array(given[name]) for name in ("R", "Wq", "Wk", "bq", "bk", "Q"))
    scale = given["scale"]
    for case in golden["cases"]:
        causal = case["causal"]
        if case["mode"] == "shift":
            left, right = r + bq @ np.linalg.pinv(wq), r + bk @ np.linalg.pinv(wk)
            u, s, v = factors(wq, wk)
        else:
            left = right = np.hstack([r, np.ones((len(r), 1))])
            u, s, v = factors(np.vstack([wq, bq]), np.vstack([wk, bk]))
        a, b = left @ u, right @ v
        logits = scale * (r @ wq + bq) @ (r @ wk + bk).T
        seen = np.tril(np.ones_like(logits)) if causal else np.ones_like(logits)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True)) * seen
        c = scale * s * a[:, None] * b[None]
        c_relative = relative(c, causal)
        found = {"a": a, "s": s, "b": b, "logits": logits, "attention": weights / weights.sum(axis=1, keepdims=True), "c": c}
        found |= {"relative": relative(logits, causal), "c_relative": c_relative, "S": over_pairs(sparseness, c_relative)}
        found |= {"n_recon": over_pairs(lambda v: n_recon(v, 1.0), c_relative), "n_recon_90": over_pairs(lambda v: n_recon(v, 0.9), c_relative)}
        if "basis_rotated" in case["expected"]:
            turned = relative(scale * ((a * np.sqrt(s)) @ q)[:, None] * ((b * np.sqrt(s)) @ q)[None], causal)
            found["basis_rotated"] = {"c_relative": turned, "S": over_pairs(sparseness, turned)}
        case["expected"] |= found
    for vector in golden["vectors"]:
        v = np.array(vector["v"])
        vector |= {"S": sparseness(v), "n_recon": n_recon(v, 1.0), "n_recon_90": n_recon(v, 0.9)}


# --- theorem1


def theorem1(golden):
    for case in golden["cases"]:
        x, y, t, p, q = (None if case["inputs"][name] is None else np.array(case["inputs"][name]) for name in "XYTpq")
        plain = t is None and p is None
        p = np.ones(x.shape[1]) if p is None else p
        q = np.ones(y.shape[1]) if q is None else q
        if t is None:
            t = np.zeros((x.shape[1], y.shape[1]))
            t[0, 0] = 1.0
        sx, sy = (x * p) @ x.T, (y * q) @ y.T
        whiten, whiten_y = np.linalg.pinv(sx), np.linalg.pinv(sy)
        omega = whiten @ (x * p) @ t @ (y * q).T @ whiten_y
        found = {"Omega": omega, "s": np.linalg.svd(omega, compute_uv=False)[:3]}
        if plain:
            u, v = whiten @ x[:, 0], whiten_y @ y[:, 0]
            sign = np.sign(u[np.abs(u).argmax()])
            u, v = sign * u / np.linalg.norm(u), sign * v / np.linalg.norm(v)
            values = np.linalg.eigvalsh(sx)
            full = values[0] > 1e-10 * values[-1]
            kappa = values[-1] / values[0] if full else None
            off = np.abs(values / values.mean() - 1).max()
            found |= {"u1": u, "v1": v, "cos_u1_x1": abs(cosine(u, x[:, 0])), "cos_v1_y1": abs(cosine(v, y[:, 0])), "normE": off, "kappa": kappa}
            found |= {"kantorovich": 2 * math.sqrt(kappa) / (1 + kappa) if full else 0.0}
            found |= {"sqrt_one_minus_E2": math.sqrt(1 - off**2) if off < 1 else None}
            found |= {"sqrt_HM_AM": math.sqrt(1 / np.mean(1 / values) / values.mean()) if full else None}
            found |= {"cos_unwhitened": abs(cosine(sx @ u, x[:, 0]))}
            found |= {"all_cos_X": [cosine(whiten @ x[:, i], x[:, i]) for i in range(x.shape[1])] if full else None}
        case["expected"] |= found


# --- null


def log_tail(d, t):
    """ln P(|cos| > t) = ln I_{1−t²}((d−1)/2, 1/2), by the continued fraction of the incomplete beta function."""
    a, b, x = (d - 1) / 2, 0.5, (1 - t) * (1 + t)
    if x >= 1:
        return 0.0

    def log_beta(a, b, x, y):
        """ln I_x(a, b), y = 1 − x, for x below (a + 1)/(a + b + 2)."""
        tiny = 1e-300
        c, f = 1.0, 1 - (a + b) * x / (a + 1)
        f = 1 / (f if abs(f) > tiny else tiny)
        h = f
        for m in range(1, 20_000):
            for top in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
                f, c = 1 + top * f, 1 + top / c
                f, c = 1 / (f if abs(f) > tiny else tiny), c if abs(c) > tiny else tiny
                h *= f * c
            if abs(f * c - 1) < 1e-16:
                break
        return math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(y) - math.log(a) + math.log(h)

    if x < (a + 1) / (a + b + 2):
        return log_beta(a, b, x, t * t)
    return math.log1p(-math.exp(log_beta(b, a, t * t, x)))


def log_tail_of_largest(log_p, n):
    """ln of 1 − (1 − p)ⁿ."""
    if n == 1:
        return log_p
    if log_p < -30:  # 1 − p is 1 to sixteen digits
        few = math.log(n) + log_p
        return few if few < -30 else math.log(-math.expm1(-math.exp(few)))
    if log_p == 0:
        return 0.0
    return math.log(-math.expm1(n * math.log1p(-math.exp(log_p))))


def null(golden):
    for row in golden["rows"]:
        row["log_p1"] = log_tail(row["D"], row["t"])
        row["log_pmax"] = log_tail_of_largest(row["log_p1"], row["N"])
        row["pmax"] = math.exp(row["log_pmax"])
    points, weights = np.polynomial.legendre.leggauss(20)
    for row in golden["emax"]:
        d, n = row["D"], row["N"]
        tail = lambda t: math.exp(log_tail_of_largest(log_tail(d, t), n))

        def critical(level):
            low, high = 0.0, 1.0
            for _ in range(60):
                middle = (low + high) / 2
                low, high = (middle, high) if tail(middle) > level else (low, middle)
            return (low + high) / 2

        end = critical(1e-12)
        edges = np.linspace(0, end, 25)
        halves, middles = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
        row["emax"] = sum(h * w * tail(m + h * p) for h, m in zip(halves, middles) for p, w in zip(points, weights))
        row["t05"], row["t001"] = critical(0.05), critical(0.001)


# --- rng

MASK = 0xFFFFFFFF


def triple32(x):
    for shift, factor in ((17, 0xED5AD4BB), (11, 0xAC4C1B51), (15, 0x31848BAB)):
        x = (x ^ (x >> shift)) * factor & MASK
    return x ^ (x >> 14)


def keys(seed, stream):
    first = triple32((seed * 0x9E3779B1 + stream * 0x85EBCA6B + 1) & MASK)
    return first, triple32(first ^ ((stream + 0x27D4EB2F) & MASK))


def u32(seed, stream, n):
    k1, k2 = keys(seed, stream)
    return triple32((triple32(np.arange(n, dtype=np.uint64) ^ np.uint64(k1)) + np.uint64(k2)) & np.uint64(MASK))


def uniform(seed, stream, n):
    return (u32(seed, stream, n) >> np.uint64(8)) * 2.0**-24


def normal(seed, stream, n):
    u = uniform(seed, stream, 2 * n)
    return np.sqrt(-2 * np.log(1 - u[::2])) * np.cos(2 * np.pi * u[1::2])


def rng(golden):
    golden["triple32"] = [[x, triple32(x)] for x, _ in golden["triple32"]]
    for case in golden["cases"]:
        seed, stream = case["seed"], case["stream"]
        for name, draw in (("u32", u32), ("uniform", uniform), ("normal", normal)):
            case[name] = draw(seed, stream, len(case[name]))
        case["keys"] = list(keys(seed, stream))


# --- train and train_long


def losses_and_gradient(params, template, fq, fk, lam, recon_on):
    w, b, wq, wk = params
    n_queries, m, n = fk.shape
    keys = fk.reshape(-1, n)
    # Reconstruction.
    tokens = fq if recon_on == "query" else np.vstack([fq, keys])
    r = tokens @ w.T
    z = r @ w + b
    off = np.maximum(z, 0) - tokens
    recon = (off**2).sum() / len(tokens)
    dz = 2 * off * (z > 0) / len(tokens)
    dw = r.T @ dz + (dz @ w.T).T @ tokens
    # Attention.
    rq, rk = fq @ w.T, keys @ w.T
    q, k = rq @ wq.T, (rk @ wk.T).reshape(n_queries, m, -1)
    log_softmax = lambda l: l - l.max(1, keepdims=True) - np.log(np.exp(l - l.max(1, keepdims=True)).sum(1, keepdims=True))
    found, wanted = log_softmax(np.einsum("bh,bmh->bm", q, k)), log_softmax(np.einsum("bi,ij,bmj->bm", fq, template, fk))
    target = np.exp(wanted)
    ce, kl = -(target * found).sum() / n_queries, (target * (wanted - found)).sum() / n_queries
    dl = lam * (np.exp(found) - target) / n_queries
    dq, dk = np.einsum("bm,bmh->bh", dl, k), (dl[..., None] * q[:, None]).reshape(n_queries * m, -1)
    dw += (dq @ wq).T @ fq + (dk @ wk).T @ keys
    return {"recon": recon, "attn_ce": ce, "attn_kl": kl, "total": recon + lam * ce}, [dw, dz.sum(0), dq.T @ rq, dk.T @ rk]


class Adam:
    def __init__(self, params):
        self.t, self.first, self.second = 0, [0 * p for p in params], [0 * p for p in params]

    def step(self, params, gradient, lr, decay=0.0):
        """The parameters after a step; weight decay on W_Q and W_K alone."""
        self.t += 1
        self.first = [0.9 * m + 0.1 * g for m, g in zip(self.first, gradient)]
        self.second = [0.999 * v + 0.001 * g * g for v, g in zip(self.second, gradient)]
        size = lambda m, v: (m / (1 - 0.9**self.t)) / (np.sqrt(v / (1 - 0.999**self.t)) + 1e-8)
        decays = [0, 0, decay, decay]
        return [p - lr * (size(m, v) + d * p) for p, m, v, d in zip(params, self.first, self.second, decays)]


NAMES = ("W", "b", "Wq", "Wk")


def train(golden):
    cfg, template = golden["cfg"], np.array(golden["T"])
    batches = [(np.array(batch["Fq"]), np.array(batch["Fk"])) for batch in golden["batches"]]
    for case in golden["cases"]:
        params = [np.array(golden["init"][name]) for name in NAMES]
        adam, losses = Adam(params), []
        for step, (fq, fk) in enumerate(batches):
            loss, gradient = losses_and_gradient(params, template, fq, fk, cfg["lam"], case["recon_on"])
            losses.append(loss)
            if step == 0:
                case["grads_step0"] = dict(zip(NAMES, gradient))
            params = adam.step(params, gradient, cfg["lr"], case["wd"])
            if str(step + 1) in case["params_after"]:
                case["params_after"][str(step + 1)] = dict(zip(NAMES, params))
        case["losses"] = losses


def pairs_of(cfg):
    if cfg["task"] == "single":
        return [(0, 1, cfg["tscale"])]
    strengths = np.linspace(cfg["tscale"], cfg["tscale"] * cfg["tfloor"], cfg["n_pairs"])
    return [(i, cfg["n_pairs"] + i, t) for i, t in enumerate(strengths)]


def assigned(scores):
    """Which column serves each row so that the sum is the largest; as many columns as rows at least."""
    best = {0: (0.0, ())}
    for k in range(scores.shape[1]):
        for taken, (sum_, chosen) in list(best.items()):
            for i in range(len(scores)):
                with_it = taken | 1 << i
                if with_it != taken and sum_ + scores[i, k] > best.get(with_it, (-1.0,))[0]:
                    best[with_it] = (sum_ + scores[i, k], (*chosen, (i, k)))
    return [k for _, k in sorted(best[(1 << len(scores)) - 1][1])]


def measures(cfg, params, last):
    w, _, wq, wk = params
    u, s, v = factors(wq.T, wk.T)
    pairs = pairs_of(cfg)
    unit = w.T / np.maximum(np.linalg.norm(w.T, axis=1, keepdims=True), 1e-300)
    between, cu, cv = np.abs(unit @ unit.T), unit @ u, unit @ v
    ranks = assigned(np.array([np.abs(cu[i] * cv[j]) for i, j, _ in pairs]))
    served = sorted({i for pair in pairs for i in pair[:2]})
    rest = [i for i in range(cfg["N"]) if i not in served]
    interference = lambda which: np.mean([(between[i] ** 2).sum() - between[i, i] ** 2 for i in which])
    others = lambda i: np.mean([between[i, j] for j in range(cfg["N"]) if j not in pairs[0][:2]])
    values = np.linalg.eigvalsh(w @ w.T)
    hung = [(abs(cu[i, k]), abs(cv[j, k])) for (i, j, _), k in zip(pairs, ranks)]
    rank = [(abs(cu[i, k]), abs(cv[j, k])) for k, (i, j, _) in enumerate(pairs)]
    found = {"cos_w0_u0": cu[pairs[0][0], 0], "cos_w1_v0": cv[pairs[0][1], 0], "sig2_over_sig1": s[1] / s[0], "w0_others_mean": others(pairs[0][0]), "w1_others_mean": others(pairs[0][1])}
    found |= {"interf_rel": interference(served), "interf_irr": interference(rest), "aniso_E": np.abs(values / values.mean() - 1).max()}
    found |= {"hung_u": np.mean([c for c, _ in hung]), "hung_v": np.mean([c for _, c in hung]), "hung_min": np.min(hung)}
    found |= {"rank_align_u": np.mean([c for c, _ in rank]), "rank_align_v": np.mean([c for _, c in rank])}
    if last:
        omega = wq.T @ wk
        found |= {"sv": s, "eff_target": [w[:, i] @ omega @ w[:, j] for i, j, _ in pairs], "target": [t for _, _, t in pairs]}
        found |= {"hung_sv": [s[k] for k in ranks], "best_k": ranks}
    return found


def train_long(golden):
    for run in golden["runs"]:
        cfg = run["cfg"]
        n, d, h, m, n_queries, steps = (cfg[name] for name in ("N", "D", "H", "m", "B", "steps"))
        template = np.zeros((n, n))
        for i, j, t in pairs_of(cfg):
            template[i, j] = t
        xavier = lambda stream, rows, columns: normal(cfg["seed"], stream, rows * columns).reshape(rows, columns) * math.sqrt(2 / (rows + columns))
        params = [xavier(0, d, n), np.zeros(n), xavier(1, h, d), xavier(2, h, d)]
        adam = Adam(params)
        trace, mid = {at["step"]: None for at in run["trace"]}, {at["step"]: None for at in run["mid"]}
        for step in range(steps + 1):
            if step in mid:
                mid[step] = measures(cfg, params, False) | {"step": step}
            draws = uniform(cfg["seed"], 1000 + step, 2 * n_queries * (1 + m) * n)
            features = np.where(draws[::2] < cfg["p"], draws[1::2], 0.0)
            fq, fk = features[: n_queries * n].reshape(n_queries, n), features[n_queries * n :].reshape(n_queries, m, n)
            loss, gradient = losses_and_gradient(params, template, fq, fk, cfg["lam"], "all")
            if step in trace:
                trace[step] = loss | {"step": step}
            if step < steps:
                lr = cfg["lr"] * ((1 + math.cos(math.pi * step / steps)) / 2 if cfg.get("lr_sched") == "cosine" else 1)
                params = adam.step(params, gradient, lr)
        run["trace"], run["mid"], run["final"] = list(trace.values()), list(mid.values()), measures(cfg, params, True)


# --- comparing


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(inner) for inner in value]
    return value.item() if isinstance(value, np.generic) else value


def difference(found, there):
    """The largest difference between two trees of numbers, relative where they are above 1; infinite where they have another shape."""
    if isinstance(there, dict) and isinstance(found, dict) and found.keys() == there.keys():
        return max((difference(found[key], there[key]) for key in there), default=0.0)
    if isinstance(there, list) and isinstance(found, list) and len(found) == len(there):
        return max((difference(a, b) for a, b in zip(found, there)), default=0.0)
    number = lambda x: isinstance(x, (int, float)) and not isinstance(x, bool)
    if number(there) and number(found):
        return abs(found - there) / max(1.0, abs(there))
    return 0.0 if found == there else math.inf


# What a test allows of the largest difference: whole runs add up what each step rounds.
TOLERANCES = {svd_head: 1e-9, sad: 1e-9, theorem1: 1e-9, null: 1e-7, rng: 1e-14, train: 1e-10, train_long: 1e-8}


def main():
    bad = False
    for make, tolerance in TOLERANCES.items():
        path = HERE / f"{make.__name__}.json"
        there = json.loads(path.read_text())
        found = json.loads(path.read_text())
        make(found)
        found = plain(found)
        off = difference(found, there)
        bad |= off > tolerance
        print(f"{path.name:18} largest difference {off:.1e} (at most {tolerance:.0e})")
        if "--write" in sys.argv:
            path.write_text(json.dumps(found, separators=(",", ":")))
    sys.exit(bad and "--write" not in sys.argv)


if __name__ == "__main__":
    main()
