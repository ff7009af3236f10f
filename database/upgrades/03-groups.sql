-- v2 -> v3 (compatible with v2+): Add the members of group chats, and messages that wait for their recipient

ALTER TABLE matrix_queue ADD COLUMN held_at BIGINT NOT NULL DEFAULT 0;

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
