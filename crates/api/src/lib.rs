//! Wire shapes of the HTTP API, one file per noun. They live at the door and never leak inward.
//!
//! JSON names are camelCase, ids are 13-character texts, times are milliseconds since the epoch with the unit last in the name.
//! There is no behaviour here beyond (de)serialisation; `server` converts between these and the rooms' own types.

mod account;
mod admin;
mod comment;
mod config;
mod control;
mod distribution;
mod error;
mod events;
mod explain;
mod faults;
mod feed;
mod operators;
mod trending;
mod upload;
mod video;
mod written;

pub use account::{
    FollowAction, FollowRequest, FollowResponse, LoginRequest, LogoutRequest, RefreshRequest,
    RegisterRequest, Session, UpdateProfileRequest, User, UserCounts, UserPage, UserViewer,
};
pub use admin::{
    CheckpointAsked, Flow, FlowBucket, FlowCheckpoint, FlowDoor, FlowDrop, FlowDropKind, FlowFates,
    FlowFeatures, FlowHead, FlowJob, FlowJobKind, FlowJobState, FlowLake, FlowLearner, FlowLog, FlowMedia,
    FlowMetastore, FlowOutbox, FlowSpread, FlowStage, FlowTable, FlowTopic, MetricFamily, MetricSample,
    Metrics,
};
pub use comment::{Author, Comment, CommentPage};
pub use config::{ClientConfig, Limits};
pub use control::{
    BlockRequest, FeedMode, FeedModeRequest, Interests, InterestsRequest, Leaning, LearnedInterest,
    MuteRequest, MutedWords, PersonRef, PersonRefs, TopicCount, Topics, Why, WhyReason, WhyRule, Wish,
};
pub use distribution::{
    Distribution, DistributionNext, DistributionPool, DistributionPoolState, DistributionPromise,
    DistributionPromiseState,
};
pub use error::ErrorBody;
pub use events::{EventsRequest, EventsResponse, Promise, RejectedEvent};
pub use explain::{
    FeedCandidate, FeedExplained, FeedGone, FeedLeaning, FeedRecipe, FeedRecipeStage, FeedRemoved, FeedSlate,
    FeedStage, FeedSwitch,
};
pub use faults::{BrokenPart, FaultRequest, Faults};
pub use feed::{FeedItem, FeedPage, NextRequest, NextResponse, Reason};
pub use operators::{
    OperatorChange, OperatorChanges, Order, OrderRequest, Orders, ValueWeight, ValueWeights,
    ValueWeightsRequest,
};
pub use trending::{
    HourlyUse, RisingTopic, RisingTopics, TrendingHashtag, TrendingHashtags, TrendingSound, TrendingSounds,
    TrendingVideo, TrendingVideos,
};
pub use upload::{SubmitVideoRequest, SubmittedPart, Upload, UploadPart, UploadUrlRequest};
pub use video::{
    AudioTrack, Creator, EngagementRequest, EngagementResponse, Playback, Rejection, Rendition, Sound, Video,
    VideoCounts, VideoFlags, VideoFlagsRequest, VideoPage, VideoStatus, VideoViewer,
};
pub use written::Written;
