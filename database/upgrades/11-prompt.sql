-- v10 -> v11 (compatible with v4+): Note who was asked for a password, and did not answer yet

CREATE TABLE prompt (
    bridge_id TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    room_id   TEXT NOT NULL,
    asked_at  BIGINT NOT NULL,
    told      BOOLEAN NOT NULL,

    PRIMARY KEY (bridge_id, user_id)
);
