//! Lets the demo creators follow each other, like and comment, so that an empty house does not look empty.
//!
//! Who does what follows from their places in the list; nothing is drawn. It happens once for a data folder.

use std::fs;
use std::path::Path;

use api::{
    EngagementRequest, EngagementResponse, FollowAction, FollowRequest, FollowResponse, User, Video,
    VideoPage, VideoStatus,
};

use crate::demo::DemoOptions;
use crate::import::Creator;
use crate::{ImportError, demo};

const VIDEOS_EACH_MAX: u32 = 50;
const REMARKS: [&str; 8] = [
    "This loops so well.",
    "How did you make this?",
    "Watched it three times already.",
    "The colours!",
    "Sound on for this one.",
    "More of these, please.",
    "This calmed me right down.",
    "Saving this for later.",
];

struct Person {
    creator: Creator,
    user: User,
    videos: Vec<Video>,
}

/// Follows, likes and comments among `creators`, unless that was done before.
pub(crate) fn meet(options: &DemoOptions, folder: &Path, creators: &[&str]) -> Result<(), ImportError> {
    let marker = folder.join("society.done");
    if marker.exists() {
        return Ok(());
    }
    let people = creators
        .iter()
        .map(|name| person(options, name))
        .collect::<Result<Vec<_>, _>>()?;
    for (own, person) in people.iter().enumerate() {
        for (other, them) in people.iter().enumerate().filter(|(other, _)| *other != own) {
            if follows(own, other, people.len()) {
                follow(person, &them.user)?;
            }
            for (number, video) in them.videos.iter().enumerate() {
                react(person, video, own + other * 3 + number * 5)?;
            }
        }
    }
    fs::write(&marker, "").map_err(ImportError::file(&marker))
}

fn person(options: &DemoOptions, name: &str) -> Result<Person, ImportError> {
    let creator = Creator::sign_in(&options.server, &options.data, name, &demo::display_name(name))?;
    let user: User = creator.client.get("/api/v1/me")?;
    let page: VideoPage = creator.client.get(&format!(
        "/api/v1/users/{}/videos?count={VIDEOS_EACH_MAX}",
        user.id
    ))?;
    let videos = page
        .items
        .into_iter()
        .filter(|video| video.status == VideoStatus::Published)
        .collect();
    Ok(Person {
        creator,
        user,
        videos,
    })
}

/// Everybody follows the next half of the round.
fn follows(own: usize, other: usize, people: usize) -> bool {
    (other + people - own) % people <= people / 2
}

fn follow(person: &Person, user: &User) -> Result<(), ImportError> {
    let request = FollowRequest {
        action: FollowAction::Follow,
        video_id: None,
    };
    let _: FollowResponse = person
        .creator
        .client
        .post(&format!("/api/v1/users/{}/follow", user.id), &request)?;
    Ok(())
}

/// A like for two of three videos, a remark for one of seven.
fn react(person: &Person, video: &Video, turn: usize) -> Result<(), ImportError> {
    if !turn.is_multiple_of(3) {
        engage(person, video, "like", None)?;
    }
    if turn.is_multiple_of(7) {
        engage(
            person,
            video,
            "comment",
            Some(REMARKS[turn % REMARKS.len()].to_owned()),
        )?;
    }
    Ok(())
}

fn engage(
    person: &Person,
    video: &Video,
    action: &str,
    comment_text: Option<String>,
) -> Result<(), ImportError> {
    let request = EngagementRequest {
        action: action.to_owned(),
        comment_text,
        parent_id: None,
        reason: None,
    };
    let path = format!("/api/v1/videos/{}/engagement", video.id);
    let _: EngagementResponse = person.creator.client.post(&path, &request)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_follows_half_of_the_others() {
        for people in 2..9 {
            for own in 0..people {
                let followed = (0..people)
                    .filter(|&other| other != own && follows(own, other, people))
                    .count();
                assert_eq!(followed, people / 2, "{own} of {people}");
            }
        }
    }
}
