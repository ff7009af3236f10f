-- v4 -> v5 (compatible with v4+): Keep what the homeserver pushes until it is dealt with, and what became of it

CREATE TABLE intake (
    bridge_id   TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    position    BIGINT NOT NULL,
    room_id     TEXT NOT NULL,
    sender      TEXT NOT NULL,
    content     TEXT NOT NULL,
    state       TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    received_at BIGINT NOT NULL,

    PRIMARY KEY (bridge_id, event_id)
);
CREATE INDEX intake_state_idx ON intake (bridge_id, state, position);
CREATE INDEX intake_received_idx ON intake (bridge_id, received_at);
