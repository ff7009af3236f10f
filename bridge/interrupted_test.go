package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// removed returns the message that the bot has removed.
func (b *testBridge) removed(from int) {
	b.Helper()
	b.matrix.wait(b.T, from, "the removal of what was typed", func(r record) bool { return r.body == event.EventRedaction.Type })
}

// prompts returns how many questions for a password are noted.
func (b *testBridge) prompts() int {
	b.Helper()
	prompts, err := b.conn.db.Prompt.All(b.ctx)
	if err != nil {
		b.Fatal(err)
	}
	return len(prompts)
}

const wasInterrupted = "The sign-in was interrupted by a restart of the bridge. Send `login` again"

// The bridge is restarted in the middle of a login: who types their password then does not
// leave it in the room.
func TestPasswordThatIsTypedAfterARestartIsRemoved(t *testing.T) {
	t.Parallel()
	for _, password := range []string{pass, "help", "!inbox", "!msn list-logins"} {
		t.Run(password, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			chat := b.management()
			b.answerTo(chat, "login", "Please enter your e-mail address")
			b.answerTo(chat, alice, "Please enter your password")
			b.restart()
			_, from := b.waitMessage(0, wasInterrupted)
			b.write(chat, password)
			b.removed(from)
			b.waitMessage(from, wasInterrupted)
			b.matrix.wait(b.T, from, "the end of a command", func(r record) bool { return r.kind == "status" })
			if n := b.prompts(); n != 0 {
				t.Errorf("%d questions are open", n)
			}
			from = b.matrix.position()
			b.write(chat, "list-logins")
			b.waitMessage(from, "You are not logged in to MSN")
		})
	}
}

// Who is told of the restart does what they are told.
func TestLoginGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	b.answerTo(chat, "login", "Please enter your e-mail address")
	b.restart()
	b.waitMessage(0, wasInterrupted)
	b.eventually("the note of it", func() bool {
		prompts, err := b.conn.db.Prompt.All(b.ctx)
		return err == nil && len(prompts) == 1 && prompts[0].Told
	})
	b.restart() // it is not told again
	b.answerTo(chat, "login", "Please enter your e-mail address")
	b.answerTo(chat, alice, "Please enter your password")
	if n := b.prompts(); n != 1 {
		t.Errorf("%d questions are open", n)
	}
	b.write(chat, pass)
	b.waitState(status.StateConnected)
	b.eventually("the end of the question", func() bool { return b.prompts() == 0 })
	if said := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "interrupted by a restart") }); len(said) > 0 {
		t.Errorf("told again: %+v", said)
	}
}

// Questions have an end.
func TestQuestionForAPasswordEnds(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	asked := func() {
		t.Helper()
		b.answerTo(chat, "login", "Please enter your e-mail address")
		if n := b.prompts(); n != 1 {
			t.Errorf("%d questions are open", n)
		}
	}
	over := func() {
		t.Helper()
		b.eventually("the end of the question", func() bool { return b.prompts() == 0 })
	}
	asked()
	b.answerTo(chat, "cancel", "Login cancelled")
	over()
	b.answerTo(chat, "login nowhere", "knows no service of that name")
	over()
	asked()
	b.restart()
	b.waitMessage(0, wasInterrupted)
	b.answerTo(chat, "cancel", "Login cancelled")
	over()
	b.answerTo(chat, "cancel", "No ongoing command")
	// Long after the question what they type is a command again.
	asked()
	b.stop()
	b.startWith(func() {
		b.exec(fmt.Sprintf("UPDATE prompt SET asked_at=%d", time.Now().Add(-16*time.Minute).UnixMilli()))
	})
	b.write(chat, "list-logins")
	b.waitMessage(0, "You are not logged in to MSN")
	over()
	if said := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "interrupted by a restart") }); len(said) > 0 {
		t.Errorf("told of what is long over: %+v", said)
	}
}

// The answer had come when the bridge was killed: it is removed by the next start.
func TestPasswordOverWhichTheBridgeDiedIsRemoved(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	b.stop()
	b.startWith(func() {
		b.exec(`INSERT INTO intake VALUES ('', '$password', 1, '` + string(chat) + `', '` + string(fakeUser) + `', '', 'begun', 'secret', ` + fmt.Sprint(time.Now().UnixMilli()) + `)`)
	})
	b.removed(0)
	b.waitMessage(0, "Do not write it again")
}

// The answer comes with the first transaction after the restart, before anybody is told.
func TestPasswordAfterARestartIsNotOnDisk(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	b.answerTo(chat, "login", "Please enter your e-mail address")
	b.restart()
	var f framework
	b.push(&f, "1", said("$secret", chat, pass))
	b.removed(0)
	b.eventually("its end", func() bool { return b.finished(id.EventID("$secret")) })
	if row, err := b.conn.db.Intake.Get(b.ctx, "$secret"); err != nil || row == nil || row.Outcome != "secret" {
		t.Errorf("stored is %+v, %v", row, err)
	}
}
