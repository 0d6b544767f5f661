//! A picture of what a pipe scans out.
#![forbid(unsafe_code)]

use libxengt::addr::HostGma;
use libxengt::display::{Capture, CaptureError, Plane, PlaneError, capture};
use libxengt::memory::GuestMemory;
use libxengt::platform::Generation;

use crate::bits::low;
use crate::device::Device;

/// From one pipe's registers to the next one's.
const PIPE_STRIDE: u64 = 0x1000;
const PIPES: u64 = 3;

/// A picture that cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScreenshotError {
    /// No pipe's primary plane shows anything that can be read; the first one's reason.
    #[error(transparent)]
    Plane(#[from] PlaneError),
    /// The plane's registers contradict each other.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The picture cannot be packed.
    #[error("cannot write the picture: {0}")]
    Png(#[from] png::EncodingError),
}

/// What the first pipe that shows something shows.
///
/// # Errors
/// [`ScreenshotError`] if none does.
pub fn picture(device: &Device) -> Result<Capture, ScreenshotError> {
    let mut first = None;
    for pipe in 0..PIPES {
        let read =
            |offset: u64| Ok::<_, PlaneError>(device.registers().get(low(offset + pipe * PIPE_STRIDE)));
        match Plane::decode(Generation::Gen9, read)? {
            Ok(plane) => return Ok(capture(&plane, |at, out| read_page(device, &plane, at, out))?),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or(PlaneError::Off { control: 0 }).into())
}

/// Copies a page of the plane's surface, through the global GTT.
fn read_page(device: &Device, plane: &Plane, at: u64, out: &mut [u8]) -> bool {
    let gma = HostGma::from_truncated(plane.surface.get().wrapping_add(at));
    let maddr = device.gtt().translate(gma);
    maddr.is_some_and(|maddr| device.memory().read(maddr, out).is_ok())
}

/// The same as a PNG file.
///
/// # Errors
/// [`ScreenshotError`].
pub fn png(device: &Device) -> Result<Vec<u8>, ScreenshotError> {
    let picture = picture(device)?;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.rgba)?;
    writer.finish()?;
    Ok(file)
}
