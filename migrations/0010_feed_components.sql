-- For which share of viewers a stage of the feed runs, where an admin said so: 0 (off) to 1. It goes before the settings and outlives the
-- process; who said so stands in operator_changes. A stage that is not here is as the settings have it.

CREATE TABLE feed_components (
    name TEXT NOT NULL PRIMARY KEY,
    share DOUBLE PRECISION NOT NULL
);
