//! What operators asked for, from the product's words into the feed's. For the door, after a change, and for whoever follows the store.

use feed::{Boost, Pin, Steering};
use product::{Order, OrderKind};
use types::Target;

/// Orders that the feed has no use for (a pin of more than one video) are left out.
pub fn steering(orders: Vec<Order>, weights: &[(String, f64)]) -> Steering {
    let (mut boosts, mut pins) = (Vec::new(), Vec::new());
    for order in orders {
        match (order.kind, order.target) {
            (OrderKind::Boost, target) => boosts.push(Boost {
                target,
                region: order.region,
                factor: order.factor as f32,
                until_ms: order.ends_at_ms,
            }),
            (OrderKind::Pin, Target::Video(video)) => pins.push(Pin {
                video,
                region: order.region,
                reason: order.reason.into(),
                until_ms: order.ends_at_ms,
            }),
            (OrderKind::Pin, _) => {}
        }
    }
    let weights: Vec<(&str, f32)> = weights
        .iter()
        .map(|(head, weight)| (head.as_str(), *weight as f32))
        .collect();
    Steering::new(boosts, pins, &weights)
}
