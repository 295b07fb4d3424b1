-- The ground state: accounts, videos, what people do, uploads, the media queue, the outbox.
-- Ids are 63-bit numbers minted by the application, times are milliseconds since the epoch, lists are JSON text.
-- Counts are kept beside the rows they count and change in the same transaction.
-- A PostgreSQL database declares `CREATE DOMAIN blob AS bytea` first; the rest is common to both engines.

CREATE TABLE accounts (
    id BIGINT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    bio TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    birth_date TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);

CREATE TABLE user_counts (
    user_id BIGINT NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    followers BIGINT NOT NULL DEFAULT 0,
    following BIGINT NOT NULL DEFAULT 0,
    videos BIGINT NOT NULL DEFAULT 0,
    likes BIGINT NOT NULL DEFAULT 0
);

-- Only the SHA-256 of a token is kept. A family is one login; a token that was rotated and comes back is theft.
CREATE TABLE refresh_tokens (
    token_hash BLOB NOT NULL PRIMARY KEY,
    family_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    issued_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    rotated_at_ms BIGINT,
    revoked_at_ms BIGINT
);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family_id);
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at_ms);

CREATE TABLE videos (
    id BIGINT NOT NULL PRIMARY KEY,
    creator_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    progress DOUBLE PRECISION NOT NULL,
    caption TEXT NOT NULL,
    hashtags TEXT NOT NULL,
    duration_ms BIGINT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    source_bytes BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    published_at_ms BIGINT,
    rejection_code TEXT,
    rejection_message TEXT,
    manifest TEXT
);
CREATE INDEX videos_by_creator ON videos (creator_id, id);
CREATE INDEX videos_by_creator_published ON videos (creator_id, status, published_at_ms, id);
CREATE INDEX videos_by_published ON videos (status, published_at_ms, id);

CREATE TABLE video_counts (
    video_id BIGINT NOT NULL PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    likes BIGINT NOT NULL DEFAULT 0,
    comments BIGINT NOT NULL DEFAULT 0,
    shares BIGINT NOT NULL DEFAULT 0,
    saves BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE video_hashtags (
    tag TEXT NOT NULL,
    video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, video_id)
);
CREATE INDEX video_hashtags_by_video ON video_hashtags (video_id);

CREATE TABLE uploads (
    video_id BIGINT NOT NULL PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    owner_id BIGINT NOT NULL,
    declared_bytes BIGINT NOT NULL,
    mime TEXT NOT NULL,
    part_size_bytes BIGINT NOT NULL,
    part_count BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    submitted_at_ms BIGINT
);
CREATE INDEX uploads_by_expiry ON uploads (submitted_at_ms, expires_at_ms);

CREATE TABLE upload_parts (
    video_id BIGINT NOT NULL REFERENCES uploads (video_id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    etag TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    stored_at_ms BIGINT NOT NULL,
    PRIMARY KEY (video_id, number)
);

-- No reference to videos: the job that purges a deleted video's files outlives its row.
CREATE TABLE media_jobs (
    id BIGINT NOT NULL PRIMARY KEY,
    video_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    priority BIGINT NOT NULL,
    run_after_ms BIGINT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    attempts_max BIGINT NOT NULL,
    payload TEXT NOT NULL,
    last_error TEXT,
    created_at_ms BIGINT NOT NULL,
    UNIQUE (video_id, kind)
);
CREATE INDEX media_jobs_by_turn ON media_jobs (state, priority DESC, id);

CREATE TABLE follows (
    follower_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    followee_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (follower_id, followee_id)
);
CREATE INDEX follows_by_follower ON follows (follower_id, created_at_ms, followee_id);
CREATE INDEX follows_by_followee ON follows (followee_id, created_at_ms, follower_id);

CREATE TABLE likes (
    user_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, video_id)
);
CREATE INDEX likes_by_video ON likes (video_id);

CREATE TABLE saves (
    user_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, video_id)
);
CREATE INDEX saves_by_video ON saves (video_id);

CREATE TABLE shares (
    user_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, video_id)
);
CREATE INDEX shares_by_video ON shares (video_id);

CREATE TABLE not_interested (
    user_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, video_id)
);
CREATE INDEX not_interested_by_video ON not_interested (video_id);

CREATE TABLE reports (
    user_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    reason TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, video_id)
);
CREATE INDEX reports_by_video ON reports (video_id);

-- parent_id is always a root: a reply to a reply hangs on the same root.
CREATE TABLE comments (
    id BIGINT NOT NULL PRIMARY KEY,
    video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    author_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    parent_id BIGINT REFERENCES comments (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    reply_count BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX comments_by_video ON comments (video_id, parent_id, id);
CREATE INDEX comments_by_parent ON comments (parent_id, id);
CREATE INDEX comments_by_author ON comments (author_id);

-- Facts on their way to the event log. The id comes from `sequences` in the same transaction, so it grows in the
-- order of commits and is never used twice, not even after the rows are gone.
CREATE TABLE outbox (
    id BIGINT NOT NULL PRIMARY KEY,
    topic BIGINT NOT NULL,
    partition_key BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    payload BLOB NOT NULL
);

CREATE TABLE sequences (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO sequences (name, value) VALUES ('outbox', 0);
