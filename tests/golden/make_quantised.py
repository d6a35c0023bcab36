"""Quantised matrices and what they stand for, in numpy: writes tests/golden/quantised/NAME/{config.json,model.safetensors,expected.safetensors}.

    python tests/golden/make_quantised.py

Codes are drawn, packed bit by bit as the format's own writer does, and decoded by the format's formula without unpacking anything.
The folders mlx_* come from MLX itself where it is installed (`pip install "mlx[cpu]"`): quantised by mx.quantize, expected by
mx.dequantize; without it they are left as they are. Every matrix is [d_out, d_in] as a torch Linear has it.
"""

import json
import os

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "quantised")
rng = np.random.default_rng(13)
F16 = np.float16


def write(name, config, tensors, expected):
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file)
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, os.path.join(folder, "model.safetensors"))
    expected = {k: np.ascontiguousarray(v.astype(np.float32)) for k, v in expected.items()}
    save_file(expected, os.path.join(folder, "expected.safetensors"))


def stream(codes, bits):
    """The last axis as one stream of bits, lowest first, in words of 32."""
    flat = (codes[..., None].astype(np.uint64) >> np.arange(bits, dtype=np.uint64)) & 1
    flat = flat.reshape(*codes.shape[:-1], -1, 32)
    return (flat << np.arange(32, dtype=np.uint64)).sum(-1).astype(np.uint32)


def scales(*shape):
    return rng.uniform(0.005, 0.05, shape)


# FP8 e4m3: one scale for all, one for each row, blocks of 128 x 128 that do not come out even, blocks of another size.
def fp8(shape):
    return rng.uniform(-3, 3, shape).astype(ml_dtypes.float8_e4m3fn)


fp8_config = {"quantization_config": {"quant_method": "fp8"}}
codes, s = fp8((24, 40)), np.float32(0.0625 * 1.3)
rows, row_scales = fp8((24, 40)), scales(24, 1).astype(ml_dtypes.bfloat16)
write("fp8_tensor_and_row", fp8_config,
      {"m.a.weight": codes, "m.a.weight_scale": np.array(s), "m.a.input_scale": np.array(np.float32(1.5)),
       "m.b.weight": rows, "m.b.weight_scale": row_scales, "m.norm.weight": np.ones(40, np.float32)},
      {"m.a.weight": codes.astype(np.float32) * s, "m.b.weight": rows.astype(np.float32) * row_scales.astype(np.float32),
       "m.norm.weight": np.ones(40)})
codes, s = fp8((136, 260)), scales(2, 3).astype(np.float32)
spread = np.kron(s, np.ones((128, 128)))[:136, :260].astype(np.float32)
write("fp8_blocks", {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}},
      {"m.a.weight": codes, "m.a.weight_scale_inv": s}, {"m.a.weight": codes.astype(np.float32) * spread})
codes, s = fp8((24, 40)), scales(3, 3).astype(np.float32)
spread = np.kron(s, np.ones((8, 16)))[:24, :40].astype(np.float32)
write("fp8_small_blocks", {"quantization_config": {"quant_method": "fp8", "weight_block_size": [8, 16]}},
      {"m.a.weight": codes, "m.a.weight_scale_inv": s}, {"m.a.weight": codes.astype(np.float32) * spread})

# MXFP4: sixteen values, 32 to a power of two, the low half of a byte first; of experts the two axes change places.
VALUES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])
e, r, g = 3, 6, 2
codes, powers = rng.integers(0, 16, (e, r, g, 32)), rng.integers(118, 130, (e, r, g))
full = (VALUES[codes] * 2.0 ** (powers[..., None] - 127)).reshape(e, r, g * 32)
write("mxfp4", {"quantization_config": {"quant_method": "mxfp4"}},
      {"l.mlp.experts.gate_up_proj_blocks": (codes[..., 0::2] | codes[..., 1::2] << 4).astype(np.uint8),
       "l.mlp.experts.gate_up_proj_scales": powers.astype(np.uint8),
       "l.mlp.experts.gate_up_proj_bias": np.zeros((e, r), np.float32)},
      {"l.mlp.experts.gate_up_proj": full.transpose(0, 2, 1)})

# GPTQ: codes along the inputs, zeros along the outputs; version 1 stores zero - 1.
def gptq(bits, d_in, d_out, group, sorted_inputs, version, name):
    n = d_in // group
    codes, zeros = rng.integers(0, 2**bits, (d_in, d_out)), rng.integers(1, 2**bits, (n, d_out))
    s = scales(n, d_out).astype(F16)
    of = rng.permutation(np.arange(d_in) // group) if sorted_inputs else np.arange(d_in) // group
    stored = zeros - 1 if version == 1 else zeros
    tensors = {"m.q_proj.qweight": stream(codes.T, bits).T.astype(np.int32), "m.q_proj.scales": s,
               "m.q_proj.qzeros": stream(stored, bits).astype(np.int32), "m.q_proj.g_idx": of.astype(np.int32),
               "m.q_proj.bias": np.arange(d_out).astype(F16)}
    if not sorted_inputs:
        del tensors["m.q_proj.g_idx"]
    weight = s[of].astype(np.float32) * (codes - zeros[of])
    config = {"quant_method": "gptq", "bits": bits, "group_size": group, "desc_act": sorted_inputs}
    if version == 2:
        config["checkpoint_format"] = "gptq_v2"
    write(name, {"quantization_config": config}, tensors,
          {"m.q_proj.weight": weight.T, "m.q_proj.bias": np.arange(d_out)})


gptq(4, 64, 24, 16, True, 1, "gptq_4_sorted")
gptq(8, 32, 16, 32, False, 1, "gptq_8")
gptq(3, 64, 32, 32, False, 1, "gptq_3")
gptq(2, 32, 16, 16, False, 2, "gptq_2_second_version")

# AWQ: codes along the outputs, eight to a word in the order 0 2 4 6 1 3 5 7.
d_in, d_out, group = 32, 24, 16
codes, zeros = rng.integers(0, 16, (d_in, d_out)), rng.integers(0, 16, (d_in // group, d_out))
s = scales(d_in // group, d_out).astype(F16)
order = [0, 2, 4, 6, 1, 3, 5, 7]


def awq(codes):
    words = np.zeros((codes.shape[0], codes.shape[1] // 8), np.uint32)
    for place, output in enumerate(order):
        words |= codes[:, output::8].astype(np.uint32) << np.uint32(4 * place)
    return words.astype(np.int32)


of = np.arange(d_in) // group
write("awq", {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": group, "version": "gemm", "zero_point": True}},
      {"m.q_proj.qweight": awq(codes), "m.q_proj.qzeros": awq(zeros), "m.q_proj.scales": s},
      {"m.q_proj.weight": (s[of].astype(np.float32) * (codes - zeros[of])).T})

# bitsandbytes: int8 by row; NF4 in blocks of 64 of the flat matrix; the scales quantised once more.
NF4 = np.array([-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
                -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
                0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0], np.float32)
FP4 = np.array([0, 0.0052083333, 0.6666667, 1, 0.3333333, 0.5, 0.16666667, 0.25, 0, -0.0052083333, -0.6666667, -1, -0.3333333,
                -0.5, -0.16666667, -0.25], np.float32)
codes, row_max = rng.integers(-127, 128, (12, 20)).astype(np.int8), rng.uniform(0.5, 2, 12).astype(np.float32)
write("bnb_int8", {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}},
      {"m.q_proj.weight": codes, "m.q_proj.SCB": row_max, "m.q_proj.weight_format": np.array(0, np.uint8)},
      {"m.q_proj.weight": codes.astype(np.float64) * row_max[:, None] / 127})


def four_bits(table, kind, nested, name):
    shape, block = (20, 48), 64
    codes = rng.integers(0, 16, shape[0] * shape[1])
    n = codes.size // block
    packed = (codes[0::2] << 4 | codes[1::2]).astype(np.uint8)[:, None]
    state = {"quant_type": kind, "blocksize": block, "dtype": "bfloat16", "shape": list(shape)}
    tensors = {"m.q_proj.weight": packed, "m.q_proj.weight.quant_map": table}
    if nested:
        map256 = np.sort(rng.uniform(-1, 1, 256)).astype(np.float32)
        inner, outer, offset = rng.integers(0, 256, n), rng.uniform(0.01, 0.02, -(-n // 4)).astype(np.float32), 0.03
        absmax = map256[inner] * outer[np.arange(n) // 4] + np.float32(offset)
        tensors |= {"m.q_proj.weight.absmax": inner.astype(np.uint8), "m.q_proj.weight.nested_absmax": outer,
                    "m.q_proj.weight.nested_quant_map": map256}
        state |= {"nested_blocksize": 4, "nested_offset": offset, "nested_dtype": "float32"}
    else:
        absmax = rng.uniform(0.01, 0.06, n).astype(np.float32)
        tensors["m.q_proj.weight.absmax"] = absmax
    state = np.frombuffer(json.dumps(state).encode(), np.uint8)
    tensors[f"m.q_proj.weight.quant_state.bitsandbytes__{kind}"] = state
    weight = (table[codes].reshape(n, block) * absmax[:, None]).reshape(shape)
    write(name, {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, tensors, {"m.q_proj.weight": weight})


four_bits(NF4, "nf4", True, "bnb_nf4_nested")
four_bits(FP4, "fp4", False, "bnb_fp4")

# compressed-tensors: packed with 2^(bits-1) added, zeros packed along the outputs or absent; int8 that is not packed.
def compressed(bits, d_out, d_in, group, asymmetric, sorted_inputs, name):
    per, half, n = 32 // bits, 2 ** (bits - 1), d_in // group
    codes, s = rng.integers(-half, half, (d_out, d_in)), scales(d_out, n).astype(ml_dtypes.bfloat16)
    zeros = rng.integers(-half, half, (d_out, n)) if asymmetric else np.zeros((d_out, n), int)
    of = rng.permutation(np.arange(d_in) // group) if sorted_inputs else np.arange(d_in) // group

    def pack(codes):
        padded = np.pad(codes + half, ((0, 0), (0, -codes.shape[1] % per)))
        return stream(padded, bits).astype(np.int32)

    tensors = {"m.q_proj.weight_packed": pack(codes), "m.q_proj.weight_scale": s,
               "m.q_proj.weight_shape": np.array([d_out, d_in], np.int64)}
    if asymmetric:
        tensors["m.q_proj.weight_zero_point"] = pack(zeros.T).T
    if sorted_inputs:
        tensors["m.q_proj.weight_g_idx"] = of.astype(np.int32)
    weight = (codes - zeros[:, of]) * s.astype(np.float32)[:, of]
    config = {"quant_method": "compressed-tensors", "format": "pack-quantized"}
    write(name, {"quantization_config": config}, tensors, {"m.q_proj.weight": weight})


compressed(4, 16, 64, 32, False, False, "compressed_int4")
compressed(4, 20, 64, 16, True, True, "compressed_int4_zeros")
compressed(8, 12, 30, 30, False, False, "compressed_int8_rows")
codes, s = rng.integers(-127, 128, (10, 24)).astype(np.int8), scales(10, 1).astype(ml_dtypes.bfloat16)
write("compressed_int8", {"compression_config": {"quant_method": "compressed-tensors", "format": "int-quantized"}},
      {"m.q_proj.weight": codes, "m.q_proj.weight_scale": s}, {"m.q_proj.weight": codes * s.astype(np.float32)})

try:
    import mlx.core as mx
except ImportError:
    mx = None
if mx:
    for bits, group, dtype in [(2, 32, mx.float16), (3, 32, mx.bfloat16), (4, 64, mx.float16), (5, 32, mx.float32), (6, 32, mx.bfloat16), (8, 128, mx.float32)]:
        weight = mx.array(rng.standard_normal((12, 128)).astype(np.float32)).astype(dtype)
        q, s, b = mx.quantize(weight, group_size=group, bits=bits)
        to = lambda x: np.array(x.astype(mx.float32))  # noqa: E731
        # The scale and the offset as they are stored; MLX multiplies in their own width, we in f32.
        full = mx.dequantize(q, s.astype(mx.float32), b.astype(mx.float32), group_size=group, bits=bits)
        kind = {mx.float16: F16, mx.bfloat16: ml_dtypes.bfloat16, mx.float32: np.float32}[dtype]
        write(f"mlx_{bits}", {"quantization": {"group_size": group, "bits": bits}},
              {"m.q_proj.weight": np.array(q), "m.q_proj.scales": to(s).astype(kind), "m.q_proj.biases": to(b).astype(kind)},
              {"m.q_proj.weight": to(full)})
    weight = mx.array(rng.standard_normal((12, 64)).astype(np.float32))
    q, s = mx.quantize(weight, group_size=32, bits=4, mode="mxfp4")
    write("mlx_mxfp4", {"quantization": {"group_size": 32, "bits": 4, "mode": "mxfp4"}},
          {"m.q_proj.weight": np.array(q), "m.q_proj.scales": np.array(s)},
          {"m.q_proj.weight": np.array(mx.dequantize(q, s, group_size=32, bits=4, mode="mxfp4", dtype=mx.float32))})
