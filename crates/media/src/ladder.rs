//! Which renditions a video gets: sizes, names and bit rate caps. Pure arithmetic.

/// Short sides of the usual rungs, in pixels.
const SHORT_SIDES: [u32; 4] = [360, 480, 720, 1080];
/// The first rendition is at most this, so that it is ready soon and starts fast on slow links.
const FIRST_SHORT_SIDE_MAX: u32 = 480;
/// A source this much larger than its highest usual rung also gets a rung of its own size.
const OWN_RUNG_RATIO: f64 = 1.2;

/// Cap for 720p at up to 30 frames a second; other sizes follow by their pixels.
const CAP_720P_BPS: f64 = 2_800_000.0;
const PIXELS_720P: f64 = 1280.0 * 720.0;
/// Larger pictures need fewer bits for each pixel.
const CAP_EXPONENT: f64 = 0.83;
const FAST_FPS: f64 = 32.0;
const FAST_RATIO: f64 = 1.5;

/// One rendition to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rung {
    pub(crate) name: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Most bits per second over a buffer of two seconds.
    pub(crate) bitrate_bps_max: u64,
}

/// All rungs of a picture as shown, from low to high; none is larger than the source.
pub(crate) fn rungs(width: u32, height: u32, fps: f64) -> Vec<Rung> {
    let source = width.min(height) & !1;
    let mut sides: Vec<u32> = SHORT_SIDES.into_iter().filter(|side| *side <= source).collect();
    let (top, highest) = (
        sides.last().copied().unwrap_or(0),
        SHORT_SIDES[SHORT_SIDES.len() - 1],
    );
    if top < highest && f64::from(source) >= f64::from(top) * OWN_RUNG_RATIO {
        sides.push(source);
    }
    sides
        .into_iter()
        .map(|side| rung(width, height, side, fps))
        .collect()
}

/// Position in [`rungs`] of the one that is made first.
pub(crate) fn first(rungs: &[Rung]) -> usize {
    let small = |rung: &Rung| rung.width.min(rung.height) <= FIRST_SHORT_SIDE_MAX;
    rungs.iter().rposition(small).unwrap_or(0)
}

fn rung(width: u32, height: u32, short: u32, fps: f64) -> Rung {
    let (from_short, from_long) = (width.min(height), width.max(height));
    let exact = f64::from(from_long) * f64::from(short) / f64::from(from_short);
    let long = (((exact / 2.0).round() as u32) * 2).clamp(2, from_long.max(2) & !1);
    let (width, height) = if width < height {
        (short, long)
    } else {
        (long, short)
    };
    Rung {
        name: format!("{short}p"),
        width,
        height,
        bitrate_bps_max: cap(short, long, fps),
    }
}

fn cap(short: u32, long: u32, fps: f64) -> u64 {
    let size = f64::from(short) * f64::from(long) / PIXELS_720P;
    let speed = if fps > FAST_FPS { FAST_RATIO } else { 1.0 };
    (CAP_720P_BPS * size.powf(CAP_EXPONENT) * speed).round() as u64
}
