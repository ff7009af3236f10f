-- v5 -> v6 (compatible with v4+): Note which process uses the database

CREATE TABLE IF NOT EXISTS lease (
    bridge_id TEXT NOT NULL PRIMARY KEY,
    holder    TEXT NOT NULL,
    beat      BIGINT NOT NULL
);
