-- v13 -> v14 (compatible with v4+): Keep which pictures stand in texts that wait

ALTER TABLE msn_queue ADD COLUMN emoticons TEXT NOT NULL DEFAULT '';
ALTER TABLE msn_queue ADD COLUMN replaces TEXT NOT NULL DEFAULT '';
ALTER TABLE matrix_queue ADD COLUMN emoticons TEXT NOT NULL DEFAULT '';
