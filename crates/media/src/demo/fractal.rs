//! Fractals: Julia sets that drift, drawn by how near each orbit comes to a trap.

use super::music::{DREAM, GLASS, NIGHT, SUNRISE, TIDE, Tune, Voice};
use super::paint::{FPS, field_at, palette};
use super::{DemoClip, Scene};

/// A set, how it is seen, and how it moves.
struct Julia {
    /// The constant of z² + c; it circles about this point …
    c: (f64, f64),
    /// … this far.
    drift: f64,
    /// Half the height of the view at the start.
    scale: f64,
    /// Distance of the orbit (x is `ld(2)`, y is `ld(3)`) to the trap.
    trap: &'static str,
    /// From the least distance `ld(4)` and the count of steps `ld(5)` to brightness.
    shade: &'static str,
}

/// Half the frames are computed and the others blended: the motion is slow, the orbits are dear.
fn julia(julia: &Julia, colours: [u32; 5]) -> String {
    let Julia {
        c: (x, y),
        drift,
        scale,
        trap,
        shade,
    } = julia;
    let formula = format!(
        "st(6, {scale}*exp(-0.035*T)); st(7, 0.05*T);
        st(2, ld(6)*(ld(0)*cos(ld(7)) - ld(1)*sin(ld(7))));
        st(3, ld(6)*(ld(0)*sin(ld(7)) + ld(1)*cos(ld(7))));
        st(8, {x} + {drift}*cos(0.4*T)); st(9, {y} + {drift}*sin(0.4*T));
        st(4, 4); st(5, 0);
        while(lt(ld(5), 22)*lt(ld(2)*ld(2) + ld(3)*ld(3), 9),
            st(6, ld(2)*ld(2) - ld(3)*ld(3) + ld(8));
            st(3, 2*ld(2)*ld(3) + ld(9));
            st(2, ld(6));
            st(4, min(ld(4), {trap}));
            st(5, ld(5) + 1));
        {shade}"
    );
    format!(
        "{},framerate=fps={FPS}:interp_start=0:interp_end=255:scene=100,{}",
        field_at(FPS / 2, 224, &formula),
        palette(colours)
    )
}

pub(super) fn clips() -> Vec<DemoClip> {
    scenes()
        .into_iter()
        .map(|scene| scene.of("fractal", "infinite.ida"))
        .collect()
}

fn scenes() -> [Scene; 5] {
    let point = "hypot(ld(2), ld(3))";
    let cross = "min(abs(ld(2)), abs(ld(3)))";
    let ring = "abs(hypot(ld(2), ld(3)) - 0.6)";
    let stalk = "abs(ld(2) + 0.3*ld(3))";
    let seahorses = Julia {
        c: (-0.745, 0.113),
        drift: 0.012,
        scale: 1.1,
        trap: point,
        shade: "1.02 - 1.25*sqrt(ld(4))",
    };
    let elephants = Julia {
        c: (0.285, 0.012),
        drift: 0.008,
        scale: 1.0,
        trap: cross,
        shade: "1 - 2.6*pow(ld(4), 0.42)",
    };
    let spirals = Julia {
        c: (-0.4, 0.6),
        drift: 0.02,
        scale: 1.05,
        trap: ring,
        shade: "0.95 - 1.5*sqrt(ld(4))",
    };
    let needle = Julia {
        c: (-0.8, 0.156),
        drift: 0.015,
        scale: 1.0,
        trap: stalk,
        shade: "1 - 2.2*pow(ld(4), 0.36)",
    };
    let stars = Julia {
        c: (-0.12, 0.75),
        drift: 0.02,
        scale: 1.15,
        trap: point,
        shade: "0.15 + 1.1*pow(ld(4), 0.8) + 0.01*ld(5)",
    };
    [
        Scene {
            name: "fractal-seahorses",
            caption: "seahorse valley, population: infinite",
            hashtags: ["julia", "zoom"],
            duration_s: 12,
            picture: julia(&seahorses, [0x03071e, 0x1d3b78, 0x3fa7d6, 0xf7b267, 0xfff4de]),
            tune: Tune::new(123.47, NIGHT, 3.0, Voice::Bell),
        },
        Scene {
            name: "fractal-elephants",
            caption: "an elephant, holding an elephant, holding",
            hashtags: ["math", "zoom"],
            duration_s: 10,
            picture: julia(&elephants, [0x0b0c10, 0x4b1d52, 0xb5446e, 0xf2a65a, 0xfdf6e3]),
            tune: Tune::new(146.83, TIDE, 2.5, Voice::Pluck),
        },
        Scene {
            name: "fractal-spirals",
            caption: "I only zoomed in twice, I swear",
            hashtags: ["spiral", "hypnotic"],
            duration_s: 11,
            picture: julia(&spirals, [0x02120b, 0x0b4f3f, 0x1fa37c, 0xb8e986, 0xfbffe8]),
            tune: Tune::new(164.81, GLASS, 2.75, Voice::Bell),
        },
        Scene {
            name: "fractal-threads",
            caption: "every thread is made of threads",
            hashtags: ["julia", "tiny"],
            duration_s: 9,
            picture: julia(&needle, [0x10002b, 0x5a189a, 0x9d4edd, 0xff9ebb, 0xfff0f5]),
            tune: Tune::new(196.0, DREAM, 2.25, Voice::Still),
        },
        Scene {
            name: "fractal-rabbit",
            caption: "Douady called it a rabbit",
            hashtags: ["nature", "math"],
            duration_s: 10,
            picture: julia(&stars, [0x001219, 0x005f73, 0x94d2bd, 0xee9b00, 0xfff3d6]),
            tune: Tune::new(130.81, SUNRISE, 2.5, Voice::Pluck),
        },
    ]
}
