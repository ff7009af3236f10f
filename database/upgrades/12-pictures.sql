-- v11 -> v12 (compatible with v4+): Keep where pictures are that were uploaded, and the display pictures of users

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
