-- v12 -> v13 (compatible with v4+): Keep which files are on their way

CREATE TABLE file_queue (
    bridge_id  TEXT NOT NULL,
    login_id   TEXT NOT NULL,
    event_id   TEXT NOT NULL,
    position   BIGINT NOT NULL,
    room_id    TEXT NOT NULL,
    sender     TEXT NOT NULL,
    portal_id  TEXT NOT NULL,
    content    TEXT NOT NULL,
    body       TEXT NOT NULL,
    format     TEXT NOT NULL,
    instead    TEXT NOT NULL,
    written_at BIGINT NOT NULL,
    queued_at  BIGINT NOT NULL,
    owner      TEXT NOT NULL,

    PRIMARY KEY (bridge_id, login_id, event_id),
    CONSTRAINT file_queue_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX file_queue_portal_idx ON file_queue (bridge_id, login_id, portal_id, position);

CREATE TABLE file_coming (
    bridge_id  TEXT NOT NULL,
    login_id   TEXT NOT NULL,
    file_id    TEXT NOT NULL,
    portal_id  TEXT NOT NULL,
    sender     TEXT NOT NULL,
    name       TEXT NOT NULL,
    offered_at BIGINT NOT NULL,

    PRIMARY KEY (bridge_id, login_id, file_id),
    CONSTRAINT file_coming_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);
