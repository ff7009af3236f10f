-- v1 -> v2 (compatible with v2+): Add alerts, pages and invitations

ALTER TABLE msn_queue ADD COLUMN kind TEXT NOT NULL DEFAULT 'text';

CREATE TABLE alert (
    bridge_id       TEXT NOT NULL,
    login_id        TEXT NOT NULL,
    alert_id        TEXT NOT NULL,
    position        BIGINT NOT NULL,
    received_at     BIGINT NOT NULL,
    kind            TEXT NOT NULL,
    site_id         TEXT NOT NULL,
    notification_id TEXT NOT NULL,
    message_id      TEXT NOT NULL,
    category        TEXT NOT NULL,
    lcid            INTEGER NOT NULL,
    priority        TEXT NOT NULL,
    action_url      TEXT NOT NULL,
    subscribe_url   TEXT NOT NULL,
    icon_url        TEXT NOT NULL,
    icon_mxc        TEXT NOT NULL,
    text            TEXT NOT NULL,

    PRIMARY KEY (bridge_id, login_id, alert_id),
    CONSTRAINT alert_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX alert_position_idx ON alert (bridge_id, login_id, position);

CREATE TABLE page (
    bridge_id       TEXT NOT NULL,
    login_id        TEXT NOT NULL,
    page_id         TEXT NOT NULL,
    recipient       TEXT NOT NULL,
    text            TEXT NOT NULL,
    callback        TEXT NOT NULL,
    callback_number TEXT NOT NULL,
    trid            BIGINT NOT NULL,
    sent_at         BIGINT NOT NULL,
    room_id         TEXT NOT NULL,
    event_id        TEXT NOT NULL,
    sender          TEXT NOT NULL,
    state           TEXT NOT NULL,
    code            TEXT NOT NULL,
    told            BOOLEAN NOT NULL,
    written_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,

    PRIMARY KEY (bridge_id, login_id, page_id),
    CONSTRAINT page_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX page_written_idx ON page (bridge_id, login_id, written_at);

CREATE TABLE invitation (
    bridge_id     TEXT NOT NULL,
    login_id      TEXT NOT NULL,
    invitation_id TEXT NOT NULL,
    address       TEXT NOT NULL,
    text_length   INTEGER NOT NULL,
    sender        TEXT NOT NULL,
    outcome       TEXT NOT NULL,
    ordered_at    BIGINT NOT NULL,

    PRIMARY KEY (bridge_id, login_id, invitation_id),
    CONSTRAINT invitation_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX invitation_sender_idx ON invitation (bridge_id, sender, ordered_at);
