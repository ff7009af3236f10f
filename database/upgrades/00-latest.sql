-- v0 -> v17: Latest revision

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
    kind        TEXT NOT NULL DEFAULT 'text',
    owner       TEXT NOT NULL DEFAULT '',
    queued_at   BIGINT NOT NULL DEFAULT 0,
    attempts    INTEGER NOT NULL DEFAULT 0,
    last_error  TEXT NOT NULL DEFAULT '',
    emoticons   TEXT NOT NULL DEFAULT '',
    replaces    TEXT NOT NULL DEFAULT '',

    PRIMARY KEY (bridge_id, login_id, message_id),
    CONSTRAINT msn_queue_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX msn_queue_position_idx ON msn_queue (bridge_id, login_id, position);
CREATE INDEX msn_queue_portal_idx ON msn_queue (bridge_id, login_id, portal_id, position);

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
    held_at    BIGINT NOT NULL DEFAULT 0,
    owner      TEXT NOT NULL DEFAULT '',
    queued_at  BIGINT NOT NULL DEFAULT 0,
    attempts   INTEGER NOT NULL DEFAULT 0,
    last_error TEXT NOT NULL DEFAULT '',
    emoticons  TEXT NOT NULL DEFAULT '',

    PRIMARY KEY (bridge_id, login_id, event_id),
    CONSTRAINT matrix_queue_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX matrix_queue_position_idx ON matrix_queue (bridge_id, login_id, position);
CREATE INDEX matrix_queue_portal_idx ON matrix_queue (bridge_id, login_id, portal_id, position);

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
CREATE INDEX alert_received_idx ON alert (bridge_id, received_at);

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
    owner           TEXT NOT NULL DEFAULT '',

    PRIMARY KEY (bridge_id, login_id, page_id),
    CONSTRAINT page_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX page_written_idx ON page (bridge_id, login_id, written_at);
CREATE INDEX page_told_idx ON page (bridge_id, login_id, told);
CREATE INDEX page_updated_idx ON page (bridge_id, told, updated_at);

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
CREATE INDEX invitation_ordered_idx ON invitation (bridge_id, ordered_at);

CREATE TABLE group_member (
    bridge_id TEXT NOT NULL,
    login_id  TEXT NOT NULL,
    group_id  TEXT NOT NULL,
    account   TEXT NOT NULL,
    position  BIGINT NOT NULL,

    PRIMARY KEY (bridge_id, login_id, group_id, account),
    CONSTRAINT group_member_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE group_change (
    bridge_id TEXT NOT NULL,
    login_id  TEXT NOT NULL,
    group_id  TEXT NOT NULL,
    account   TEXT NOT NULL,
    has_left  BOOLEAN NOT NULL,
    reason    TEXT NOT NULL,

    PRIMARY KEY (bridge_id, login_id, group_id, account),
    CONSTRAINT group_change_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);

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

CREATE TABLE lease (
    bridge_id TEXT NOT NULL PRIMARY KEY,
    holder    TEXT NOT NULL,
    beat      BIGINT NOT NULL
);

CREATE TABLE presence (
    bridge_id TEXT NOT NULL,
    ghost_id  TEXT NOT NULL,

    PRIMARY KEY (bridge_id, ghost_id)
);

CREATE TABLE profile_status (
    bridge_id TEXT NOT NULL,
    ghost_id  TEXT NOT NULL,

    PRIMARY KEY (bridge_id, ghost_id)
);

CREATE TABLE group_space (
    bridge_id TEXT NOT NULL,
    login_id  TEXT NOT NULL,
    group_id  TEXT NOT NULL,
    room_id   TEXT NOT NULL,
    name      TEXT NOT NULL,
    children  TEXT NOT NULL,
    parent    TEXT NOT NULL,
    joined    BOOLEAN NOT NULL,

    PRIMARY KEY (bridge_id, login_id, group_id),
    CONSTRAINT group_space_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE prompt (
    bridge_id TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    room_id   TEXT NOT NULL,
    asked_at  BIGINT NOT NULL,
    told      BOOLEAN NOT NULL,

    PRIMARY KEY (bridge_id, user_id)
);

CREATE TABLE object (
    bridge_id TEXT NOT NULL,
    hash      TEXT NOT NULL,
    mxc       TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    size      BIGINT NOT NULL,
    width     BIGINT NOT NULL,
    height    BIGINT NOT NULL,
    used_at   BIGINT NOT NULL,

    PRIMARY KEY (bridge_id, hash)
);
CREATE INDEX object_used_idx ON object (bridge_id, used_at);

CREATE TABLE picture (
    bridge_id TEXT NOT NULL,
    login_id  TEXT NOT NULL,
    source    TEXT NOT NULL,
    data      TEXT NOT NULL,

    PRIMARY KEY (bridge_id, login_id),
    CONSTRAINT picture_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);

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

CREATE TABLE absence (
    bridge_id TEXT NOT NULL,
    login_id  TEXT NOT NULL,
    portal_id TEXT NOT NULL,
    keeper    TEXT NOT NULL,
    room_id   TEXT NOT NULL,
    event_id  TEXT NOT NULL,
    sender    TEXT NOT NULL,
    began_at  BIGINT NOT NULL,
    told      BOOLEAN NOT NULL,
    messages  BIGINT NOT NULL,

    PRIMARY KEY (bridge_id, login_id, portal_id, keeper),
    CONSTRAINT absence_login_fkey FOREIGN KEY (bridge_id, login_id)
        REFERENCES user_login (bridge_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE
);
