-- v3 -> v4: Note which run of the bridge has claimed what waits, and when a message was queued

ALTER TABLE matrix_queue ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE matrix_queue ADD COLUMN queued_at BIGINT NOT NULL DEFAULT 0;
UPDATE matrix_queue SET owner='an earlier version' WHERE started;
ALTER TABLE matrix_queue DROP COLUMN started;
CREATE INDEX matrix_queue_portal_idx ON matrix_queue (bridge_id, login_id, portal_id, position);

ALTER TABLE msn_queue ADD COLUMN owner TEXT NOT NULL DEFAULT '';
DROP INDEX msn_queue_portal_idx;
CREATE INDEX msn_queue_portal_idx ON msn_queue (bridge_id, login_id, portal_id, position);

ALTER TABLE page ADD COLUMN owner TEXT NOT NULL DEFAULT '';
CREATE INDEX page_told_idx ON page (bridge_id, login_id, told);
