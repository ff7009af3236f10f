package bridge

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

func TestMessageWaitsForAContactWhoIsOffline(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.write(room, "first")
	b.waitMessage(0, "The bridge keeps your message and sends it when they are seen online, within 7 days.")
	from := b.matrix.position()
	b.write(room, "second")
	b.matrix.wait(t, from, "that the second is kept", func(r record) bool { return strings.Contains(r.body, "keeps your message") })
	b.restart()
	_, texts := b.friend()
	b.receive(texts, alice+": first")
	b.receive(texts, alice+": second")
	b.eventually("the queue to be empty", func() bool {
		queue, err := b.conn.db.MatrixQueue.GetAll(b.ctx, login.ID)
		return err == nil && len(queue) == 0
	})
}

func TestWhatIsNewDoesNotOvertakeWhatWaits(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.write(room, "first")
	b.waitMessage(0, "keeps your message")
	_, texts := b.friend()
	b.write(room, "second")
	b.receive(texts, alice+": first")
	b.receive(texts, alice+": second")
}

func TestMessageThatWaitedTooLongIsSaidToBeUndelivered(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.write(room, "too late")
	b.waitMessage(0, "keeps your message")
	b.exec("UPDATE matrix_queue SET held_at=1")
	from := b.matrix.position()
	b.restart()
	got, _ := b.waitStatus(min(from, 0))
	if !strings.Contains(got.body, "was not online in all the time that the bridge keeps messages") {
		t.Errorf("told %q", got.body)
	}
}

func TestTextOfWhichAPartIsLeftWithTheServiceIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		fails   int
		arrived bool
	}{{"the first part fails", 1, false}, {"the second part fails", 2, true}} {
		sent := 0
		err := inOrder([]string{"a", "b", "c"}, func(string) error {
			if sent++; sent == test.fails {
				return msn.ErrNotConnected
			}
			return nil
		})
		if !errors.Is(err, msn.ErrNotConnected) || mayHaveArrived(err) != test.arrived || sent != test.fails {
			t.Errorf("%s: %v after %d parts, may have arrived: %t", test.name, err, sent, mayHaveArrived(err))
		}
	}
}

func TestTextOfWhichAPartArrivedIsNotLeftForAContactWhoWentOffline(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fate error
		want bool
	}{
		"nothing arrived":             {msn.ErrOffline, true},
		"no part arrived":             {fmt.Errorf("%w: %w", &msn.PartsError{Parts: 2}, msn.ErrOffline), true},
		"a part arrived":              {fmt.Errorf("%w: %w", &msn.PartsError{Parts: 2, Acknowledged: 1}, msn.ErrOffline), false},
		"it may have arrived":         {fmt.Errorf("%w: %w", msn.ErrUncertain, msn.ErrOffline), false},
		"it failed for other reasons": {msn.ErrBlocked, false},
	} {
		if got := undeliveredOffline(test.fate); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}

func TestOfflineMessageThatIsLeftOutStaysWithTheService(t *testing.T) {
	t.Parallel()
	message := arrival{QueuedMessage: &database.QueuedMessage{
		MessageID: msnid.MakeOfflineMessageID("a", 0), Kind: database.QueuedOffline, Body: "hello", Sender: bob,
	}}
	client := &Client{}
	client.chores = newChores(client)
	left := message.leftOut()
	client.inMatrix(left.QueuedMessage)
	if ids := take(client.chores, client.chores.known); len(ids) != 0 || left.Body != leftOut || left.MessageID == message.MessageID {
		t.Errorf("removed %q after %+v", ids, left.QueuedMessage)
	}
	client.inMatrix(message.QueuedMessage)
	if ids := take(client.chores, client.chores.known); len(ids) != 1 || ids[0] != "a" {
		t.Errorf("removed %q of what Matrix has", ids)
	}
}
