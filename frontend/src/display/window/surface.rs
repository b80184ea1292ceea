//! What the window is drawn on: a texture of the host's GPU, or where there is none, memory that the windowing system shows.

use std::num::NonZeroU32;
use std::sync::Arc;

use pixels::wgpu::DeviceType;
use pixels::{Pixels, SurfaceTexture};
use winit::dpi::PhysicalSize;
use winit::window::Window;

/// Chooses by hand: `gpu` or `software`. For hosts whose driver is at fault.
const CHOICE: &str = "FERRITE_SURFACE";

enum Target {
    Gpu(Box<Pixels<'static>>),
    Software(softbuffer::Surface<Arc<Window>, Arc<Window>>),
}

/// The inside of a window.
pub struct Surface {
    target: Target,
    size: PhysicalSize<u32>,
    /// The picture for a GPU, before its bytes are put in its order.
    scratch: Vec<u32>,
}

impl Surface {
    /// Draws on a GPU where there is one.
    ///
    /// # Errors
    /// Why neither way can be had, in a line.
    pub fn new(window: &Arc<Window>) -> Result<Self, String> {
        let size = window.inner_size();
        let choice = std::env::var(CHOICE).unwrap_or_default();
        let gpu = if choice == "software" { Err("not wanted".to_owned()) } else { gpu(window, size, choice == "gpu") };
        let target = match gpu {
            Ok(pixels) => Target::Gpu(Box::new(pixels)),
            Err(why) => {
                tracing::info!("drawing without a GPU: {why}");
                Target::Software(software(window)?)
            }
        };
        let mut surface = Self { target, size: PhysicalSize::new(0, 0), scratch: Vec::new() };
        surface.resize(size)?;
        Ok(surface)
    }

    /// Columns and rows.
    pub fn size(&self) -> (u32, u32) {
        (self.size.width, self.size.height)
    }

    /// The window has another size.
    ///
    /// # Errors
    /// Why it cannot be drawn at this size, in a line.
    pub fn resize(&mut self, size: PhysicalSize<u32>) -> Result<(), String> {
        let (Some(width), Some(height)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else {
            return Ok(()); // minimised
        };
        if size != self.size {
            match &mut self.target {
                Target::Gpu(pixels) => {
                    pixels.resize_surface(size.width, size.height).map_err(|e| e.to_string())?;
                    pixels.resize_buffer(size.width, size.height).map_err(|e| e.to_string())?;
                }
                Target::Software(surface) => surface.resize(width, height).map_err(|e| e.to_string())?,
            }
            self.size = size;
        }
        Ok(())
    }

    /// Shows what `draw` puts into the rows of `0x00RRGGBB`.
    ///
    /// # Errors
    /// Why it cannot be shown, in a line.
    pub fn present(&mut self, draw: impl FnOnce(&mut [u32])) -> Result<(), String> {
        let len = self.size.width as usize * self.size.height as usize;
        if len == 0 {
            return Ok(());
        }
        match &mut self.target {
            Target::Gpu(pixels) => {
                self.scratch.resize(len, 0);
                draw(&mut self.scratch);
                for (rgba, pixel) in pixels.frame_mut().chunks_exact_mut(4).zip(&self.scratch) {
                    let [b, g, r, _] = pixel.to_le_bytes();
                    rgba.copy_from_slice(&[r, g, b, 0xff]);
                }
                pixels.render().map_err(|e| e.to_string())
            }
            Target::Software(surface) => {
                let mut buffer = surface.buffer_mut().map_err(|e| e.to_string())?;
                if buffer.len() == len {
                    draw(&mut buffer);
                }
                buffer.present().map_err(|e| e.to_string())
            }
        }
    }
}

fn gpu(window: &Arc<Window>, size: PhysicalSize<u32>, any: bool) -> Result<Pixels<'static>, String> {
    let (width, height) = (size.width.max(1), size.height.max(1));
    let texture = SurfaceTexture::new(width, height, Arc::clone(window));
    let pixels = Pixels::new(width, height, texture).map_err(|e| e.to_string())?;
    let adapter = pixels.adapter().get_info();
    // A GPU in software is the slower of the two ways without a GPU.
    if adapter.device_type == DeviceType::Cpu && !any {
        return Err(format!("`{}` is software", adapter.name));
    }
    Ok(pixels)
}

fn software(window: &Arc<Window>) -> Result<softbuffer::Surface<Arc<Window>, Arc<Window>>, String> {
    let context = softbuffer::Context::new(Arc::clone(window)).map_err(|e| e.to_string())?;
    softbuffer::Surface::new(&context, Arc::clone(window)).map_err(|e| e.to_string())
}
