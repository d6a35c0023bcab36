//! A kernel: WGSL text, an entry point, and the sizes that are put into the text before it is compiled.
//!
//! Sizes are substituted as text and not passed as `override` constants: Safari mis-sizes workgroup arrays that use
//! those, and a known trip count lets every driver unroll. A shader stays valid WGSL as it stands in its file,
//! but for `expand` of `half.wgsl`, which is put before those that read half precision.

use super::device::{Gpu, locked};
use super::error::GpuError;

/// One entry point of one `.wgsl` file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernel {
    pub(super) name: &'static str,
    pub(super) source: &'static str,
    pub(super) entry: &'static str,
}

/// The source with `const NAME: u32 = …;` replaced by the given values.
///
/// # Errors
/// [`GpuError::Shader`] if the source has no such constant.
pub(super) fn with_constants(
    kernel: &Kernel,
    constants: &[(&str, u32)],
) -> Result<String, GpuError> {
    let mut text = kernel.source.to_owned();
    for (name, value) in constants {
        let head = format!("const {name}: u32 = ");
        let found = text.find(&head).and_then(|at| {
            let start = at + head.len();
            text[start..].find(';').map(|length| start..start + length)
        });
        let Some(range) = found else {
            let kernel = format!("{}.{}", kernel.name, kernel.entry);
            return Err(GpuError::Shader { kernel, message: format!("it has no constant {name}") });
        };
        text.replace_range(range, &format!("{value}u"));
    }
    Ok(text)
}

impl Gpu {
    /// The compiled kernel, from the cache after the first time.
    ///
    /// # Errors
    /// [`GpuError::Shader`] with the compiler's words; [`GpuError::Lost`].
    pub(super) async fn pipeline(
        &self,
        kernel: &Kernel,
        constants: &[(&str, u32)],
    ) -> Result<wgpu::ComputePipeline, GpuError> {
        self.check()?;
        let key = format!("{}.{} {constants:?}", kernel.name, kernel.entry);
        if let Some(pipeline) = locked(&self.pipelines).get(&key) {
            return Ok(pipeline.clone());
        }
        let text = with_constants(kernel, constants)?;
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let inner = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(kernel.name),
            source: wgpu::ShaderSource::Wgsl(text.into()),
        });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(&key),
            layout: None,
            module: &module,
            entry_point: Some(kernel.entry),
            compilation_options: Default::default(),
            cache: None,
        });
        let (inner, outer) = (inner.pop(), scope.pop());
        if let Some(error) = inner.await.or(outer.await) {
            return Err(GpuError::Shader { kernel: key, message: error.to_string() });
        }
        locked(&self.pipelines).insert(key, pipeline.clone());
        Ok(pipeline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::device::GpuOptions;
    use crate::gpu::skip;

    #[test]
    fn constants_are_replaced_and_missing_ones_are_refused() {
        let kernel = Kernel { name: "k", source: "const H: u32 = 64u; // size", entry: "main" };
        assert_eq!(
            with_constants(&kernel, &[("H", 8)]),
            Ok("const H: u32 = 8u; // size".to_owned())
        );
        assert!(with_constants(&kernel, &[("N", 8)]).is_err());
    }

    #[test]
    fn a_shader_that_does_not_compile_is_an_error_in_words() {
        let gpu = match pollster::block_on(Gpu::request(GpuOptions::new(|| 0.0))) {
            Ok(gpu) => gpu,
            Err(GpuError::NoAdapter { .. } | GpuError::NoBackend) if skip::skips("gpu") => return,
            Err(error) => panic!("{error}: install a Vulkan driver, or set OMEGA_SKIP=gpu"),
        };
        for (source, entry) in
            [("fn main( {", "main"), ("@compute @workgroup_size(1) fn main() {}", "other")]
        {
            let error = pollster::block_on(gpu.pipeline(&Kernel { name: "k", source, entry }, &[]));
            assert!(matches!(&error, Err(GpuError::Shader { .. })), "{error:?}");
        }
        assert!(!gpu.lost());
    }
}
