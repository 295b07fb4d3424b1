-- What operators ask of the feed: boosts and pins, each with an end, a reason and who asked; the weights of the value model where they
-- differ from the built-in ones; and the trail of all that.

CREATE TABLE operator_orders (
    id BIGINT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    region TEXT,
    factor DOUBLE PRECISION NOT NULL,
    reason TEXT NOT NULL,
    made_at_ms BIGINT NOT NULL,
    made_by BIGINT NOT NULL,
    ends_at_ms BIGINT NOT NULL
);
CREATE INDEX operator_orders_by_end ON operator_orders (ends_at_ms);

CREATE TABLE value_weights (
    head TEXT NOT NULL PRIMARY KEY,
    weight DOUBLE PRECISION NOT NULL
);

-- Rows are added and never changed. No reference to accounts: what was asked stays known when the account is gone, by its number.
CREATE TABLE operator_changes (
    id BIGINT NOT NULL PRIMARY KEY,
    what TEXT NOT NULL,
    detail TEXT NOT NULL,
    changed_at_ms BIGINT NOT NULL,
    changed_by BIGINT NOT NULL
);
INSERT INTO sequences (name, value) VALUES ('operator_changes', 0);
