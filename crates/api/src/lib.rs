//! Wire shapes of the HTTP API, one file per noun. They live at the door and never leak inward.
//!
//! JSON names are camelCase, ids are 13-character texts, times are milliseconds since the epoch with the unit last in the name.
//! There is no behaviour here beyond (de)serialisation; `server` converts between these and the rooms' own types.

mod account;
mod comment;
mod config;
mod error;
mod events;
mod feed;
mod upload;
mod video;

pub use account::{
    FollowAction, FollowRequest, FollowResponse, LoginRequest, LogoutRequest, RefreshRequest,
    RegisterRequest, Session, UpdateProfileRequest, User, UserCounts, UserPage, UserViewer,
};
pub use comment::{Author, Comment, CommentPage};
pub use config::{ClientConfig, Limits};
pub use error::ErrorBody;
pub use events::{EventsRequest, EventsResponse, RejectedEvent};
pub use feed::{FeedItem, FeedPage, Reason};
pub use upload::{SubmitVideoRequest, SubmittedPart, Upload, UploadPart, UploadUrlRequest};
pub use video::{
    AudioTrack, Creator, EngagementRequest, EngagementResponse, Playback, Rejection, Rendition, Sound, Video,
    VideoCounts, VideoPage, VideoStatus, VideoViewer,
};
