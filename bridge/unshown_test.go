package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"matrix-msn/msn"
)

// Matrix has no room for some addresses: what comes from them is told all the same, also where
// alerts are off, and does not fill a room.
func TestTextOfWhoCannotBeShownIsToldOf(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	from := strings.Repeat("!", 100) + "@example.com"
	for _, text := range []string{"Can you hear me?", "Hello?"} {
		client.session.Dispatch(b.ctx, msn.OfflineReceived{ID: text, From: from, Text: text, At: time.Now()})
		b.matrix.wait(t, 0, "the notice", func(r record) bool {
			return r.kind == "message" && strings.Contains(r.body, "whose address cannot be shown in Matrix") && strings.Contains(r.body, text)
		})
	}
	for i := range 300 {
		client.session.Dispatch(b.ctx, msn.TextReceived{
			Conversation: new(msn.Conversation), From: fmt.Sprintf("x/%d@evil.example", i), Text: "hello", Session: "s", Seq: i, At: time.Now(),
		})
	}
	stored := 0
	if err := b.br.DB.QueryRow(b.ctx, "SELECT COUNT(*) FROM alert").Scan(&stored); err != nil || stored == 0 || stored > 2*msn.MaxMembers+10 {
		t.Errorf("%d notices of them: %v", stored, err)
	}
}
