//! For admins: boosts, pins, the weights of the value model, and the trail of who changed them. A change acts on the next page.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{
    OperatorChange, OperatorChanges, Order, OrderRequest, Orders, ValueWeight, ValueWeights,
    ValueWeightsRequest,
};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use product::{OrderAsked, OrderKind};

use super::Admin;
use crate::error::ApiError;
use crate::parts::{self, Rooms};
use crate::routes::{Body, Named};

/// The boosts and pins in force, newest first.
#[utoipa::path(get, path = "/api/v1/admin/orders", tag = "admin",
    responses((status = 200, body = Orders), (status = 401, body = api::ErrorBody), (status = 403, body = api::ErrorBody)))]
pub(crate) async fn orders(State(rooms): parts::State, _admin: Admin) -> Result<Json<Orders>, ApiError> {
    let items = rooms.parts.product.orders().await?;
    Ok(Json(Orders {
        items: items.into_iter().map(order).collect(),
    }))
}

/// Puts a boost or a pin in force, until its end or until it is withdrawn.
#[utoipa::path(post, path = "/api/v1/admin/orders", tag = "admin", request_body = OrderRequest,
    responses((status = 201, body = Order), (status = 400, body = api::ErrorBody), (status = 401, body = api::ErrorBody),
        (status = 403, body = api::ErrorBody), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn order_make(
    State(rooms): parts::State,
    Admin(admin): Admin,
    Body(asked): Body<OrderRequest>,
) -> Result<(StatusCode, Json<Order>), ApiError> {
    let kind = OrderKind::parse(&asked.kind)
        .ok_or_else(|| ApiError::invalid("kind", "kind must be boost or pin"))?;
    let target = asked.target.parse();
    let asked = OrderAsked {
        kind,
        target: target.map_err(|error: types::TargetError| ApiError::invalid("target", error.to_string()))?,
        region: asked.region,
        factor: asked.factor,
        reason: asked.reason,
        ends_at_ms: asked.ends_at_ms,
    };
    let made = rooms.parts.product.order_make(asked, admin).await?;
    follow(&rooms).await?;
    Ok((StatusCode::CREATED, Json(order(made))))
}

/// Withdraws a boost or a pin.
#[utoipa::path(delete, path = "/api/v1/admin/orders/{id}", tag = "admin", params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = api::ErrorBody), (status = 403, body = api::ErrorBody),
        (status = 404, body = api::ErrorBody)))]
pub(crate) async fn order_withdraw(
    State(rooms): parts::State,
    Admin(admin): Admin,
    Named(id): Named<String>,
) -> Result<StatusCode, ApiError> {
    let number = id
        .parse()
        .map_err(|_| ApiError::not_found("an order in force of that number"))?;
    rooms.parts.product.order_withdraw(number, admin).await?;
    follow(&rooms).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What each answer of the model counts in a video's value, and what it would count if nobody had set it.
#[utoipa::path(get, path = "/api/v1/admin/value-weights", tag = "admin",
    responses((status = 200, body = ValueWeights), (status = 401, body = api::ErrorBody), (status = 403, body = api::ErrorBody)))]
pub(crate) async fn value_weights(
    State(rooms): parts::State,
    _admin: Admin,
) -> Result<Json<ValueWeights>, ApiError> {
    weights(&rooms).await.map(Json)
}

/// Sets weights of the value model; heads that are left out go back to the built-in ones.
#[utoipa::path(put, path = "/api/v1/admin/value-weights", tag = "admin", request_body = ValueWeightsRequest,
    responses((status = 200, body = ValueWeights), (status = 400, body = api::ErrorBody), (status = 401, body = api::ErrorBody),
        (status = 403, body = api::ErrorBody)))]
pub(crate) async fn value_weights_set(
    State(rooms): parts::State,
    Admin(admin): Admin,
    Body(asked): Body<ValueWeightsRequest>,
) -> Result<Json<ValueWeights>, ApiError> {
    let known = feed::value_weights();
    for head in asked.weights.keys() {
        if !known.iter().any(|(name, _)| name == head) {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let message = format!("`{head}` is no head; there are {}", names.join(", "));
            return Err(ApiError::invalid("weights", message));
        }
    }
    let set = asked.weights.into_iter().collect();
    rooms.parts.product.value_weights_set(set, admin).await?;
    follow(&rooms).await?;
    weights(&rooms).await.map(Json)
}

/// Who changed what, newest first.
#[utoipa::path(get, path = "/api/v1/admin/operator-changes", tag = "admin",
    responses((status = 200, body = OperatorChanges), (status = 401, body = api::ErrorBody), (status = 403, body = api::ErrorBody)))]
pub(crate) async fn changes(
    State(rooms): parts::State,
    _admin: Admin,
) -> Result<Json<OperatorChanges>, ApiError> {
    let items = rooms.parts.product.operator_changes().await?;
    let items = items.into_iter().map(|change| OperatorChange {
        what: change.what,
        detail: change.detail,
        changed_at_ms: change.changed_at_ms,
        changed_by: change.changed_by,
        username: change.username,
    });
    Ok(Json(OperatorChanges {
        items: items.collect(),
    }))
}

/// Brings the feed of this process up to what is stored; others look every few seconds.
async fn follow(rooms: &Arc<Rooms>) -> Result<(), ApiError> {
    let (orders, weights) = (
        rooms.parts.product.orders().await?,
        rooms.parts.product.value_weights().await?,
    );
    rooms
        .parts
        .steering
        .set(crate::steering::steering(orders, &weights));
    Ok(())
}

async fn weights(rooms: &Arc<Rooms>) -> Result<ValueWeights, ApiError> {
    let set: BTreeMap<String, f64> = rooms.parts.product.value_weights().await?.into_iter().collect();
    let items = feed::value_weights().into_iter().map(|(head, built_in)| {
        let built_in = rounded(built_in);
        ValueWeight {
            weight: set.get(head).copied().unwrap_or(built_in),
            head: head.to_owned(),
            built_in,
        }
    });
    Ok(ValueWeights {
        items: items.collect(),
    })
}

/// As people write it: 0.2, not the nearest of its kind to it.
fn rounded(weight: f32) -> f64 {
    (f64::from(weight) * 1e4).round() / 1e4
}

fn order(order: product::Order) -> Order {
    Order {
        id: order.id.to_string(),
        kind: order.kind.as_str().to_owned(),
        target: order.target.to_string(),
        region: order.region,
        factor: order.factor,
        reason: order.reason,
        made_at_ms: order.made_at_ms,
        made_by: order.made_by,
        ends_at_ms: order.ends_at_ms,
    }
}
