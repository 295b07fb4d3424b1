-- What keeps a video from people: `hidden` by an admin takes it out of every feed, list and page but its creator's; `adults_only`, said by
-- its creator or an admin, keeps it from everybody who is not known to be of age. Who set what stands in operator_changes.

ALTER TABLE videos ADD COLUMN hidden BIGINT NOT NULL DEFAULT 0;
ALTER TABLE videos ADD COLUMN adults_only BIGINT NOT NULL DEFAULT 0;
