//! People: profiles, their videos, follows.

use api::{FollowAction, FollowRequest, FollowResponse, UpdateProfileRequest, User, UserPage, VideoPage};
use axum::Json;
use axum::extract::State;
use product::{Actor, ProfileChange};
use types::UserId;

use super::{Asked, Body, Named, PageQuery};
use crate::cards;
use crate::error::ApiError;
use crate::identity::{Person, Viewer};
use crate::parts;
use crate::region::Place;

/// The caller's own profile.
#[utoipa::path(get, path = "/api/v1/me", tag = "users", responses((status = 200, body = User), (status = 401, body = api::ErrorBody)))]
pub(crate) async fn me(State(rooms): parts::State, Person(user): Person) -> Result<Json<User>, ApiError> {
    let product = &rooms.parts.product;
    let roles = product.admins().roles(user).await?;
    Ok(Json(User {
        roles: roles.iter().map(|role| role.as_str().to_owned()).collect(),
        ..cards::user(product.profile(user, Some(user)).await?)
    }))
}

/// Change the caller's own profile.
#[utoipa::path(patch, path = "/api/v1/me", tag = "users", request_body = UpdateProfileRequest,
    responses((status = 200, body = User), (status = 400, body = api::ErrorBody)))]
pub(crate) async fn update_me(
    State(rooms): parts::State,
    Person(user): Person,
    Body(body): Body<UpdateProfileRequest>,
) -> Result<Json<User>, ApiError> {
    let change = ProfileChange {
        display_name: body.display_name,
        bio: body.bio,
    };
    Ok(Json(cards::user(
        rooms.parts.product.profile_update(user, change).await?,
    )))
}

/// One person.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "users", params(("id" = UserId, Path)),
    responses((status = 200, body = User), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn user(
    State(rooms): parts::State,
    viewer: Viewer,
    Named(id): Named<UserId>,
) -> Result<Json<User>, ApiError> {
    Ok(Json(cards::user(
        rooms.parts.product.profile(id, viewer.user).await?,
    )))
}

/// One person, by name.
#[utoipa::path(get, path = "/api/v1/users/by-name/{username}", tag = "users", params(("username" = String, Path)),
    responses((status = 200, body = User), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn user_by_name(
    State(rooms): parts::State,
    viewer: Viewer,
    Named(username): Named<String>,
) -> Result<Json<User>, ApiError> {
    Ok(Json(cards::user(
        rooms
            .parts
            .product
            .profile_by_username(&username, viewer.user)
            .await?,
    )))
}

/// A person's videos, newest first; one's own list also shows those in processing and rejected.
#[utoipa::path(get, path = "/api/v1/users/{id}/videos", tag = "users", params(("id" = UserId, Path), PageQuery),
    responses((status = 200, body = VideoPage)))]
pub(crate) async fn videos(
    State(rooms): parts::State,
    viewer: Viewer,
    Named(id): Named<UserId>,
    Asked(page): Asked<PageQuery>,
) -> Result<Json<VideoPage>, ApiError> {
    let page = rooms
        .parts
        .product
        .videos_by_creator(id, viewer, &page.into())
        .await?;
    let items = page
        .items
        .into_iter()
        .map(|card| cards::video(&rooms, &card))
        .collect();
    Ok(Json(VideoPage {
        items,
        cursor: page.cursor,
    }))
}

/// Who follows a person.
#[utoipa::path(get, path = "/api/v1/users/{id}/followers", tag = "users", params(("id" = UserId, Path), PageQuery),
    responses((status = 200, body = UserPage)))]
pub(crate) async fn followers(
    State(rooms): parts::State,
    viewer: Viewer,
    Named(id): Named<UserId>,
    Asked(page): Asked<PageQuery>,
) -> Result<Json<UserPage>, ApiError> {
    let page = rooms
        .parts
        .product
        .followers_page(id, viewer.user, &page.into())
        .await?;
    Ok(Json(cards::user_page(page)))
}

/// Whom a person follows.
#[utoipa::path(get, path = "/api/v1/users/{id}/following", tag = "users", params(("id" = UserId, Path), PageQuery),
    responses((status = 200, body = UserPage)))]
pub(crate) async fn following(
    State(rooms): parts::State,
    viewer: Viewer,
    Named(id): Named<UserId>,
    Asked(page): Asked<PageQuery>,
) -> Result<Json<UserPage>, ApiError> {
    let page = rooms
        .parts
        .product
        .following_page(id, viewer.user, &page.into())
        .await?;
    Ok(Json(cards::user_page(page)))
}

/// Follow or unfollow a person.
#[utoipa::path(post, path = "/api/v1/users/{id}/follow", tag = "users", params(("id" = UserId, Path)),
    request_body = FollowRequest, responses((status = 200, body = FollowResponse), (status = 401, body = api::ErrorBody)))]
pub(crate) async fn follow(
    State(rooms): parts::State,
    Person(user): Person,
    Place(region): Place,
    Named(id): Named<UserId>,
    Body(body): Body<FollowRequest>,
) -> Result<Json<FollowResponse>, ApiError> {
    let follow = body.action == FollowAction::Follow;
    let actor = Actor {
        region,
        watching: body.video_id,
        ..Actor::from(user)
    };
    let state = rooms.parts.product.follow_set(actor, id, follow).await?;
    rooms.settle().await;
    rooms.parts.for_you.invalidate(user.into());
    Ok(Json(FollowResponse {
        following: state.following,
        counts: cards::user_counts(state.counts),
    }))
}
