//! The screenshot's pixels, against what the test card is said to show.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::program;

const WIDTH: u32 = 1024;
const HEIGHT: u32 = 768;

struct Picture {
    rgba: Vec<u8>,
}

impl Picture {
    fn read(path: &Path) -> Self {
        let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
        let mut rgba = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rgba).unwrap();
        assert_eq!((info.width, info.height), (WIDTH, HEIGHT));
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgba, png::BitDepth::Eight));
        Self { rgba }
    }

    fn pixel(&self, x: u32, y: u32) -> [u8; 4] {
        let at = usize::try_from(4 * (y * WIDTH + x)).unwrap();
        self.rgba[at..at + 4].try_into().unwrap()
    }
}

/// The colour that the card has at a place, by its description: bars, a ramp, corners. `None` on the plate
/// with the words.
fn expected(x: u32, y: u32) -> Option<[u8; 4]> {
    const WHITE: [u8; 4] = [255, 255, 255, 255];
    const RED: [u8; 4] = [255, 0, 0, 255];
    const GREEN: [u8; 4] = [0, 255, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];
    const YELLOW: [u8; 4] = [255, 255, 0, 255];
    const CYAN: [u8; 4] = [0, 255, 255, 255];
    const MAGENTA: [u8; 4] = [255, 0, 255, 255];
    const BLACK: [u8; 4] = [0, 0, 0, 255];
    const BARS: [[u8; 4]; 8] = [WHITE, YELLOW, CYAN, GREEN, MAGENTA, RED, BLUE, BLACK];
    let (left, right, top, bottom) = (x < 48, x >= WIDTH - 48, y < 48, y >= HEIGHT - 48);
    match (left, right, top, bottom) {
        (true, _, true, _) => Some(RED),
        (_, true, true, _) => Some(GREEN),
        (_, true, _, true) => Some(BLUE),
        (true, _, _, true) => Some(WHITE),
        // "XENGT DOMAIN 1": fourteen letters of 48 pixels, with a margin.
        _ if (104..800).contains(&x) && (284..372).contains(&y) => None,
        _ if y >= 576 => {
            let grey = u8::try_from(x * 255 / 1023).unwrap();
            Some([grey, grey, grey, 255])
        }
        _ => BARS.get(usize::try_from(x / 128).unwrap()).copied(),
    }
}

fn shoot(dir: &Path, domid: &str, via: &str) -> Picture {
    let file = dir.join(format!("{domid}-{via}.png"));
    let done = program::command()
        .current_dir(dir)
        .args(["--sim=sim", "screenshot", "--domid", domid, "--via", via])
        .arg(&file)
        .output()
        .unwrap();
    assert!(matches!(done.status.code(), Some(0 | 7)), "{done:?}");
    Picture::read(&file)
}

fn create(dir: &Path, domid: &str) {
    let made = program::command().current_dir(dir).args(["--sim=sim", "create", "--domid", domid]).output();
    assert!(made.unwrap().status.success());
}

#[test]
fn every_pixel_of_a_screenshot_is_the_test_cards() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path(), "1");
    for via in ["memory", "aperture"] {
        let picture = shoot(dir.path(), "1", via);
        let (mut plate, mut ink) = (0, 0);
        for (x, y) in (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y))) {
            let seen = picture.pixel(x, y);
            match expected(x, y) {
                Some(colour) => assert_eq!(seen, colour, "at {x},{y} via {via}"),
                None if seen == [0, 0, 0, 255] => ink += 1,
                None if seen == [0xe0, 0xe0, 0xe0, 255] => plate += 1,
                None => panic!("{seen:?} on the plate at {x},{y} via {via}"),
            }
        }
        assert!(ink > 5000 && plate > 20_000, "{ink} pixels of ink on {plate} of plate via {via}");
    }
}

#[test]
fn two_guests_have_two_pictures() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path(), "1");
    create(dir.path(), "2");
    let (one, two) = (shoot(dir.path(), "1", "memory"), shoot(dir.path(), "2", "memory"));
    let differ = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    let differ: Vec<_> = differ.filter(|(x, y)| one.pixel(*x, *y) != two.pixel(*x, *y)).collect();
    // Only the last letter, the domain's number.
    assert!(!differ.is_empty());
    assert!(differ.iter().all(|(x, y)| (744..792).contains(x) && (300..356).contains(y)), "{differ:?}");
}

#[test]
fn a_page_that_is_missing_is_black_and_the_rest_is_there() {
    use std::os::unix::fs::FileExt;
    let dir = tempfile::tempdir().unwrap();
    create(dir.path(), "1");
    let table = dir.path().join("sim/sys/kernel/debug/xengt/vm1/ggtt");
    let table = File::options().write(true).open(table).unwrap();
    // The entry of the framebuffer's second page: the second X tile, 128 pixels wide and 8 rows high.
    table.write_all_at(&[0; 8], (0x800_0000 / 4096 + 1) * 8).unwrap();
    let picture = shoot(dir.path(), "1", "memory");
    for (x, y) in (0..200).flat_map(|y| (0..WIDTH).map(move |x| (x, y))) {
        let seen = picture.pixel(x, y);
        if (128..256).contains(&x) && y < 8 {
            assert_eq!(&seen[..3], &[0, 0, 0], "at {x},{y}");
        } else {
            assert_eq!(Some(seen), expected(x, y), "at {x},{y}");
        }
    }
}
