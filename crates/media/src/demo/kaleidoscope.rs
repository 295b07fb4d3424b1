//! Kaleidoscopes and city lights: mirrors, mandalas, and lamps out of focus.

use super::music::{DREAM, GLASS, NIGHT, SUNRISE, TIDE, Tune, Voice};
use super::paint::{FPS, mirror, paint, palette};
use super::{DemoClip, Scene};

/// Folds the angle into one of eight slices, then draws rings and petals in it.
const MANDALA: &str = "
    st(2, hypot(ld(0), ld(1)));
    st(3, abs(mod(atan2(ld(1), ld(0)) + 0.1*T + 12.56637, 0.785398) - 0.392699));
    st(4, ld(2)*cos(ld(3))); st(5, ld(2)*sin(ld(3)));
    0.5 + 0.25*sin(22*ld(4) - 1.2*T + 3*sin(14*ld(5) + 0.6*T)) + 0.25*sin(26*ld(5) + 0.8*T + 2*sin(16*ld(4) - 0.9*T))";

const STAINED: &str = "
    st(2, hypot(ld(0), ld(1)));
    st(3, abs(mod(atan2(ld(1), ld(0)) - 0.12*T + 12.56637, 1.047198) - 0.523599));
    st(4, ld(2)*cos(ld(3))); st(5, ld(2)*sin(ld(3)));
    st(6, sin(9*ld(4) + 0.5*T) + sin(13*ld(5) - 0.6*T + 2*ld(4)) + sin(11*(ld(4) - ld(5)) + 0.4*T));
    0.5 + 0.3*floor(ld(6)*1.5)/3 - 0.4*exp(-pow((mod(ld(6)*1.5 + 12, 1) - 0.5)*7 - 3.5, 2)*1.2)*0.6";

const PLASMA: &str = "
    st(2, sin(6*ld(0) + 0.8*T) + sin(5*ld(1) - 0.6*T) + sin(5*(ld(0) + ld(1)) + 0.5*T)
        + sin(9*hypot(ld(0) + 0.3*sin(0.4*T), ld(1) + 0.4*cos(0.3*T))));
    0.5 + 0.45*sin(2.2*ld(2))";

/// Lamps sit in the cells of a grid; a hash of the cell says whether, how large and how bright.
const BOKEH: &str = "
    st(2, ld(0)*4 + 40 + 0.12*T); st(3, ld(1)*4 + 40 - 0.22*T);
    st(4, floor(ld(2))); st(5, floor(ld(3)));
    st(6, mod(abs(sin(ld(4)*12.9898 + ld(5)*78.233)*437.5453), 1));
    st(7, hypot(ld(2) - ld(4) - 0.5, ld(3) - ld(5) - 0.5));
    st(8, ld(0)*2.3 + 23 - 0.10*T + 0.5*sin(0.3*T)); st(9, ld(1)*2.3 + 23 - 0.12*T);
    st(1, mod(abs(sin(floor(ld(8))*39.3468 + floor(ld(9))*11.135)*951.1353), 1));
    st(0, hypot(ld(8) - floor(ld(8)) - 0.5, ld(9) - floor(ld(9)) - 0.5));
    0.08 + clip((0.20 + 0.22*ld(6) - ld(7))*18, 0, 1)*gt(ld(6), 0.35)*(0.25 + 0.5*ld(6)*(0.8 + 0.2*sin(T + 9*ld(6))))
        + clip((0.28 + 0.18*ld(1) - ld(0))*14, 0, 1)*gt(ld(1), 0.5)*0.28*ld(1)";

pub(super) fn clips() -> Vec<DemoClip> {
    scenes()
        .into_iter()
        .map(|scene| scene.of("kaleidoscope", "mirror_mateo"))
        .collect()
}

fn scenes() -> [Scene; 5] {
    let triangles = format!(
        "sierpinski=s=240x426:r={FPS}:type=triangle:seed=9:jump=12,format=gray,gblur=sigma=2.4,\
         rotate=a=0.15*t:ow=180:oh=320,curves=all='0/0 0.3/0.5 1/1',{}",
        palette([0x0a0f1f, 0x2b3a8c, 0x8e5bd6, 0xff9ecb, 0xfff6e9])
    );
    [
        Scene {
            name: "kaleidoscope-mandala",
            caption: "eight mirrors and some patience",
            hashtags: ["mandala", "symmetry"],
            duration_s: 10,
            picture: paint(208, MANDALA, [0x1b0638, 0x6a1b9a, 0xe64a8b, 0xffb74d, 0xfff8e1]),
            tune: Tune::new(146.83, GLASS, 2.5, Voice::Bell),
        },
        Scene {
            name: "kaleidoscope-window",
            caption: "stained glass, no church",
            hashtags: ["glass", "symmetry"],
            duration_s: 9,
            picture: paint(192, STAINED, [0x08131f, 0x14557b, 0x2fa39a, 0xf2c14e, 0xfdf0d5]),
            tune: Tune::new(130.81, SUNRISE, 2.25, Voice::Bell),
        },
        Scene {
            name: "kaleidoscope-silk-mirror",
            caption: "look at the middle until it looks back",
            hashtags: ["hypnotic", "loop"],
            duration_s: 8,
            picture: mirror(&paint(
                128,
                PLASMA,
                [0x03122b, 0x0d5c75, 0x2ec4b6, 0xcbf3d2, 0xff9f5a],
            )),
            tune: Tune::new(174.61, TIDE, 2.0, Voice::Pluck),
        },
        Scene {
            name: "kaleidoscope-city-lights",
            caption: "took my glasses off on the bridge",
            hashtags: ["city", "bokeh"],
            duration_s: 11,
            picture: paint(176, BOKEH, [0x060a1c, 0x3a1c4f, 0xc4433f, 0xffa64d, 0xfff0c9]),
            tune: Tune::new(110.0, NIGHT, 2.75, Voice::Pluck),
        },
        Scene {
            name: "kaleidoscope-triangles",
            caption: "paper planes over paper cities",
            hashtags: ["triangles", "geometry"],
            duration_s: 9,
            picture: mirror(&triangles),
            tune: Tune::new(196.0, DREAM, 2.25, Voice::Pulse),
        },
    ]
}
