package bridge

import (
	"fmt"
	"testing"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// What is said of a reaction or a deletion answers the message that it is about, which clients can show.
func TestNoticesAnswerWhatCanBeShown(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	happen := func(evt id.EventID, kind event.Type, content any) {
		b.conn.Arriving(b.ctx, &event.Event{Type: kind, ID: evt, RoomID: room, Sender: fakeUser, Content: event.Content{Parsed: content}})
	}
	happen("$reaction", event.EventReaction, &event.ReactionEventContent{RelatesTo: event.RelatesTo{Type: event.RelAnnotation, EventID: "$message", Key: "👍"}})
	happen("$deletion", event.EventRedaction, &event.RedactionEventContent{Redacts: "$other"})
	for evt, want := range map[id.EventID]id.EventID{"$reaction": "$message", "$deletion": "$other", "$text": "$text"} {
		about := &bridgev2.MessageStatusEventInfo{SourceEventID: evt, RoomID: room}
		status := bridgev2.WrapErrorInStatus(errReactions)
		notice := status.ToNoticeEvent(b.conn.Answering(about))
		if got := notice.RelatesTo.GetReplyTo(); got != want || about.SourceEventID != evt {
			t.Errorf("the notice on %s answers %s", evt, got)
		}
	}
	if b.conn.Answering(nil) != nil {
		t.Error("nothing has become something")
	}
	for i := range 2 * maxPointers {
		happen(id.EventID(fmt.Sprint("$", i)), event.EventReaction, &event.ReactionEventContent{RelatesTo: event.RelatesTo{EventID: "$message"}})
	}
	if n := len(b.conn.pointers.to); n > maxPointers {
		t.Errorf("%d are remembered", n)
	}
}
