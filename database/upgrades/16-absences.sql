-- v15 -> v16 (compatible with v4+): Tell once per absence of a contact that messages are kept, and that they were delivered

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

-- Of what waits already each message was told of.
INSERT INTO absence (bridge_id, login_id, portal_id, keeper, room_id, event_id, sender, began_at, told, messages)
SELECT bridge_id, login_id, portal_id, 'bridge', MIN(room_id), MIN(event_id), MIN(sender), MIN(held_at), true, 0
FROM matrix_queue WHERE held_at<>0 GROUP BY bridge_id, login_id, portal_id;
