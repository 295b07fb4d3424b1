//! Aurora: slow light without edges.

use super::music::{DREAM, GLASS, NIGHT, SUNRISE, TIDE, Tune, Voice};
use super::paint::paint;
use super::{DemoClip, Scene};

const CURTAINS: &str = "
    st(2, ld(0) + 0.16*sin(1.7*ld(1) + 0.4*T) + 0.05*sin(5*ld(1) - 0.7*T));
    st(3, 0.62 + 0.38*sin(34*ld(2) + 3*sin(6*ld(2) + 0.6*T) + 0.8*T));
    st(4, exp(-7*abs(ld(2) + 0.22)) + 0.8*exp(-9*abs(ld(2) - 0.24 - 0.08*sin(0.3*T))));
    0.05 + 1.35*ld(4)*ld(3)*clip(0.9 - 0.75*abs(ld(1) + 0.15), 0, 1) + 0.18*exp(-9*abs(ld(1) - 0.85 - 0.04*sin(5*ld(0))))";

const SILK: &str = "
    0.5 + 0.48*sin(2.4*ld(0) + 1.7*sin(1.3*ld(1) + 0.5*T) + 1.2*sin(2.1*ld(0) - 0.4*T + 1.6*sin(1.1*ld(1) + 0.3*T)))";

const LAMP: &str = "
    st(2, 0.020/(0.004 + pow(ld(0)-0.20*sin(0.7*T),2) + pow(ld(1)-0.75*sin(0.31*T),2))
        + 0.024/(0.004 + pow(ld(0)+0.22*sin(0.5*T+1),2) + pow(ld(1)-0.70*sin(0.27*T+2),2))
        + 0.018/(0.004 + pow(ld(0)-0.15*cos(0.6*T),2) + pow(ld(1)+0.80*sin(0.36*T+1),2))
        + 0.030/(0.004 + pow(ld(0)+0.12*cos(0.4*T+3),2) + pow(ld(1)-0.95,2))
        + 0.016/(0.004 + pow(ld(0)-0.25*cos(0.8*T+4),2) + pow(ld(1)-0.60*cos(0.41*T),2)));
    0.1 + 0.12*ld(1) + 0.52*clip((ld(2) - 0.62)*3.2, 0, 1) + 0.2*clip(ld(2)*0.25, 0, 1)";

const RIBBONS: &str = "
    st(2, 0.16*exp(-26*abs(ld(1) - 0.50*sin(2.4*ld(0) + 0.5*T)*cos(0.2*T)))
        + 0.30*exp(-20*abs(ld(1) + 0.3 - 0.42*sin(3.1*ld(0) - 0.4*T + 1)))
        + 0.34*exp(-16*abs(ld(1) - 0.2 - 0.35*sin(2.2*ld(0) + 0.6*T + 2)))
        + 0.28*exp(-22*abs(ld(1) - 0.55 - 0.25*sin(3.6*ld(0) - 0.5*T + 4)))
        + 0.26*exp(-24*abs(ld(1) + 0.62 - 0.22*sin(2.8*ld(0) + 0.3*T + 3))));
    0.06 + 1.6*ld(2)";

const DAWN: &str = "
    st(2, sin(1.6*ld(0) + 2.3*ld(1) + 0.4*T + 1.4*sin(2.2*ld(1) - 0.3*T)));
    st(3, sin(2.6*ld(0) - 1.2*ld(1) - 0.3*T + 1.3*sin(1.8*ld(0) + 0.5*T)));
    0.5 + 0.28*ld(2) + 0.2*ld(3) + 0.12*ld(2)*ld(3)";

pub(super) fn clips() -> Vec<DemoClip> {
    scenes()
        .into_iter()
        .map(|scene| scene.of("aurora", "solveig_sky"))
        .collect()
}

fn scenes() -> [Scene; 5] {
    [
        Scene {
            name: "aurora-curtains",
            caption: "minus twenty and worth it",
            hashtags: ["northernlights", "night"],
            duration_s: 12,
            picture: paint(144, CURTAINS, [0x020617, 0x0a2f3d, 0x12a07a, 0x7dffb0, 0xf0e6ff]),
            tune: Tune::new(98.0, DREAM, 3.0, Voice::Still),
        },
        Scene {
            name: "aurora-silk",
            caption: "save this for when you cannot sleep",
            hashtags: ["calm", "gradient"],
            duration_s: 14,
            picture: paint(128, SILK, [0x2d1b69, 0x8e3b9e, 0xf0709b, 0xffb088, 0xffe8c7]),
            tune: Tune::new(130.81, GLASS, 3.5, Voice::Still),
        },
        Scene {
            name: "aurora-lamp",
            caption: "found my aunt's lamp in the attic",
            hashtags: ["lavalamp", "retro"],
            duration_s: 10,
            picture: paint(128, LAMP, [0x22062b, 0x6d1a4f, 0xe0433a, 0xff8f3a, 0xffd97a]),
            tune: Tune::new(116.54, TIDE, 2.5, Voice::Pulse),
        },
        Scene {
            name: "aurora-ribbons",
            caption: "wind, if you could see it",
            hashtags: ["flow", "calm"],
            duration_s: 9,
            picture: paint(192, RIBBONS, [0x070b24, 0x1c2f6e, 0x3d7bd9, 0x9ad7f5, 0xfffaf0]),
            tune: Tune::new(196.0, NIGHT, 2.25, Voice::Bell),
        },
        Scene {
            name: "aurora-dawn",
            caption: "05:12, window seat",
            hashtags: ["dawn", "gradient"],
            duration_s: 10,
            picture: paint(128, DAWN, [0x16325c, 0x3e7cb1, 0x9cc9c4, 0xf7c59f, 0xffefd3]),
            tune: Tune::new(146.83, SUNRISE, 2.5, Voice::Bell),
        },
    ]
}
