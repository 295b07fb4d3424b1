-- Who may look after the house, and who said so. A role is granted and taken on the command line by whoever holds the data folder.

CREATE TABLE roles (
    user_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    granted_at_ms BIGINT NOT NULL,
    granted_by TEXT NOT NULL,
    PRIMARY KEY (user_id, role)
);

-- The audit trail: rows are added and never changed. No reference to accounts: what was granted stays known when the account is gone,
-- by its number alone.
CREATE TABLE role_changes (
    id BIGINT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL,
    role TEXT NOT NULL,
    change TEXT NOT NULL,
    changed_at_ms BIGINT NOT NULL,
    changed_by TEXT NOT NULL
);
INSERT INTO sequences (name, value) VALUES ('role_changes', 0);
