-- v16 -> v17 (compatible with v4+): Find what is old without reading whole tables

CREATE INDEX alert_received_idx ON alert (bridge_id, received_at);
CREATE INDEX page_updated_idx ON page (bridge_id, told, updated_at);
CREATE INDEX invitation_ordered_idx ON invitation (bridge_id, ordered_at);
CREATE INDEX object_used_idx ON object (bridge_id, used_at);
