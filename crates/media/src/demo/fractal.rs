//! Fractals: Julia sets, drawn by how near each orbit comes to a trap.

use super::music::{DREAM, GLASS, NIGHT, SUNRISE, TIDE, Tune, Voice};
use super::paint::{FPS, field, palette};
use super::{DemoClip, Scene};

/// A set and how it is seen.
struct Julia {
    /// The constant of z² + c.
    c: (f64, f64),
    /// Half the height of what is drawn.
    scale: f64,
    /// Where the view sinks to, from the middle, as parts of the width and the height.
    focus: (f64, f64),
    /// Distance of the orbit (x is `ld(2)`, y is `ld(3)`) to the trap.
    trap: &'static str,
    /// From the least distance `ld(4)` and the count of steps `ld(5)` to brightness.
    shade: &'static str,
}

/// The set is drawn once, large, and coloured; then the view turns and sinks into it, between the pixels.
fn julia(julia: &Julia, colours: [u32; 5]) -> String {
    let Julia {
        c: (x, y),
        scale,
        focus,
        trap,
        shade,
    } = julia;
    let formula = format!(
        "st(2, {scale}*ld(0)); st(3, {scale}*ld(1)); st(4, 4); st(5, 0);
        while(lt(ld(5), 26)*lt(ld(2)*ld(2) + ld(3)*ld(3), 9),
            st(6, ld(2)*ld(2) - ld(3)*ld(3) + {x});
            st(3, 2*ld(2)*ld(3) + {y});
            st(2, ld(6));
            st(4, min(ld(4), {trap}));
            st(5, ld(5) + 1));
        {shade}"
    );
    let corner = |axis: char, across: f64, down: f64| {
        let (zoom, turn, sink) = ("0.78*exp(-0.0024*on)", "0.0016*on", "(1-exp(-0.008*on))");
        match axis {
            'x' => format!(
                "W/2+{}*W*{sink}+{zoom}*({across}*W/2*cos({turn})-{down}*H/2*sin({turn}))",
                focus.0
            ),
            _ => format!(
                "H/2+{}*H*{sink}+{zoom}*({across}*W/2*sin({turn})+{down}*H/2*cos({turn}))",
                focus.1
            ),
        }
    };
    let corners: Vec<_> = [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)]
        .iter()
        .enumerate()
        .map(|(n, (across, down))| {
            format!(
                "x{n}='{}':y{n}='{}'",
                corner('x', *across, *down),
                corner('y', *across, *down)
            )
        })
        .collect();
    format!(
        "{},trim=end_frame=1,{},format=yuv420p,loop=-1:1,setpts=N/{FPS}/TB,fps={FPS},perspective={}:eval=frame",
        field(800, &formula),
        palette(colours),
        corners.join(":")
    )
}

const POINT: &str = "hypot(ld(2), ld(3))";
const CROSS: &str = "min(abs(ld(2)), abs(ld(3)))";
const RING: &str = "abs(hypot(ld(2), ld(3)) - 0.6)";
const STALK: &str = "abs(ld(2) + 0.3*ld(3))";
const SEAHORSES: Julia = Julia {
    c: (-0.745, 0.113),
    scale: 1.1,
    focus: (-0.20, -0.02),
    trap: POINT,
    shade: "1.02 - 1.25*sqrt(ld(4))",
};
const ELEPHANTS: Julia = Julia {
    c: (0.285, 0.012),
    scale: 1.0,
    focus: (0.16, 0.10),
    trap: CROSS,
    shade: "1 - 2.6*pow(ld(4), 0.42)",
};
const SPIRALS: Julia = Julia {
    c: (-0.4, 0.6),
    scale: 1.05,
    focus: (0.15, -0.12),
    trap: RING,
    shade: "0.86 - 1.9*sqrt(ld(4))",
};
const THREADS: Julia = Julia {
    c: (-0.8, 0.156),
    scale: 1.0,
    focus: (-0.15, 0.08),
    trap: STALK,
    shade: "1 - 2.2*pow(ld(4), 0.36)",
};
const RABBIT: Julia = Julia {
    c: (-0.12, 0.75),
    scale: 1.15,
    focus: (0.12, 0.14),
    trap: POINT,
    shade: "0.15 + 1.1*pow(ld(4), 0.8) + 0.01*ld(5)",
};

pub(super) fn clips() -> Vec<DemoClip> {
    scenes()
        .into_iter()
        .map(|scene| scene.of("fractal", "infinite_ida"))
        .collect()
}

fn scenes() -> [Scene; 5] {
    [
        Scene {
            name: "fractal-seahorses",
            caption: "seahorse valley, population: infinite",
            hashtags: ["julia", "zoom"],
            duration_s: 12,
            picture: julia(&SEAHORSES, [0x03071e, 0x1d3b78, 0x3fa7d6, 0xf7b267, 0xfff4de]),
            tune: Tune::new(123.47, NIGHT, 3.0, Voice::Bell),
        },
        Scene {
            name: "fractal-elephants",
            caption: "an elephant, holding an elephant, holding",
            hashtags: ["math", "zoom"],
            duration_s: 10,
            picture: julia(&ELEPHANTS, [0x0b0c10, 0x4b1d52, 0xb5446e, 0xf2a65a, 0xfdf6e3]),
            tune: Tune::new(146.83, TIDE, 2.5, Voice::Pluck),
        },
        Scene {
            name: "fractal-spirals",
            caption: "I only zoomed in twice, I swear",
            hashtags: ["spiral", "hypnotic"],
            duration_s: 11,
            picture: julia(&SPIRALS, [0x02120b, 0x0b4f3f, 0x1fa37c, 0xb8e986, 0xfbffe8]),
            tune: Tune::new(164.81, GLASS, 2.75, Voice::Bell),
        },
        Scene {
            name: "fractal-threads",
            caption: "every thread is made of threads",
            hashtags: ["julia", "tiny"],
            duration_s: 9,
            picture: julia(&THREADS, [0x10002b, 0x5a189a, 0x9d4edd, 0xff9ebb, 0xfff0f5]),
            tune: Tune::new(196.0, DREAM, 2.25, Voice::Still),
        },
        Scene {
            name: "fractal-rabbit",
            caption: "Douady called it a rabbit",
            hashtags: ["nature", "math"],
            duration_s: 10,
            picture: julia(&RABBIT, [0x001219, 0x005f73, 0x94d2bd, 0xee9b00, 0xfff3d6]),
            tune: Tune::new(130.81, SUNRISE, 2.5, Voice::Pluck),
        },
    ]
}
