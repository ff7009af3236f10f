package main

import (
	"testing"

	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/event"
)

// What is sent again has the transaction ID that it had, and everything else another one: also the edit of a message, which
// homeservers would take for the message itself otherwise.
func TestTransactionIDsTellMessagesAndEditsApart(t *testing.T) {
	t.Parallel()
	message := &bridgedb.Message{ID: "chat/1", PartID: ""}
	text := func(body string) *event.Content {
		return &event.Content{Parsed: &event.MessageEventContent{MsgType: event.MsgText, Body: body}}
	}
	edit := func(body, html string) *event.Content {
		return &event.Content{Parsed: &event.MessageEventContent{
			MsgType: event.MsgText, Body: "* " + body, RelatesTo: (&event.RelatesTo{}).SetReplace("$1"),
			NewContent: &event.MessageEventContent{MsgType: event.MsgText, Body: body, Format: event.FormatHTML, FormattedBody: html},
		}}
	}
	seen := make(map[string]string)
	for name, id := range map[string]string{
		"the message":      transactionID("!a:x", message, text("hi (g)")),
		"in another room":  transactionID("!b:x", message, text("hi (g)")),
		"another one":      transactionID("!a:x", &bridgedb.Message{ID: "chat/2"}, text("hi (g)")),
		"another part":     transactionID("!a:x", &bridgedb.Message{ID: "chat/1", PartID: "2"}, text("hi (g)")),
		"with a picture":   transactionID("!a:x", message, edit("hi (g)", "hi <img>")),
		"with two of them": transactionID("!a:x", message, edit("hi (g)", "<img> <img>")),
	} {
		if other := seen[id]; other != "" {
			t.Errorf("%s has the ID of %s", name, other)
		}
		seen[id] = name
	}
	if seen[transactionID("!a:x", message, text("hi"))] != "the message" || seen[transactionID("!a:x", message, edit("hi (g)", "hi <img>"))] != "with a picture" {
		t.Error("what is sent again has another ID")
	}
}
