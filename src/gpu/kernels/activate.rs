//! The non-linearity of an MLP, with its bias and its gate. CPU twin: `Activation::apply` of `model::activation`.

use crate::gpu::buffers::Buffer;
use crate::gpu::commands::{Commands, Dispatch};
use crate::gpu::device::Gpu;
use crate::gpu::error::GpuError;
use crate::gpu::kernel::Kernel;
use crate::model::activation::Activation;

pub(in crate::gpu) const ACTIVATE: Kernel =
    Kernel { name: "activate", source: include_str!("activate.wgsl"), entry: "activate" };

/// How many activations the shader knows.
const KINDS: u32 = 6;

/// The shader's number of an activation; `None` for one that it does not know.
fn kind(activation: &Activation) -> Option<u32> {
    Some(match activation {
        Activation::Relu => 0,
        Activation::Gelu => 1,
        Activation::GeluTanh => 2,
        Activation::QuickGelu => 3,
        Activation::Silu => 4,
        Activation::Relu2 => 5,
        Activation::ScaledSilu(_) | Activation::Xielu { .. } | Activation::Unknown(_) => {
            return None;
        }
    })
}

/// Whether the shader has an activation.
pub(in crate::gpu) fn knows(activation: &Activation) -> bool {
    kind(activation).is_some()
}

/// Every set of sizes.
pub(in crate::gpu) fn variants() -> impl Iterator<Item = [(&'static str, u32); 2]> {
    (0..2 * KINDS).map(|i| [("KIND", i / 2), ("GATED", i % 2)])
}

/// Hidden layers of some positions.
pub(in crate::gpu) struct Activate<'a> {
    pub(in crate::gpu) activation: &'a Activation,
    pub(in crate::gpu) gated: bool,
    pub(in crate::gpu) rows: usize,
    /// Results in a row; a row holds twice as many numbers where there is a gate.
    pub(in crate::gpu) width: usize,
    /// `[stride]`
    pub(in crate::gpu) bias: &'a Buffer,
    /// `[rows, stride]`
    pub(in crate::gpu) hidden: &'a Buffer,
}

impl Commands<'_> {
    pub(in crate::gpu) async fn activate(
        &mut self,
        gpu: &Gpu,
        work: Activate<'_>,
    ) -> Result<(), GpuError> {
        let Activate { activation, gated, rows, width, bias, hidden } = work;
        let kind = kind(activation).ok_or_else(|| GpuError::Shader {
            kernel: "activate".into(),
            message: format!("it does not know {activation:?}"),
        })?;
        let stride = if gated { 2 * width } else { width };
        let constants = [("KIND", kind), ("GATED", u32::from(gated))];
        self.dispatch(Dispatch {
            pipeline: &gpu.pipeline(&ACTIVATE, &constants).await?,
            params: &[rows, width, stride].map(|x| x as u32),
            buffers: &[(1, bias), (2, hidden)],
            groups: [width.div_ceil(64), rows, 1],
            cost: 30.0 * (rows * width) as f64,
        })
        .await
    }
}

impl Gpu {
    /// Rows of a hidden layer `[rows, bias.len()]` with the bias added, activated; with a gate, the first half of each row
    /// activated and multiplied with the second. Results `[rows, width]`.
    ///
    /// # Errors
    /// [`GpuError::Shape`] if the rows are not as long as the bias, or not even where there is a gate; [`GpuError::Shader`]
    /// for an activation that is not known; [`GpuError::Limit`], [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub async fn activate(
        &self,
        activation: &Activation,
        gated: bool,
        bias: &[f32],
        values: &[f32],
    ) -> Result<Vec<f32>, GpuError> {
        let stride = bias.len();
        let fits = stride > 0 && values.len().is_multiple_of(stride);
        if !fits || (gated && !stride.is_multiple_of(2)) {
            let what = "numbers in the hidden rows";
            return Err(GpuError::Shape { what, expected: stride, found: values.len() });
        }
        let [bias_buffer, hidden] = self.allocate("a hidden layer", [stride, values.len()]).await?;
        self.write(&bias_buffer, 0, bias);
        self.write(&hidden, 0, values);
        let (rows, width) = (values.len() / stride, if gated { stride / 2 } else { stride });
        let mut commands = self.commands().await?;
        let (bias, hidden) = (&bias_buffer, &hidden);
        commands.activate(self, Activate { activation, gated, rows, width, bias, hidden }).await?;
        commands.finish().await?;
        let [found] = self.read([(hidden, values.len())]).await?;
        Ok(found.chunks_exact(stride).flat_map(|row| &row[..width]).copied().collect())
    }
}
