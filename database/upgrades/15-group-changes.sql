-- v14 -> v15 (compatible with v4+): Keep who has left a group chat until it is shown

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
