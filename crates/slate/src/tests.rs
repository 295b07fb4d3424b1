//! The search against the judge, against every page there is, and against its bound.

use super::*;

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

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn supply(draw: &mut Draw, count: usize, creators: u64, sounds: u64) -> Vec<Item> {
    let item = |draw: &mut Draw| Item {
        value: (draw.share() * 3.0).exp() as f32,
        // The square of a share: few creators made much.
        creator: 1 + (draw.share().powi(2) * creators as f64) as u64,
        sound: draw.below(sounds + 1),
        topic: draw.below(9),
        regional: draw.share() < 0.2,
        exploring: draw.share() < 0.08,
    };
    (0..count).map(|_| item(draw)).collect()
}

fn before(draw: &mut Draw) -> Before {
    Before {
        creators: vec![1, 1 + draw.below(2)],
        sound: draw.below(4),
        topics: vec![draw.below(9), draw.below(9)],
    }
}

#[test]
fn every_page_is_legal_under_the_rules_it_names() {
    let mut draw = Draw(1);
    let (mut gaps, mut met) = (0.0, 0);
    for round in 0..2_000 {
        let count = [0, 1, 3, 19, 60, 200][round % 6];
        let creators = [1, 4, 30, 200][round % 4];
        let sounds = [1, 3, 40][round % 3];
        let items = supply(&mut draw, count, creators, sounds);
        let rules = Rules {
            regional_min: 6,
            ..Rules::default()
        };
        let before = before(&mut draw);
        let page = lay(&items, &rules, &before);
        let mut judged = before.clone();
        if page.relaxed.contains(&Relaxed::FirstSound) {
            judged.sound = 0;
        }
        assert_eq!(
            violations(&items, &page.rules, &judged, &page.places),
            [],
            "round {round}"
        );
        assert_eq!(page.places.is_empty(), items.is_empty(), "round {round}");
        assert!(page.value <= page.bound * (1.0 + 1e-9), "round {round}");
        if page.relaxed.is_empty() {
            let length = rules.length.min(count);
            assert_eq!(page.places.len(), length, "round {round}");
            assert_eq!(page.rules.regional_min, 6, "round {round}");
            assert_eq!(
                page.rules.exploring.count_ones(),
                if length > 14 { 2 } else { 0 },
                "round {round}"
            );
        }
        if count == 200 && creators == 200 {
            met += usize::from(page.relaxed.is_empty());
            gaps += page.gap();
        }
    }
    assert!(met >= 160, "of 167 ample supplies only {met} met all rules");
    assert!(gaps / (met as f64) < 0.02, "mean gap {}", gaps / met as f64);
}

/// The best legal page by trying all.
fn best_of_all(items: &[Item], rules: &Rules, before: &Before) -> Option<f64> {
    let mut best = None;
    try_all(items, rules, before, &mut Vec::new(), &mut best);
    best
}

fn try_all(items: &[Item], rules: &Rules, before: &Before, page: &mut Vec<usize>, best: &mut Option<f64>) {
    if page.len() == rules.length {
        if violations(items, rules, before, page).is_empty() {
            let value = value_of(items, rules, before, page);
            if best.is_none_or(|most| value > most) {
                *best = Some(value);
            }
        }
        return;
    }
    for index in 0..items.len() {
        if !page.contains(&index) {
            page.push(index);
            try_all(items, rules, before, page, best);
            page.pop();
        }
    }
}

fn value_of(items: &[Item], rules: &Rules, before: &Before, page: &[usize]) -> f64 {
    let mut topics = before.topics.clone();
    let mut value = 0.0;
    for (place, &index) in page.iter().enumerate() {
        let item = &items[index];
        let recent = topics.iter().rev().take(rules.topic_reach);
        let repeats = recent.filter(|&&topic| topic != 0 && topic == item.topic).count() as f64;
        let cost = 1.0 - f64::from(rules.topic_cost) * repeats;
        value += f64::from(rules.discount).powi(place as i32) * f64::from(item.value) * cost;
        topics.push(item.topic);
    }
    value
}

#[test]
fn it_comes_close_to_the_best_of_all_pages() {
    let mut draw = Draw(7);
    let (mut found, mut missed, mut share) = (0, 0, 0.0);
    for round in 0..300 {
        let items = supply(&mut draw, 7, 4, 3);
        let rules = Rules {
            length: 4,
            creator_total_max: 3,
            regional_min: round % 3,
            exploring: [0, 1 << 2][round % 2],
            ..Rules::default()
        };
        let before = before(&mut draw);
        let page = lay(&items, &rules, &before);
        match best_of_all(&items, &rules, &before) {
            Some(best) => {
                assert!(
                    page.bound >= best * (1.0 - 1e-9),
                    "round {round}: the bound is none"
                );
                if page.relaxed.is_empty() {
                    let value = value_of(&items, &rules, &before, &page.places);
                    assert!(
                        (value - page.value).abs() < 1e-6 * value,
                        "round {round}: {value} {}",
                        page.value
                    );
                    assert!(page.value <= best * (1.0 + 1e-9), "round {round}");
                    found += 1;
                    share += page.value / best;
                } else {
                    missed += 1;
                }
            }
            None => assert!(!page.relaxed.is_empty(), "round {round}: no page is legal"),
        }
    }
    assert!(
        found > 100 && missed * 50 <= found,
        "{found} found, {missed} missed"
    );
    assert!(share / f64::from(found) > 0.999, "{}", share / f64::from(found));
}

fn plain(value: f32, creator: u64) -> Item {
    Item {
        value,
        creator,
        sound: 0,
        topic: 0,
        regional: false,
        exploring: false,
    }
}

#[test]
fn rules_give_way_in_their_order_and_only_when_they_must() {
    let rules = Rules {
        length: 4,
        regional_min: 1,
        exploring: 1 << 2,
        ..Rules::default()
    };
    let local = |item: Item| Item {
        regional: true,
        ..item
    };
    let explored = |item: Item| Item {
        exploring: true,
        ..item
    };
    let check = |items: &[Item], expect: &[Relaxed]| {
        let page = lay(items, &rules, &Before::default());
        assert_eq!(page.relaxed, expect, "{items:?}");
        assert_eq!(page.places.len(), 4);
    };
    let many: Vec<Item> = (0..6)
        .map(|creator| plain(1.0 + creator as f32, creator + 1))
        .collect();
    let with = |extra: &[Item]| [&many[..], extra].concat();
    check(&with(&[local(plain(0.1, 90)), explored(plain(0.1, 91))]), &[]);
    check(&with(&[local(explored(plain(0.1, 90)))]), &[]);
    check(&with(&[explored(plain(0.1, 91))]), &[Relaxed::Regional]);
    let alone: Vec<Item> = (0..6).map(|place| plain(1.0 + place as f32, 1)).collect();
    check(
        &alone,
        &[Relaxed::Regional, Relaxed::Exploring, Relaxed::CreatorRun],
    );
}

#[test]
fn one_sound_is_never_beside_itself_and_a_page_is_never_empty() {
    let same = |creator| Item {
        sound: 5,
        ..plain(1.0, creator)
    };
    let items: Vec<Item> = (1..6).map(same).collect();
    let before = Before {
        sound: 5,
        ..Before::default()
    };
    let page = lay(&items, &Rules::default(), &before);
    assert_eq!(page.places.len(), 1);
    assert!(page.relaxed.contains(&Relaxed::FirstSound));
}

#[test]
fn one_creator_with_all_the_best_does_not_hide_the_others() {
    let mut items: Vec<Item> = (0..60).map(|_| plain(9.0, 1)).collect();
    items.extend((2..9).map(|creator| plain(0.1, creator)));
    let rules = Rules {
        length: 9,
        creator_total_max: 9,
        exploring: 0,
        ..Rules::default()
    };
    let page = lay(&items, &rules, &Before::default());
    assert_eq!(page.relaxed, []);
    let others = page.places.iter().filter(|&&place| items[place].creator != 1);
    assert_eq!(others.count(), 3);
}

#[test]
fn values_that_are_no_numbers_come_last() {
    let mut items: Vec<Item> = (0..8)
        .map(|creator| plain(1.0 + creator as f32, creator))
        .collect();
    items[7].value = f32::NAN;
    items[6].value = -3.0;
    items[5].value = f32::INFINITY;
    let rules = Rules {
        length: 5,
        exploring: 0,
        ..Rules::default()
    };
    let page = lay(&items, &rules, &Before::default());
    assert_eq!(page.places, [4, 3, 2, 1, 0]);
    assert!(page.value.is_finite() && page.bound.is_finite());
}

#[test]
fn a_quota_has_a_price_when_it_binds() {
    let mut items: Vec<Item> = (0..30).map(|creator| plain(10.0, creator)).collect();
    items.extend((30..40).map(|creator| Item {
        regional: true,
        ..plain(1.0, creator)
    }));
    let rules = Rules {
        regional_min: 5,
        exploring: 0,
        ..Rules::default()
    };
    let page = lay(&items, &rules, &Before::default());
    let last_places = f64::from(0.97f32).powi(15) * 9.0;
    assert!(
        (page.prices.regional - last_places).abs() < 1e-3,
        "{:?}",
        page.prices
    );
    assert_eq!(page.prices.exploring, 0.0);
    assert_eq!(page.gap(), 0.0);
}
