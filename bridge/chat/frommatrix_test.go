package chat

import (
	"sync"
	"testing"

	"maunium.net/go/mautrix/event"
)

// An edit is made a message with the new content. The framework may read the type of one that was encrypted meanwhile,
// which the race detector watches.
func TestEditBecomesAMessageWhileItsTypeIsRead(t *testing.T) {
	content := &event.MessageEventContent{MsgType: event.MsgText, Body: "* new", NewContent: &event.MessageEventContent{
		MsgType: event.MsgText, Body: "!msn new", Format: event.FormatHTML, FormattedBody: "<b>new</b>",
	}}
	content.RelatesTo = (&event.RelatesTo{}).SetReplace("$old")
	evt := &event.Event{Type: event.EventMessage, Content: event.Content{Parsed: content}}
	var reading sync.WaitGroup
	reading.Go(func() {
		if got := evt.Content.AsMessage().MsgType; got != event.MsgText {
			t.Errorf("the type is %q", got)
		}
	})
	AsMessage(evt, "!msn")
	reading.Wait()
	if got := evt.Content.AsMessage(); got.Body != NoCommand+"!msn new" || got.FormattedBody != "<b>new</b>" || got.RelatesTo != nil || got.NewContent != nil {
		t.Errorf("the message is %+v", got)
	}
	if got := replacedBy(evt); got != "$old" {
		t.Errorf("it replaces %q", got)
	}
}
