//! Cellular gardens: cellular automata that grow, softened until they look alive.

use super::music::{DREAM, GLASS, NIGHT, SUNRISE, TIDE, Tune, Voice};
use super::paint::{FPS, field, palette};
use super::{DemoClip, Scene};

/// A garden: its rule, how it is sown, how fast it lives.
struct Garden {
    /// Cells from top to bottom.
    height: u32,
    rule: &'static str,
    seed: u32,
    ratio: f64,
    generations_per_s: u32,
    softness: f64,
}

/// Cells that live are bright, those that died fade like embers; blurred, they melt into each other.
fn garden(garden: &Garden, colours: [u32; 5]) -> String {
    let Garden {
        height,
        rule,
        seed,
        ratio,
        generations_per_s,
        softness,
    } = garden;
    let width = height * 9 / 16;
    format!(
        "life=s={width}x{height}:r={generations_per_s}:rule={rule}:ratio={ratio}:seed={seed}:mold=24:\
         life_color=white:death_color=0xA0A0A0:mold_color=0x101010,format=gray,fps={FPS},tmix=frames=8,\
         format=gray16,scale=270:480:flags=bicubic,gblur=sigma={softness},{}",
        palette(colours)
    )
}

const CORAL: &str = "
    st(2, sin(9*ld(0) + 0.3*T + 2*sin(5*ld(1) - 0.2*T)) + sin(9*ld(1) - 0.25*T + 2*sin(6*ld(0) + 0.3*T))
        + sin(7*(ld(0)+ld(1)) + 2*sin(4*ld(0) - 3*ld(1) + 0.4*T)));
    0.5 + 0.42*sin(3.2*ld(2)) - 0.12*abs(ld(2))";

const MEADOW: Garden = Garden {
    height: 96,
    rule: "S23/B3",
    seed: 7,
    ratio: 0.32,
    generations_per_s: 8,
    softness: 3.6,
};
const EMBERS: Garden = Garden {
    height: 112,
    rule: "S23/B36",
    seed: 21,
    ratio: 0.22,
    generations_per_s: 8,
    softness: 2.8,
};
const MAZE: Garden = Garden {
    height: 128,
    rule: "S12345/B3",
    seed: 5,
    ratio: 0.07,
    generations_per_s: 6,
    softness: 1.8,
};
const ISLANDS: Garden = Garden {
    height: 64,
    rule: "S5678/B35678",
    seed: 11,
    ratio: 0.48,
    generations_per_s: 8,
    softness: 7.0,
};

pub(super) fn clips() -> Vec<DemoClip> {
    scenes()
        .into_iter()
        .map(|scene| scene.of("cells", "petri_pia"))
        .collect()
}

fn scenes() -> [Scene; 5] {
    [
        Scene {
            name: "cells-meadow",
            caption: "nobody planted this",
            hashtags: ["gameoflife", "garden"],
            duration_s: 10,
            picture: garden(&MEADOW, [0x04140c, 0x0e4429, 0x39a05a, 0xd8f07a, 0xfffde4]),
            tune: Tune::new(174.61, SUNRISE, 2.5, Voice::Pluck),
        },
        Scene {
            name: "cells-embers",
            caption: "they burn out, they come back",
            hashtags: ["fire", "emergence"],
            duration_s: 9,
            picture: garden(&EMBERS, [0x0c0306, 0x541019, 0xc8381f, 0xffa62b, 0xfff3c4]),
            tune: Tune::new(110.0, NIGHT, 2.25, Voice::Pulse),
        },
        Scene {
            name: "cells-maze",
            caption: "it draws its own way out",
            hashtags: ["maze", "emergence"],
            duration_s: 12,
            picture: garden(&MAZE, [0x0b0820, 0x2a2a72, 0x3f88c5, 0x9be8d8, 0xf6fff8]),
            tune: Tune::new(146.83, GLASS, 2.0, Voice::Pluck),
        },
        Scene {
            name: "cells-islands",
            caption: "a coast that cannot decide",
            hashtags: ["map", "slow"],
            duration_s: 10,
            picture: garden(&ISLANDS, [0x06304a, 0x127475, 0x7cc6a4, 0xf2e2ba, 0xf29f67]),
            tune: Tune::new(130.81, DREAM, 2.5, Voice::Still),
        },
        Scene {
            name: "cells-coral",
            caption: "a reef, breathing",
            hashtags: ["coral", "organic"],
            duration_s: 9,
            picture: format!(
                "{},{}",
                field(192, CORAL),
                palette([0x1a0b2e, 0x7b2869, 0xe8586a, 0xffb4a2, 0xfff5e8])
            ),
            tune: Tune::new(164.81, TIDE, 2.25, Voice::Bell),
        },
    ]
}
