//! The API as a client speaks it: requests, the parts of answers that a phone looks at, and nothing of the product's own types.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use types::{UserId, VideoId};
use ureq::http;

use crate::error::LoopError;

const REQUEST_MAX: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Answers of a house that is busy: too slow, too many, not now.
const BUSY: [u16; 3] = [408, 429, 503];
const AGAIN_MAX: u32 = 50;
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Good enough for every rule about passwords, and the same for everybody.
const PASSWORD: &str = "correct horse battery staple";
const ADULT_BORN: &str = "1990-04-01";

/// A connection to the house. Clones share its pool.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    agent: ureq::Agent,
}

/// Who asks, as far as a request says.
#[derive(Debug, Clone, Copy, Default)]
pub struct From<'a> {
    pub token: Option<&'a str>,
    /// Two letters.
    pub region: Option<&'a str>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub user_id: UserId,
    pub access_token: String,
    pub refresh_token: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Page {
    pub items: Vec<Item>,
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub impression_id: String,
    pub video: Card,
    pub reason: Reason,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Card {
    pub id: VideoId,
    pub creator: CreatorRef,
}

#[derive(Debug, Clone, Deserialize)]
pub struct CreatorRef {
    pub id: UserId,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Reason {
    pub code: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Next {
    pub unseen: Vec<Item>,
    pub append: Vec<Item>,
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rising {
    pub items: Vec<RisingTopic>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RisingTopic {
    pub scope: String,
    pub since_ms: i64,
}

/// How far behind the house is; the part of the admins' flow page that says so.
#[derive(Debug, Clone, Deserialize)]
pub struct Flow {
    pub jobs: Vec<FlowJob>,
    pub learner: Option<FlowLearner>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowJob {
    pub lag_records: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowLearner {
    pub learned: u64,
    pub pages_learned: u64,
    pub pages_light: u64,
    pub say: Option<f64>,
}

impl Flow {
    /// Records that a job has yet to take in. The learner says how it stands so seldom that nobody waits for it here.
    pub fn behind(&self) -> u64 {
        self.jobs.iter().map(|job| job.lag_records).sum()
    }
}

impl Api {
    /// Speaks to the house at `address`.
    pub fn new(address: std::net::SocketAddr) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(REQUEST_MAX))
            .build();
        Self {
            base: format!("http://{address}/api/v1"),
            agent: ureq::Agent::new_with_config(config),
        }
    }

    /// One request. A house that is busy is asked again, as clients do; any other answer outside of 200 to 299 is an error with its status.
    ///
    /// # Errors
    /// No answer, a refusal, or an answer that does not read.
    pub fn ask<T: DeserializeOwned>(
        &self,
        what: (&str, &str),
        from: From<'_>,
        body: Option<&Value>,
    ) -> Result<T, LoopError> {
        for _ in 0..AGAIN_MAX {
            match self.ask_once(what, from, body) {
                Err(LoopError::Refused { status, .. }) if BUSY.contains(&status) => {
                    std::thread::sleep(AGAIN_AFTER);
                }
                answer => return answer,
            }
        }
        self.ask_once(what, from, body)
    }

    fn ask_once<T: DeserializeOwned>(
        &self,
        (method, path): (&str, &str),
        from: From<'_>,
        body: Option<&Value>,
    ) -> Result<T, LoopError> {
        let what = || format!("{method} {path}");
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(token) = from.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(region) = from.region {
            request = request.header("accept-language", format!("en-{region}"));
        }
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let silent = |error| LoopError::Silent(what(), Box::new(error));
        let request = request.body(bytes).map_err(|error| silent(error.into()))?;
        let mut response = self.agent.run(request).map_err(silent)?;
        let status = response.status().as_u16();
        let read = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_vec();
        let answer = read.map_err(silent)?;
        if !(200..300).contains(&status) {
            let body = String::from_utf8_lossy(&answer).into_owned();
            return Err(LoopError::Refused {
                what: what(),
                status,
                body,
            });
        }
        let json = if answer.is_empty() {
            b"null".as_slice()
        } else {
            &answer
        };
        serde_json::from_slice(json).map_err(|error| LoopError::Unreadable(what(), error))
    }

    /// Opens an account.
    ///
    /// # Errors
    /// See [`Self::ask`].
    pub fn register(&self, username: &str) -> Result<Session, LoopError> {
        let body = json!({"username": username, "password": PASSWORD, "birthDate": ADULT_BORN});
        self.ask(("POST", "/auth/register"), From::default(), Some(&body))
    }

    /// Goes on with a session, or signs in again when it is over.
    ///
    /// # Errors
    /// See [`Self::ask`].
    pub fn renew(&self, username: &str, refresh_token: Option<&str>) -> Result<Session, LoopError> {
        if let Some(token) = refresh_token {
            let body = json!({"refreshToken": token});
            match self.ask(("POST", "/auth/refresh"), From::default(), Some(&body)) {
                Err(LoopError::Refused { status: 401, .. }) => {}
                session => return session,
            }
        }
        let body = json!({"username": username, "password": PASSWORD});
        self.ask(("POST", "/auth/login"), From::default(), Some(&body))
    }
}
