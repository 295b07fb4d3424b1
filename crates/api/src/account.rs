//! Accounts, sessions and follows on the wire.

use serde::{Deserialize, Serialize};
use types::{UserId, VideoId};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisterRequest {
    /// 3–24 of `a-z`, `0-9`, `_`; case is folded.
    pub username: String,
    /// 10–128 characters.
    pub password: String,
    /// `YYYY-MM-DD`; at least 13 years ago.
    pub birth_date: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// True keeps the refresh token in an HttpOnly cookie instead of the answer.
    #[serde(default)]
    pub cookie_session: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginRequest {
    pub username: String,
    pub password: String,
    /// True keeps the refresh token in an HttpOnly cookie instead of the answer.
    #[serde(default)]
    pub cookie_session: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RefreshRequest {
    /// Absent when the token is in the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LogoutRequest {
    /// Absent when the token is in the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub user_id: UserId,
    pub username: String,
    pub display_name: String,
    pub access_token: String,
    pub access_expires_in_s: u64,
    /// Absent in a cookie session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateProfileRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    pub bio: String,
    pub created_at_ms: i64,
    pub counts: UserCounts,
    pub viewer: UserViewer,
    /// What the caller may do beyond their own account, such as `admin`. Told only by `GET /api/v1/me`, and absent for almost everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserCounts {
    pub followers: u64,
    pub following: u64,
    /// Published ones.
    pub videos: u64,
    /// Received on all videos.
    pub likes: u64,
}

/// How the caller stands to this user.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserViewer {
    pub following: bool,
    pub is_self: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserPage {
    pub items: Vec<User>,
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FollowAction {
    Follow,
    Unfollow,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FollowRequest {
    pub action: FollowAction,
    /// The video on screen, if it was one that made the caller follow its creator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_id: Option<VideoId>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FollowResponse {
    pub following: bool,
    /// Of the user followed or left.
    pub counts: UserCounts,
}
