-- v7 -> v8 (compatible with v4+): Note who is not shown as offline

CREATE TABLE presence (
    bridge_id TEXT NOT NULL,
    ghost_id  TEXT NOT NULL,

    PRIMARY KEY (bridge_id, ghost_id)
);
