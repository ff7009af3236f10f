-- v0 -> v1 (compatible with v1+): Latest revision

CREATE TABLE contact (
    bridge_id TEXT NOT NULL,
    login_id  TEXT NOT NULL,
    account   TEXT NOT NULL,
    name      TEXT NOT NULL,
    lists     INTEGER NOT NULL,

    PRIMARY KEY (bridge_id, login_id, account),
    CONSTRAINT contact_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE msn_queue (
    bridge_id   TEXT NOT NULL,
    login_id    TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    position    BIGINT NOT NULL,
    portal_id   TEXT NOT NULL,
    sender      TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT NOT NULL,
    format      TEXT NOT NULL,
    group_size  INTEGER NOT NULL,

    PRIMARY KEY (bridge_id, login_id, message_id),
    CONSTRAINT msn_queue_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX msn_queue_position_idx ON msn_queue (bridge_id, login_id, position);
CREATE INDEX msn_queue_portal_idx ON msn_queue (bridge_id, login_id, portal_id);

CREATE TABLE matrix_queue (
    bridge_id  TEXT NOT NULL,
    login_id   TEXT NOT NULL,
    event_id   TEXT NOT NULL,
    position   BIGINT NOT NULL,
    room_id    TEXT NOT NULL,
    sender     TEXT NOT NULL,
    portal_id  TEXT NOT NULL,
    body       TEXT NOT NULL,
    format     TEXT NOT NULL,
    written_at BIGINT NOT NULL,
    started    BOOLEAN NOT NULL,

    PRIMARY KEY (bridge_id, login_id, event_id),
    CONSTRAINT matrix_queue_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX matrix_queue_position_idx ON matrix_queue (bridge_id, login_id, position);
