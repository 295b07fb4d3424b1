//! A month in a village of simulated people, over HTTP: what the feed promises holds, whatever luck the people have.

use closed_loop::month::{self, PACE};

/// A thousand views teach little; so much of what an even feed is worth it must be worth all the same.
const WORTH_MIN: f64 = 0.9;

#[test]
fn a_month_without_repeats_and_with_its_share_of_exploration() {
    let config = month::village(7);
    let (product, told) = month::product(&config, PACE).expect("the house stands");
    let others = month::others(&config).expect("the world is possible");
    let worth = |month: &month::Month| {
        let found = month
            .figures
            .iter()
            .find(|(name, _)| *name == "expected_per_view_s");
        found.expect("measured").1
    };
    println!("{told:?} {:.2}", worth(&product));
    for other in &others {
        println!("{} {:.2}", other.name, worth(other));
    }
    assert!(told.views > 300, "{told:?}");
    assert_eq!(told.repeats, 0, "nobody sees a video twice in 30 days");
    assert_eq!(
        told.dry_early, 0,
        "a page is empty only when there is nothing left"
    );
    assert!((0.06..0.14).contains(&told.explored_share), "{told:?}");
    assert!(
        worth(&product) > WORTH_MIN * worth(&others[0]),
        "the even feed is worth more"
    );
}
