//! One caller of the API: an account or a guest, with its tokens, cookies and event sequence.
//!
//! A caller follows its server through restarts. It keeps cookies by name only, which is enough for one address.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use ureq::http;

use crate::server::Address;

const REQUEST_SECONDS_MAX: u64 = 30;
const ANSWER_BYTES_MAX: u64 = 256 << 20;
/// Good enough for every rule about passwords, and the same for every caller.
const PASSWORD: &str = "correct horse battery staple";

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Header names are lower-case; the values of a repeated one are joined by line breaks.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `Null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The `code` of an error answer, empty when there is none.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The JSON of an answer that must have `status`.
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }
}

/// A batch of events as it was, or will be, sent: sending it again is a resend.
#[derive(Debug, Clone)]
pub struct EventBatch {
    pub body: Value,
    pub seq_first: u64,
    pub count: u64,
}

/// See the file's header.
#[derive(Debug)]
pub struct Caller {
    address: Address,
    agent: ureq::Agent,
    pub name: String,
    /// The account's id; empty for a guest.
    pub user_id: String,
    pub token: Option<String>,
    pub refresh_token: Option<String>,
    pub session_id: String,
    seq: AtomicU64,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Caller {
    pub(crate) fn new(address: Address, name: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(REQUEST_SECONDS_MAX)))
            .build();
        Self {
            address,
            agent: ureq::Agent::new_with_config(config),
            name: name.to_owned(),
            user_id: String::new(),
            token: None,
            refresh_token: None,
            session_id: format!("session-{name}"),
            seq: AtomicU64::new(0),
            cookies: Mutex::default(),
        }
    }

    /// Opens an account under `username` and stays signed in.
    pub fn register(mut self, username: &str) -> Self {
        let body = json!({"username": username, "password": PASSWORD, "birthDate": "1995-04-01"});
        let session = self.post("/api/v1/auth/register", &body).expect(201);
        username.clone_into(&mut self.name);
        self.session_id = format!("session-{username}");
        self.signed_in(&session);
        self
    }

    /// Signs in again with the kit's password.
    pub fn login(&mut self) {
        let body = json!({"username": self.name, "password": PASSWORD});
        let session = self.post("/api/v1/auth/login", &body).expect(200);
        self.signed_in(&session);
    }

    fn signed_in(&mut self, session: &Value) {
        self.user_id = text(session, "userId");
        self.token = Some(text(session, "accessToken"));
        self.refresh_token = session["refreshToken"].as_str().map(str::to_owned);
    }

    /// One request; `Err` only when no answer came.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, String> {
        let address = self
            .address
            .read()
            .expect("no caller panicked with the address")
            .ok_or("the server is down")?;
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("http://{address}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = self.token.as_ref().filter(|_| path.starts_with("/api/")) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(cookies) = self.cookie_header() {
            request = request.header("cookie", cookies);
        }
        let request = request.body(body).map_err(|error| error.to_string())?;
        let mut response = self.agent.run(request).map_err(|error| error.to_string())?;
        self.keep_cookies(response.headers());
        let (status, headers) = (response.status().as_u16(), collect_headers(response.headers()));
        let body = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_vec();
        Ok(Answer {
            status,
            headers,
            body: body.map_err(|error| error.to_string())?,
        })
    }

    fn cookie_header(&self) -> Option<String> {
        let cookies = self.cookies.lock().expect("no thread panicked with the cookies");
        let pairs: Vec<String> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    fn keep_cookies(&self, headers: &http::HeaderMap) {
        for header in headers.get_all("set-cookie") {
            let pair = header
                .to_str()
                .unwrap_or_default()
                .split(';')
                .next()
                .unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                let mut cookies = self.cookies.lock().expect("no thread panicked with the cookies");
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The value of a cookie that the server set.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies
            .lock()
            .expect("no thread panicked with the cookies")
            .get(name)
            .cloned()
    }

    /// Sets or replaces a cookie.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies
            .lock()
            .expect("no thread panicked with the cookies")
            .insert(name.to_owned(), value.to_owned());
    }

    /// One request that must be answered.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let answer = self.try_send(method, path, headers, body);
        answer.unwrap_or_else(|error| panic!("{method} {path} by {}: {error}", self.name))
    }

    /// GET; `Err` only when no answer came.
    pub fn try_get(&self, path: &str) -> Result<Answer, String> {
        self.try_send("GET", path, &[], b"")
    }

    /// POST of JSON; `Err` only when no answer came.
    pub fn try_post(&self, path: &str, body: &Value) -> Result<Answer, String> {
        self.try_send(
            "POST",
            path,
            &[("content-type", "application/json")],
            body.to_string().as_bytes(),
        )
    }

    /// GET.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(
            "POST",
            path,
            &[("content-type", "application/json")],
            body.to_string().as_bytes(),
        )
    }

    /// PATCH of JSON.
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(
            "PATCH",
            path,
            &[("content-type", "application/json")],
            body.to_string().as_bytes(),
        )
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], b"")
    }

    /// Like, comment, save … on a video.
    pub fn engage(&self, video_id: &str, body: &Value) -> Answer {
        self.post(&format!("/api/v1/videos/{video_id}/engagement"), body)
    }

    /// Stamps `events` with the session's next sequence numbers and the time.
    pub fn batch(&self, events: Vec<Value>) -> EventBatch {
        let count = events.len() as u64;
        let seq_first = self.seq.fetch_add(count, Ordering::Relaxed) + 1;
        let stamped: Vec<Value> = events
            .into_iter()
            .zip(seq_first..)
            .map(|(event, seq)| stamp(event, seq))
            .collect();
        EventBatch {
            body: json!({"sessionId": self.session_id, "events": stamped}),
            seq_first,
            count,
        }
    }

    /// Sends a batch, for the first time or again.
    pub fn try_send_batch(&self, batch: &EventBatch) -> Result<Answer, String> {
        self.try_post("/api/v1/events", &batch.body)
    }

    /// Sends events that must be answered.
    pub fn events(&self, events: Vec<Value>) -> Answer {
        let batch = self.batch(events);
        self.post("/api/v1/events", &batch.body)
    }

    /// One page of the For You feed.
    pub fn feed(&self, count: usize, cursor: Option<&str>) -> Value {
        let cursor = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        self.get(&format!("/api/v1/feed/for-you?count={count}{cursor}"))
            .expect(200)
    }

    /// A video as this caller sees it.
    pub fn video(&self, video_id: &str) -> Value {
        self.get(&format!("/api/v1/videos/{video_id}")).expect(200)
    }
}

fn collect_headers(headers: &http::HeaderMap) -> BTreeMap<String, String> {
    let mut collected = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let joined = collected.entry(name.to_string()).or_default();
        if !joined.is_empty() {
            joined.push('\n');
        }
        joined.push_str(&value);
    }
    collected
}

fn stamp(mut event: Value, seq: u64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    event["seq"] = json!(seq);
    event["atMs"] = json!(now.as_millis() as u64);
    event
}

/// A string member that must be there.
pub(crate) fn text(value: &Value, member: &str) -> String {
    value[member]
        .as_str()
        .unwrap_or_else(|| panic!("no string `{member}` in {value}"))
        .to_owned()
}
