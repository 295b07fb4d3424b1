//! A month in a village of simulated people, over HTTP: what the feed promises holds, whatever luck the people have.

use closed_loop::month::{self, PACE};

#[test]
fn a_month_without_repeats_with_exploration_and_better_than_an_even_feed() {
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
    assert!(told.views > 500, "{told:?}");
    assert_eq!(told.repeats, 0, "nobody sees a video twice in 30 days");
    assert_eq!(
        told.dry_early, 0,
        "a page is empty only when there is nothing left"
    );
    assert!((0.06..0.14).contains(&told.explored_share), "{told:?}");
    assert!(worth(&product) > worth(&others[0]), "the even feed is worth more");
}
