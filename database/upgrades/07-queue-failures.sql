-- v6 -> v7 (compatible with v4+): Note since when messages wait, how often they failed, and why last

ALTER TABLE msn_queue ADD COLUMN queued_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE msn_queue ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE msn_queue ADD COLUMN last_error TEXT NOT NULL DEFAULT '';

ALTER TABLE matrix_queue ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE matrix_queue ADD COLUMN last_error TEXT NOT NULL DEFAULT '';
