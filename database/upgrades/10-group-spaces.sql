-- v9 -> v10 (compatible with v4+): Keep which group of contacts has which space

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
