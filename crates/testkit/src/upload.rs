//! The upload walk as a client does it: session, parts, metadata, then waiting until the video plays.

use serde_json::{Value, json};

use crate::Caller;
use crate::caller::text;
use crate::wait::until;

/// How long processing of a test clip may take on a loaded machine.
const PROCESSED_SECONDS_MAX: u64 = 120;

impl Caller {
    /// Opens an upload session for `bytes`.
    pub fn upload_open(&self, bytes: &[u8]) -> Value {
        let body = json!({"duration": 2, "fileSize": bytes.len(), "mimeType": "video/mp4"});
        self.post("/api/v1/videos/upload-url", &body).expect(201)
    }

    /// Puts every part of an upload; returns the list for the metadata request.
    pub fn upload_parts(&self, upload: &Value, bytes: &[u8]) -> Vec<Value> {
        let size = upload["partSize"].as_u64().expect("a part size") as usize;
        let parts = upload["parts"]
            .as_array()
            .expect("a list of parts")
            .iter()
            .zip(bytes.chunks(size));
        parts.map(|(part, chunk)| self.upload_part(part, chunk)).collect()
    }

    fn upload_part(&self, part: &Value, chunk: &[u8]) -> Value {
        let answer = self.send(
            "PUT",
            &text(part, "url"),
            &[("content-type", "application/octet-stream")],
            chunk,
        );
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let etag = answer
            .headers
            .get("etag")
            .expect("a part is answered with an ETag");
        json!({"number": part["number"], "etag": etag})
    }

    /// Uploads `bytes` and submits the metadata; returns the accepted video, not yet playable.
    pub fn upload(&self, bytes: &[u8], caption: &str, hashtags: &[&str]) -> Value {
        let upload = self.upload_open(bytes);
        let parts = self.upload_parts(&upload, bytes);
        let body =
            json!({"videoId": upload["videoId"], "caption": caption, "hashtags": hashtags, "parts": parts});
        self.post("/api/v1/videos", &body).expect(202)
    }

    /// Uploads `bytes` and waits until the video plays.
    pub fn publish(&self, bytes: &[u8], caption: &str, hashtags: &[&str]) -> Value {
        let video = self.upload(bytes, caption, hashtags);
        let video = self.wait_processed(&text(&video, "id"));
        assert_eq!(video["status"], "published", "{video}");
        video
    }

    /// Waits until a video of this caller is published, rejected or failed.
    pub fn wait_processed(&self, video_id: &str) -> Value {
        until("the video is processed", PROCESSED_SECONDS_MAX, || {
            let video = self.video(video_id);
            matches!(
                video["status"].as_str(),
                Some("published" | "rejected" | "failed")
            )
            .then_some(video)
        })
    }

    /// Waits until every rendition of a video is there.
    pub fn wait_complete(&self, video_id: &str) -> Value {
        until("every rendition is there", PROCESSED_SECONDS_MAX, || {
            let video = self.video(video_id);
            (video["progress"].as_f64() >= Some(1.0)).then_some(video)
        })
    }
}
