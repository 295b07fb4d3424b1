//! Ocean: light nets, a sunset, paper swells, rays from above, a shore.

use super::music::{DREAM, GLASS, NIGHT, SUNRISE, TIDE, Tune, Voice};
use super::paint::paint;
use super::{DemoClip, Scene};

const LIGHT_NET: &str = "
    st(2, sin(5*ld(0) + T + 1.5*sin(3*ld(1) + 0.7*T)));
    st(3, sin(5*ld(1) - 0.8*T + 1.5*sin(4*ld(0) - 0.6*T)));
    0.2 + 0.15*ld(2)*ld(3) + 0.6*pow(1 - abs(ld(2)+ld(3))/2, 5)";

const SUNSET: &str = "
    if(lt(ld(1), 0.04),
        0.62 + 0.34*ld(1) + 0.45*exp(-26*(ld(0)*ld(0) + pow(ld(1)+0.14, 2))) + 0.03*sin(9*ld(1) + 3*ld(0) + 0.2*T),
        st(2, 1/(ld(1) + 0.03));
        st(3, sin(3*ld(2) + 1.5*T + sin(2*ld(0)*ld(2) + 0.7*T)) * sin(2.2*ld(0)*ld(2) - 0.5*T + 2*sin(ld(2))));
        0.2 + 0.1*ld(3) + 0.62*exp(-ld(0)*ld(0)*(26 - 18*ld(1)))*pow(0.5 + 0.5*ld(3), 1.5))";

const SWELLS: &str = "
    st(2, clip((ld(1)+0.30-0.10*sin(4*ld(0)+0.5*T))*70,0,1) + clip((ld(1)+0.02-0.09*sin(5*ld(0)-0.6*T+1))*70,0,1)
        + clip((ld(1)-0.25-0.08*sin(4.4*ld(0)+0.8*T+2))*70,0,1) + clip((ld(1)-0.47-0.07*sin(5.2*ld(0)-T+4))*70,0,1)
        + clip((ld(1)-0.68-0.06*sin(4.8*ld(0)+1.2*T+5))*70,0,1));
    if(lt(ld(2),0.5),
        0.82 + 0.1*ld(1) + clip(6 - 50*hypot(ld(0)-0.2, ld(1)+0.62), 0, 1)*0.3,
        0.72 - 0.14*ld(2) + 0.04*sin(30*ld(1) + 8*ld(0) + T))";

const RAYS: &str = "
    st(2, ld(0)/(ld(1) + 1.7));
    st(3, pow(0.5 + 0.5*sin(16*ld(2) + 0.4*T + 2*sin(7*ld(2) - 0.3*T)), 3));
    st(4, pow(0.5 + 0.5*sin(27*ld(2) - 0.5*T + 2*sin(5*ld(2) + 0.2*T)), 4));
    0.12 + (0.5 - 0.5*ld(1))*(0.34 + 0.5*ld(3) + 0.3*ld(4)) + 0.05*sin(5*ld(1) + 2*sin(3*ld(0) + 0.5*T))";

const SHORE: &str = "
    st(2, ld(1) + 0.16*sin(0.8*T) - 0.12 - 0.07*sin(4*ld(0) + 0.5*T) - 0.03*sin(11*ld(0) - 0.7*T));
    st(3, sin(7*ld(0) + 9*ld(1) + T + 2*sin(5*ld(1) - 0.6*T)) * sin(6*ld(1) - 8*ld(0) + 0.7*T));
    if(lt(ld(2), 0),
        0.5*exp(1.1*ld(2)) - 0.02 + 0.045*ld(3) + 0.26*exp(-pow(ld(2)*16, 2)) + 0.12*exp(-pow((ld(2)+0.3)*14, 2))*(0.5+0.5*ld(3)),
        0.74 + 0.24*clip(ld(2)*5, 0, 1) + 0.012*sin(60*ld(0) + 40*ld(1)))";

pub(super) fn clips() -> Vec<DemoClip> {
    scenes()
        .into_iter()
        .map(|scene| scene.of("ocean", "tidal_mira"))
        .collect()
}

fn scenes() -> [Scene; 5] {
    [
        Scene {
            name: "ocean-light-net",
            caption: "the light under the pier at noon",
            hashtags: ["water", "calm"],
            duration_s: 10,
            picture: paint(160, LIGHT_NET, [0x000b2a, 0x00386b, 0x0a7fa6, 0x6fd6d8, 0xf4fff6]),
            tune: Tune::new(146.83, DREAM, 2.5, Voice::Bell),
        },
        Scene {
            name: "ocean-last-sun",
            caption: "stayed until the last minute of sun",
            hashtags: ["sunset", "golden"],
            duration_s: 12,
            picture: paint(208, SUNSET, [0x140a2e, 0x5a1f5c, 0xd1495b, 0xf79d5c, 0xfff1c1]),
            tune: Tune::new(130.81, SUNRISE, 3.0, Voice::Still),
        },
        Scene {
            name: "ocean-paper-swells",
            caption: "cut from blue paper, moved by the moon",
            hashtags: ["papercut", "moon"],
            duration_s: 8,
            picture: paint(192, SWELLS, [0x06142b, 0x0d3b66, 0x2f7fb5, 0xa9d6e5, 0xfff7e0]),
            tune: Tune::new(164.81, TIDE, 2.0, Voice::Pluck),
        },
        Scene {
            name: "ocean-rays",
            caption: "ten metres down it gets quiet",
            hashtags: ["diving", "blue"],
            duration_s: 11,
            picture: paint(160, RAYS, [0x010b1f, 0x033b5c, 0x0b7a8f, 0x59c9b9, 0xe8fff1]),
            tune: Tune::new(110.0, NIGHT, 2.75, Voice::Bell),
        },
        Scene {
            name: "ocean-shore",
            caption: "same beach, never the same line",
            hashtags: ["beach", "drone"],
            duration_s: 9,
            picture: paint(208, SHORE, [0x053b50, 0x0f8b8d, 0x6fd3c7, 0xfbfdf6, 0xe3c48d]),
            tune: Tune::new(196.0, GLASS, 2.25, Voice::Pluck),
        },
    ]
}
