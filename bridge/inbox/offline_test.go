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
	message := arrival{parts: []*database.QueuedMessage{{
		MessageID: msnid.MakeOfflineMessageID("a", 0), Kind: database.QueuedOffline, Body: "hello", Sender: "bob@example.com",
	}}}
	login := &bridgev2.UserLogin{UserLogin: &bridgedb.UserLogin{Metadata: &account.Metadata{}}}
	var removed []string
	keeper := NewOffline(account.New(nil, login, nil, new(config.Config), msnid.Identity{}), func(id string) { removed = append(removed, id) })
	b := new(Inbox)
	b.Use(func() map[database.QueuedKind]Kind {
		return map[database.QueuedKind]Kind{database.QueuedText: {}, database.QueuedNote: {}, database.QueuedOffline: {Keeper: keeper}}
	})
	left := b.leftOut(message, LeftOut).parts[0]
	b.kindOf(left).inMatrix(t.Context(), left)
	if len(removed) != 0 || left.Body != LeftOut || left.MessageID == message.parts[0].MessageID {
		t.Errorf("removed %q after %+v", removed, left)
	}
	b.kindOf(message.parts[0]).inMatrix(t.Context(), message.parts[0])
	if len(removed) != 1 || removed[0] != "a" {
		t.Errorf("removed %q of what Matrix has", removed)
	}
}
