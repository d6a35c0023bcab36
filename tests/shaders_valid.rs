//! Every shader is valid WGSL for a device with no optional feature, whatever sizes are put into it.
#![cfg(all(feature = "gpu", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

/// Bytes of workgroup memory that every WebGPU device has.
const WORKGROUP_MEMORY: u32 = 16 << 10;
/// Invocations of a workgroup that every WebGPU device runs.
const INVOCATIONS: u32 = 256;

fn parse(name: &str, source: &str) -> (naga::Module, ModuleInfo) {
    let module = naga::front::wgsl::parse_str(source)
        .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(source)));
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&module)
        .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(source)));
    (module, info)
}

#[test]
fn shaders_need_no_capability_and_stay_within_the_baseline_limits() {
    let shaders = omega_lens::gpu::shaders();
    for name in ["gemm", "qr", "pivoted_qr", "jacobi", "certify", "top_k", "span_norms", "activate"]
    {
        assert!(shaders.iter().any(|(shader, _)| shader.starts_with(name)), "{name} is not listed");
    }
    for (name, source) in shaders {
        let (module, info) = parse(&name, &source);
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        for (i, entry) in module.entry_points.iter().enumerate() {
            let used = info.get_entry_point(i);
            let of = |space: fn(&naga::AddressSpace) -> bool| {
                module.global_variables.iter().filter(move |(handle, variable)| {
                    space(&variable.space) && !used[*handle].is_empty()
                })
            };
            let memory: u32 = of(|space| *space == naga::AddressSpace::WorkGroup)
                .map(|(_, variable)| layouter[variable.ty].size)
                .sum();
            assert!(
                memory <= WORKGROUP_MEMORY,
                "{name}.{}: {memory} bytes of workgroup memory",
                entry.name
            );
            let buffers = of(|space| matches!(space, naga::AddressSpace::Storage { .. })).count();
            assert!(buffers <= 8, "{name}.{}: {buffers} storage buffers", entry.name);
            assert!(
                entry.workgroup_size.iter().product::<u32>() <= INVOCATIONS,
                "{name}.{}",
                entry.name
            );
        }
    }
}
