//! Every shader is valid WGSL for a device with no optional feature, whatever sizes are put into it.
#![cfg(all(feature = "gpu", not(target_arch = "wasm32")))]

use naga::valid::{Capabilities, ValidationFlags, Validator};

/// Bytes of workgroup memory that every WebGPU device has.
const WORKGROUP_MEMORY: u32 = 16 << 10;

#[test]
fn shaders_are_valid_without_any_capability() {
    let shaders = omega_lens::gpu::shaders();
    assert!(shaders.len() >= 6, "only {} shaders", shaders.len());
    for (name, source) in shaders {
        let module = naga::front::wgsl::parse_str(&source)
            .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(&source)));
        let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
        let info = validator
            .validate(&module)
            .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(&source)));
        drop(info);
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).expect("layout");
        let memory: u32 = module
            .global_variables
            .iter()
            .filter(|(_, variable)| variable.space == naga::AddressSpace::WorkGroup)
            .map(|(_, variable)| layouter[variable.ty].size)
            .sum();
        assert!(memory <= WORKGROUP_MEMORY, "{name}: {memory} bytes of workgroup memory");
        for entry in &module.entry_points {
            assert!(entry.workgroup_size.iter().product::<u32>() <= 256, "{name}.{}", entry.name);
        }
    }
}
