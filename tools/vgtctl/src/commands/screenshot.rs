//! `vgtctl screenshot`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use libxengt::addr::{DomId, GuestGma, HostGma};
use libxengt::display::{Capture, Plane, capture};
use libxengt::fence::{Fence, FenceReg};
use libxengt::gtt::Ggtt;
use libxengt::host::Host;
use libxengt::inspect::{MmioImage, VirtualGgtt};
use libxengt::memory::GuestMemory;
use serde_json::json;

use super::domains::resolve;
use super::gtt::{guest_memory, spec};
use crate::cli::{Screenshot, Via};
use crate::exit_code;
use crate::failure::Failure;
use crate::output::{Report, size};

pub(super) fn run(host: &Host, options: &Screenshot) -> Result<Report, Failure> {
    let domid = resolve(host, &options.domain)?;
    host.control().get(domid)?;
    let generation = host.gpu()?.generation()?;
    let plane = MmioImage::open(host.root(), domid)?.plane(generation)??;
    let picture = match options.via {
        Via::Memory => by_memory(host, domid, &plane)?,
        Via::Aperture => by_aperture(host, domid, &plane)?,
    };
    save(&options.file, &picture).map_err(|error| {
        let code = if error.kind() == io::ErrorKind::PermissionDenied {
            exit_code::NO_PERMISSION
        } else {
            exit_code::FAILURE
        };
        Failure::new(code, format!("cannot write {}: {error}", options.file.display()))
            .hint("name a file in a directory that exists and that you can write")
    })?;
    let tiling = plane.tiling.map_or("linear".to_owned(), |tiling| format!("{tiling:?}-tiled"));
    let code = if picture.missing == 0 { exit_code::DONE } else { exit_code::WARNINGS };
    let missing = if picture.missing == 0 {
        String::new()
    } else {
        format!(", {} could not be read and are black", size(picture.missing))
    };
    let text = format!(
        "saved {}: {}x{} pixels, {tiling}, pitch {} bytes{missing}\n",
        options.file.display(),
        picture.width,
        picture.height,
        plane.pitch
    );
    let json = json!({
        "file": options.file,
        "width": picture.width,
        "height": picture.height,
        "tiling": plane.tiling.map(|tiling| format!("{tiling:?}")),
        "pitch_bytes": plane.pitch,
        "missing_bytes": picture.missing,
    });
    Ok(Report::done(text, json)?.with_code(code))
}

fn by_memory(host: &Host, domid: DomId, plane: &Plane) -> Result<Capture, Failure> {
    let ggtt = Ggtt::<GuestGma, _>::new(VirtualGgtt::open(host.root(), domid)?, spec(host)?);
    let memory = guest_memory(host, domid)?;
    let page = |at: u64, out: &mut [u8]| {
        let gma = plane.surface.checked_add(at)?;
        let gpa = ggtt.translate(gma).ok()?.addr;
        memory.read(gpa, out).ok()
    };
    Ok(capture(plane, |at, out| page(at, out).is_some())?)
}

fn by_aperture(host: &Host, domid: DomId, plane: &Plane) -> Result<Capture, Failure> {
    let gpu = host.gpu()?;
    let vgpu = host.control().get(domid)?;
    let Some(window) = vgpu.window else {
        return Err(Failure::new(exit_code::UNSUPPORTED, "this kernel does not show the vGPU's window")
            .hint("use --via memory"));
    };
    let base = window.g2h(plane.surface)?;
    let mmio = gpu.map_mmio()?;
    let mut fenced = false;
    for index in vgpu.fences.unwrap_or_default() {
        let register = FenceReg::from(mmio.read_u64(index.mmio_offset())?);
        fenced |=
            Fence::<HostGma>::decode(register).is_ok_and(|fence| fence.is_some_and(|f| f.contains(base)));
    }
    // The hardware has detiled what a fence covers.
    let seen = if fenced { Plane { tiling: None, ..*plane } } else { *plane };
    let aperture = gpu.map_aperture()?;
    let page = |at: u64, out: &mut [u8]| {
        let gma = plane.surface.checked_add(at)?;
        aperture.read(window.g2h(gma).ok()?.get(), out).ok()
    };
    Ok(capture(&seen, |at, out| page(at, out).is_some())?)
}

/// Writes the file beside its name first: a failure leaves what was there before.
fn save(path: &Path, picture: &Capture) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        // The rename below would put a file in the place of a device, a FIFO or a link.
        Ok(there) if !there.is_file() => return Err(io::Error::other("it exists and is no regular file")),
        _ => {}
    }
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!(".{}.part", std::process::id()));
    let staged = Path::new(&staged);
    let write = || {
        let mut file = BufWriter::new(File::create_new(staged)?);
        let mut encoder = png::Encoder::new(&mut file, picture.width, picture.height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&picture.rgba)?;
        writer.finish()?;
        file.flush()?;
        fs::rename(staged, path)
    };
    write().inspect_err(|_| {
        // Nothing half-written stays; that it was never made is no second failure.
        let _absent = fs::remove_file(staged);
    })
}
