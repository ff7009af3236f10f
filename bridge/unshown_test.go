package bridge

import (
	"strings"
	"testing"
	"time"

	"matrix-msn/msn"
)

// Matrix has no room for some addresses: what comes from them is told all the same, and does
// not fill a room.
func TestTextOfWhoCannotBeShownIsToldOf(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	chat := b.management()
	from := strings.Repeat("!", 100) + "@example.com"
	for _, text := range []string{"Can you hear me?", "Hello?"} {
		client.session.Dispatch(b.ctx, msn.OfflineReceived{ID: text, From: from, Text: text, At: time.Now()})
	}
	told := func(r record) bool {
		return r.kind == "message" && strings.Contains(r.body, "whose address cannot be shown in Matrix") && strings.Contains(r.body, "Can you hear me?")
	}
	b.matrix.wait(t, 0, "the notice", told)
	b.ask(chat, "contacts") // what was told twice would be there by then
	if all := b.matrix.all(told); len(all) != 1 {
		t.Errorf("told %d times", len(all))
	}
}
