//! The painter's tools: a formula over a small plane, a palette of five colours, a mirror.

/// Frames per second of every clip.
pub(super) const FPS: u32 = 24;

/// A plane of grey in 16 bits. `formula` gives 0 to 1 and may use `ld(0)` (x, about -0.56 to 0.56), `ld(1)` (y, -1 to 1,
/// downwards) and `T` (seconds); it may store from `st(2)` on.
pub(super) fn field(height: u32, formula: &str) -> String {
    let width = height * 9 / 16 / 2 * 2;
    let formula: String = formula.split_whitespace().collect();
    // The result is stored before it is clipped, because `clip` evaluates its first argument twice.
    format!(
        "nullsrc=s={width}x{height}:r={FPS},format=gray16,\
         geq=lum='st(0,(2*X-W)/H);st(1,2*Y/H-1);st(9,{formula});65535*clip(ld(9),0,1)'"
    )
}

/// Colours grey by five colours (`0xRRGGBB`), from dark to bright, smoothly.
pub(super) fn palette(colours: [u32; 5]) -> String {
    let curve = |shift: u32| {
        let points: Vec<_> = colours
            .iter()
            .enumerate()
            .map(|(n, colour)| {
                format!(
                    "{:.2}/{:.3}",
                    n as f64 / 4.0,
                    f64::from(colour >> shift & 0xff) / 255.0
                )
            })
            .collect();
        points.join(" ")
    };
    format!(
        "format=gbrp16,curves=r='{}':g='{}':b='{}'",
        curve(16),
        curve(8),
        curve(0)
    )
}

/// A field in a palette.
pub(super) fn paint(height: u32, formula: &str, colours: [u32; 5]) -> String {
    format!("{},{}", field(height, formula), palette(colours))
}

/// Shows a picture four times, mirrored about its right and lower edges.
pub(super) fn mirror(picture: &str) -> String {
    format!("{picture},split[m0][m1];[m1]hflip[m2];[m0][m2]hstack,split[m3][m4];[m4]vflip[m5];[m3][m5]vstack")
}
