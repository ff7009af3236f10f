package bridge

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/simplevent"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// A room whose events are stuck holds up neither what is shown in others, nor names, nor the
// removal of offline messages.
func TestStuckRoomHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.Befriend(alice, carol)
	b := newTestBridge(t, srv)
	login := b.login()
	client := login.Client.(*Client)
	b.dm(login, bob)
	other := b.dm(login, carol)
	begun, goOn := make(chan struct{}), make(chan struct{})
	stuck := &simplevent.EventMeta{Type: bridgev2.RemoteEventUnknown, PortalKey: client.account.PortalKey(bob)}
	first := *stuck
	first.PreHandleFunc = func(context.Context, *bridgev2.Portal) {
		close(begun)
		<-goOn
	}
	login.QueueRemoteEvent(&first)
	<-begun
	var filling sync.WaitGroup
	defer filling.Wait()
	defer close(goOn)
	// The bridge may have put something into the room itself: the framework says when it is full.
	var full lockedBuffer
	filler := &bridgev2.UserLogin{UserLogin: login.UserLogin, Bridge: b.br, User: login.User, Client: client, Log: zerolog.New(&full)}
	filling.Go(func() {
		for range b.br.Config.PortalEventBuffer + 1 {
			filler.QueueRemoteEvent(stuck)
		}
	})
	b.eventually("the room to be full", func() bool { return strings.Contains(full.String(), "Portal event channel is full") })
	// The room takes nothing more: who puts something into it waits.
	client.session.Dispatch(b.ctx, msn.TypingReceived{Conversation: new(msn.Conversation), From: bob})
	client.session.Dispatch(b.ctx, msn.TypingReceived{Conversation: new(msn.Conversation), From: carol})
	b.matrix.wait(t, 0, "typing", func(r record) bool { return r.kind == "typing" && r.room == other })
	for _, account := range []string{bob, carol} {
		b.srv.Play(account, msntest.Script{})
	}
	b.srv.Account(bob).SetName("Robert")
	b.srv.Account(carol).SetName("Caroline")
	b.matrix.wait(t, 0, "the name", func(r record) bool { return r.kind == "name" && r.body == "Caroline (MSN)" })
}

// What a server repeats of a contact is not looked up in the database each time.
func TestPresenceThatChangesNothingAsksNoDatabase(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	client := b.login().Client.(*Client)
	contact, ok := client.session.Current().Contact(bob)
	if !ok {
		t.Fatal("bob is no contact")
	}
	b.exec("ALTER TABLE contact RENAME TO elsewhere")
	var log lockedBuffer
	ctx := zerolog.New(&log).WithContext(b.ctx)
	for range 2 {
		contact.Status = msn.Busy
		client.session.Dispatch(ctx, msn.PresenceChanged{Contact: contact})
	}
	if log.String() != "" {
		t.Errorf("logged %s", log.String())
	}
	contact.Name = "Robert"
	client.session.Dispatch(ctx, msn.ContactChanged{Contact: contact})
	if !strings.Contains(log.String(), "Failed to store contact") {
		t.Errorf("a new name is not stored: %s", log.String())
	}
	b.exec("ALTER TABLE elsewhere RENAME TO contact")
	client.session.Dispatch(ctx, msn.ContactChanged{Contact: contact})
	row, err := b.conn.db.Contact.Get(b.ctx, client.account.Login.ID, bob)
	if err != nil || row == nil || row.Name != "Robert" {
		t.Errorf("stored %+v, %v", row, err)
	}
}
