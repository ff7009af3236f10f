-- v8 -> v9 (compatible with v4+): Note who has a status in their profile

CREATE TABLE profile_status (
    bridge_id TEXT NOT NULL,
    ghost_id  TEXT NOT NULL,

    PRIMARY KEY (bridge_id, ghost_id)
);
