package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mau.fi/util/dbutil"

	"matrix-msn/msn"
)

// What one text in a room that is there costs the database, those of the framework included. The beginning and the end of a transaction
// count too.
const (
	statementsFromMSN  = 6
	statementsToMSN    = 10
	statementsPresence = 0
)

// count returns the statements that a message takes in the middle of some: what the bridge does at the
// same time is not counted against one of them.
func (b *testBridge) count(do func(i int), idle func() bool) int {
	b.Helper()
	const times = 10
	do(0) // rooms, ghosts and caches are there then
	b.eventually("the first to be through", idle)
	b.statements.take()
	var all []string
	var each []int
	for i := range times {
		do(1 + i)
		b.eventually("a message to be through", idle)
		now := b.statements.take()
		all, each = append(all, now...), append(each, len(now))
	}
	b.Logf("%d statements:\n%s", len(all), strings.Join(all[:min(len(all), 12)], "\n"))
	slices.Sort(each)
	return each[times/2]
}

func TestTextCostsFewStatements(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) { b.statements = &statements{DatabaseLogger: dbutil.NoopLogger} })
	login := b.login()
	client := login.Client.(*Client)
	_, texts := b.friend()
	room := b.dm(login, bob)
	portal := client.account.PortalKey(bob).ID
	if n := b.count(func(i int) {
		text := fmt.Sprintf("text %d.", i)
		client.session.Dispatch(b.ctx, msn.TextReceived{Conversation: new(msn.Conversation), From: bob, Text: text, Session: "s", Seq: i, At: time.Now()})
		b.waitMessage(0, text)
	}, func() bool { return client.inbox.Idle(portal) }); n > statementsFromMSN {
		t.Errorf("%d statements for a text from MSN", n)
	}
	from := b.matrix.position()
	if n := b.count(func(i int) {
		text := fmt.Sprint("text ", i)
		b.write(room, text)
		b.receive(texts, alice+": "+text)
		_, from = b.waitStatus(from)
	}, func() bool { return client.outbox.Idle(portal) }); n > statementsToMSN {
		t.Errorf("%d statements for a text to MSN", n)
	}
	if n := b.count(func(int) { client.outbox.Release(bob) }, func() bool { return client.outbox.Idle(portal) }); n > statementsPresence {
		t.Errorf("%d statements when a contact for whom nothing waits comes online", n)
	}
}
