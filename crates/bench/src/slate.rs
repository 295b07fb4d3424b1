//! The slate solver alone, in process, on a million hard supplies: 200 candidates of few creators and sounds, a fifth of the viewer's
//! region, one in twelve to explore; 30 % of the page regional, 10 % exploring.

use std::time::Instant;

use slate::{Before, Item, Rules, lay, violations};

use crate::figures::{Figures, latencies, latency_add};
use crate::{BenchError, Setup};

const SLATES: u64 = 1_000_000;
const CANDIDATES: usize = 200;
const CREATORS: f64 = 60.0;
const SOUNDS: u64 = 40;
const TOPICS: u64 = 24;
const REGIONAL_SHARE: f64 = 0.2;
const EXPLORING_SHARE: f64 = 0.08;

pub(crate) fn run(_: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let rules = Rules {
        regional_min: 6,
        ..Rules::default()
    };
    let (mut legal, mut relaxed, mut gaps, mut times) = (0u64, 0u64, 0.0, latencies());
    let (mut gap_worst, mut spent_s) = (0.0f64, 0.0);
    let mut items = Vec::with_capacity(CANDIDATES);
    for seed in 0..SLATES {
        let mut draw = Draw(seed.wrapping_mul(0xd134_2543_de82_ef95));
        items.clear();
        items.extend((0..CANDIDATES).map(|_| draw.item()));
        let before = draw.before();
        let began = Instant::now();
        let page = lay(&items, &rules, &before);
        let took = began.elapsed();
        spent_s += took.as_secs_f64();
        latency_add(&mut times, took);
        let is_full = page.places.len() == rules.length;
        legal += u64::from(is_full && violations(&items, &rules, &before, &page.places).is_empty());
        relaxed += u64::from(!page.relaxed.is_empty());
        gaps += page.gap();
        gap_worst = gap_worst.max(page.gap());
    }
    let slates = SLATES as f64;
    figures.add("slate.legal_ratio", legal as f64 / slates);
    figures.add("slate.relaxed", relaxed as f64);
    figures.add("slate.gap_mean", gaps / slates);
    figures.add("slate.gap_worst", gap_worst);
    figures.add("slate.mean_ms", spent_s * 1_000.0 / slates);
    figures.add_latencies("slate.", &times);
    Ok(())
}

/// SplitMix64.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn item(&mut self) -> Item {
        Item {
            value: (self.share() * 2.0).exp() as f32,
            // The square of a share: few made much.
            creator: (self.share().powi(2) * CREATORS) as u64,
            sound: self.next() % (SOUNDS + 1),
            topic: self.next() % (TOPICS + 1),
            regional: self.share() < REGIONAL_SHARE,
            exploring: self.share() < EXPLORING_SHARE,
        }
    }

    fn before(&mut self) -> Before {
        let last = self.item();
        Before {
            creators: vec![last.creator, last.creator],
            sound: last.sound,
            topics: vec![self.item().topic, last.topic],
        }
    }
}
