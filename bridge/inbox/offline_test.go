package inbox

import (
	"testing"

	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
)

func TestOfflineMessageThatIsLeftOutStaysWithTheService(t *testing.T) {
	t.Parallel()
	message := arrival{QueuedMessage: &database.QueuedMessage{
		MessageID: msnid.MakeOfflineMessageID("a", 0), Kind: database.QueuedOffline, Body: "hello", Sender: "bob@example.com",
	}}
	login := &bridgev2.UserLogin{UserLogin: &bridgedb.UserLogin{Metadata: &account.Metadata{}}}
	var removed []string
	keeper := NewOffline(account.New(nil, login, nil, new(config.Config), msnid.Identity{}), func(id string) { removed = append(removed, id) })
	b := &Inbox{kinds: map[database.QueuedKind]Kind{database.QueuedText: {}, database.QueuedNote: {}, database.QueuedOffline: {Keeper: keeper}}}
	left := b.leftOut(message)
	b.kindOf(left.QueuedMessage).inMatrix(t.Context(), left.QueuedMessage)
	if len(removed) != 0 || left.Body != LeftOut || left.MessageID == message.MessageID {
		t.Errorf("removed %q after %+v", removed, left.QueuedMessage)
	}
	b.kindOf(message.QueuedMessage).inMatrix(t.Context(), message.QueuedMessage)
	if len(removed) != 1 || removed[0] != "a" {
		t.Errorf("removed %q of what Matrix has", removed)
	}
}
