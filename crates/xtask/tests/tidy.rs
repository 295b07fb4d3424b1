//! Runs `xtask tidy` on this checkout, so that a drift of the layout fails the tests.

use std::path::Path;

#[test]
fn the_house_is_tidy() {
    let findings = xtask::tidy::check(Path::new(xtask::ROOT)).expect("the checkout can be read");
    let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} findings:\n{}", list.len(), list.join("\n"));
}
