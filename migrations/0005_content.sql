-- What a video is about, and by what it is known again when it is uploaded anew. Bytes are the media plane's: opaque here.

ALTER TABLE videos ADD COLUMN content BLOB;
-- The encoder that made it; 0 for none yet.
ALTER TABLE videos ADD COLUMN content_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE videos ADD COLUMN fingerprint BLOB;
-- The video that was here first. No reference: it names a group of copies, and the group outlives it.
ALTER TABLE videos ADD COLUMN original_id BIGINT;
CREATE INDEX videos_by_content ON videos (status, content_version, id);

-- Keys of fingerprints, of videos that are no copies: what shares a key may be the same video.
CREATE TABLE video_prints (
    print_key BIGINT NOT NULL,
    video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    PRIMARY KEY (print_key, video_id)
);
CREATE INDEX video_prints_by_video ON video_prints (video_id);
