//! Neon geometry: glowing lines on black, turning slowly.

use super::music::{DREAM, GLASS, NIGHT, SUNRISE, TIDE, Tune, Voice};
use super::paint::paint;
use super::{DemoClip, Scene};

const TUNNEL: &str = "
    st(2, atan2(ld(1), ld(0)) + 0.25*T);
    st(3, cos(floor(0.5 + ld(2)*6/6.28318)*6.28318/6 - ld(2))*hypot(ld(0), ld(1)) + 0.002);
    st(4, abs(mod(20 + log(ld(3))*2.4 - 0.7*T, 1) - 0.5));
    exp(-14*ld(4))*clip(ld(3)*5, 0.05, 1) + 0.35*exp(-5*ld(4))*clip(ld(3)*3, 0, 1)";

const ROSES: &str = "
    st(2, atan2(ld(1), ld(0)));
    st(3, hypot(ld(0), ld(1)*0.8));
    exp(-55*abs(ld(3) - 0.34 - 0.12*sin(5*ld(2) + T)))
        + exp(-55*abs(ld(3) - 0.26 - 0.10*sin(7*ld(2) - 1.2*T)))
        + 0.8*exp(-55*abs(ld(3) - 0.52 - 0.05*sin(9*ld(2) + 0.6*T)))
        + 0.25*exp(-5*ld(3))";

const ROAD: &str = "
    if(lt(ld(1), 0),
        clip((0.36 - hypot(ld(0), ld(1)+0.34))*40, 0, 1)*(0.5 - 0.5*ld(1) + 0.2)
            *clip((0.2 - 0.5*clip(ld(1)+0.42, 0, 1) + 0.5*sin(46*ld(1) + 1.2*T) + 0.3)*4, 0.06, 1)
            + 0.3*exp(-5*abs(ld(1))) + 0.12*exp(-4*hypot(ld(0), ld(1)+0.34)),
        st(2, 1/(ld(1) + 0.04));
        st(3, abs(mod(50 + ld(0)*ld(2)*1.6, 1) - 0.5));
        st(4, abs(mod(50 + ld(2)*1.1 + 1.3*T, 1) - 0.5));
        (exp(-20*ld(3)) + exp(-16*ld(4)))*clip(ld(1)*2.5, 0.1, 0.8) + 0.3*exp(-7*ld(1)))";

const RIPPLES: &str = "
    st(2, hypot(ld(0) - 0.28*cos(0.5*T), ld(1) - 0.5*sin(0.4*T)));
    st(3, hypot(ld(0) + 0.28*cos(0.6*T), ld(1) + 0.5*sin(0.5*T)));
    pow(0.5 + 0.5*sin(26*ld(2) - 2*T), 3)*0.55 + pow(0.5 + 0.5*sin(26*ld(3) - 2*T), 3)*0.55 - 0.05";

const NESTED: &str = "
    st(2, atan2(ld(1), ld(0)));
    st(3, hypot(ld(0), ld(1)));
    st(4, ld(2) + 0.5*T); st(5, ld(2) - 0.4*T); st(6, ld(2) + 0.3*T);
    exp(-60*abs(cos(floor(0.5 + ld(4)*3/6.28318)*6.28318/3 - ld(4))*ld(3) - 0.16))
        + exp(-60*abs(cos(floor(0.5 + ld(5)*4/6.28318)*6.28318/4 - ld(5))*ld(3) - 0.30))
        + exp(-60*abs(cos(floor(0.5 + ld(6)*5/6.28318)*6.28318/5 - ld(6))*ld(3) - 0.44))
        + 0.5*exp(-60*abs(ld(3) - 0.1 - 0.02*sin(2*T))) + 0.16*exp(-3*ld(3))";

pub(super) fn clips() -> Vec<DemoClip> {
    scenes()
        .into_iter()
        .map(|scene| scene.of("neon", "volt_and_vertex"))
        .collect()
}

fn scenes() -> [Scene; 5] {
    [
        Scene {
            name: "neon-hex-tunnel",
            caption: "keep going, there is always another hexagon",
            hashtags: ["geometry", "loop"],
            duration_s: 10,
            picture: paint(208, TUNNEL, [0x05010f, 0x2b0a6b, 0x8b1fd1, 0xff4fd8, 0xfff0ff]),
            tune: Tune::new(98.0, NIGHT, 2.0, Voice::Pulse),
        },
        Scene {
            name: "neon-roses",
            caption: "polar roses, r = a + b sin(kθ)",
            hashtags: ["math", "geometry"],
            duration_s: 9,
            picture: paint(208, ROSES, [0x020610, 0x06364f, 0x00a6a6, 0x6bffb8, 0xfdfff0]),
            tune: Tune::new(220.0, GLASS, 2.25, Voice::Pluck),
        },
        Scene {
            name: "neon-night-road",
            caption: "no destination, full tank",
            hashtags: ["synthwave", "retro"],
            duration_s: 12,
            picture: paint(192, ROAD, [0x0a0220, 0x4a0d67, 0xd6246e, 0xff8c42, 0xffe9a8]),
            tune: Tune::new(110.0, TIDE, 2.0, Voice::Pulse),
        },
        Scene {
            name: "neon-two-stones",
            caption: "two stones, one pond, no water",
            hashtags: ["waves", "hypnotic"],
            duration_s: 8,
            picture: paint(208, RIPPLES, [0x02040d, 0x0b1f5e, 0x2457ff, 0x5ad1ff, 0xf2fdff]),
            tune: Tune::new(174.61, DREAM, 2.0, Voice::Pluck),
        },
        Scene {
            name: "neon-three-four-five",
            caption: "three, four, five and they never touch",
            hashtags: ["shapes", "loop"],
            duration_s: 10,
            picture: paint(208, NESTED, [0x080205, 0x5c0a1e, 0xe0243f, 0xff9f43, 0xfffbe0]),
            tune: Tune::new(146.83, SUNRISE, 2.5, Voice::Bell),
        },
    ]
}
