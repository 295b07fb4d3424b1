-- What a video is about, the sound it uses, and where its creator seemed to be when it was submitted.

ALTER TABLE videos ADD COLUMN category TEXT;
ALTER TABLE videos ADD COLUMN sound_id BIGINT;
ALTER TABLE videos ADD COLUMN region TEXT;
