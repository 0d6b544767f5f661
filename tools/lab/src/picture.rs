//! What a picture shows, in numbers that a scenario can judge.

use std::collections::BTreeSet;
use std::io::Cursor;

use crate::error::{LabError, Result};

/// `SIZE`, then how many pixels are not black, and how many colours there are: each a line.
pub(crate) fn describe(png: &[u8]) -> Result<Vec<String>> {
    let wrong = |why: &dyn std::fmt::Display| LabError::Expectation(format!("the picture is no PNG: {why}"));
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().map_err(|error| wrong(&error))?;
    let size = reader.output_buffer_size().ok_or_else(|| wrong(&"it is too large"))?;
    let mut bytes = vec![0; size];
    let info = reader.next_frame(&mut bytes).map_err(|error| wrong(&error))?;
    let samples = info.color_type.samples();
    let pixels = bytes.chunks_exact(samples).map(|pixel| pixel.get(..3.min(samples)).unwrap_or_default());
    let lit = pixels.clone().filter(|pixel| pixel.iter().any(|sample| *sample != 0)).count();
    let colours: BTreeSet<_> = pixels.collect();
    Ok(vec![
        format!("size {}x{}", info.width, info.height),
        format!("lit {lit}"),
        format!("colours {}", colours.len()),
    ])
}

/// The bytes of hexadecimal digits.
pub(crate) fn from_hex(digits: &str) -> Result<Vec<u8>> {
    let wrong =
        || LabError::Expectation("the picture came in something else than hexadecimal digits".to_owned());
    let digits = digits.trim().as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong());
    }
    let byte = |pair: &[u8; 2]| {
        let text = core::str::from_utf8(pair).ok().filter(|text| !text.starts_with('+'))?;
        u8::from_str_radix(text, 16).ok()
    };
    pairs.iter().map(|pair| byte(pair).ok_or_else(wrong)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(pixels: &[[u8; 3]]) -> Vec<u8> {
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, u32::try_from(pixels.len()).unwrap(), 1);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(pixels.as_flattened()).unwrap();
        png
    }

    #[test]
    fn describe_counts_what_is_lit_and_the_colours() {
        let lines = describe(&picture(&[[0; 3], [0, 0, 1], [255; 3], [255; 3]])).unwrap();
        assert_eq!(lines, ["size 4x1", "lit 3", "colours 3"]);
        assert_eq!(describe(&picture(&[[0; 3]; 2])).unwrap()[1], "lit 0");
    }

    #[test]
    fn from_hex_takes_digits_only() {
        assert_eq!(from_hex("00ffA0\r").unwrap(), [0, 255, 160]);
        assert!(from_hex("").unwrap().is_empty());
        for other in ["0", "0g", "+1", "0 0", "\u{e9}"] {
            assert!(from_hex(other).is_err(), "{other}");
        }
    }

    #[test]
    fn describe_other_bytes_are_an_error() {
        assert!(describe(b"PNG").unwrap_err().to_string().contains("no PNG"));
    }
}
