package bridge

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/msn/msntest"
)

// answerTo writes something to the bot, and returns when it has asked what is expected and is
// ready for the answer: the framework asks before it is.
func (b *testBridge) answerTo(chat id.RoomID, text, question string) {
	b.Helper()
	from := b.matrix.position()
	b.write(chat, text)
	evt := id.EventID(fmt.Sprintf("$user%d", b.events))
	b.waitMessage(from, question)
	b.matrix.wait(b.T, from, "the end of a command", func(r record) bool { return r.kind == "status" && r.answer == evt })
}

// A password can be the name of a command, or look like one.
func TestPasswordThatIsACommandIsAPassword(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"!inbox", "help", "login", "!msn help", "!msnfoo", "  blanks  ", "!msn"} {
		t.Run(password, func(t *testing.T) {
			t.Parallel()
			srv := msntest.NewServer(t)
			srv.AddAccount(alice, password)
			b := newTestBridge(t, srv)
			chat := b.management()
			from := b.matrix.position()
			b.answerTo(chat, "login", "Please enter your e-mail address")
			b.answerTo(chat, alice, "Please enter your password")
			b.write(chat, password)
			b.waitMessage(from, "Signed in to Home as "+alice)
			b.matrix.wait(b.T, from, "the removal of the password", func(r record) bool { return r.body == event.EventRedaction.Type })
		})
	}
}

// A program can send a command as soon as it reads that the account is signed in.
func TestCommandRightAfterTheSignIn(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{"contacts": "Contacts of", "!contacts": "Contacts of", "!msn list-logins": alice, "secret": "Nothing was asked any more"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			chat := b.management()
			b.answerTo(chat, "login", "Please enter your e-mail address")
			b.answerTo(chat, alice, "Please enter your password")
			var once sync.Once
			b.matrix.beforeTexts(func(_ id.RoomID, text string) {
				if strings.HasPrefix(text, "Signed in to Home") {
					once.Do(func() { b.write(chat, command) })
				}
			})
			from := b.matrix.position()
			b.write(chat, pass)
			_, from = b.waitMessage(from, "Signed in to Home as "+alice)
			b.waitMessage(from, want)
		})
	}
}

// Who forgets that they are asked, or names no service, is told what to do.
func TestCommandsAroundALogin(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	if got := b.ask(chat, "login nosuch"); got.body != "This bridge knows no service of that name: `login home` signs in to Home." {
		t.Errorf("login at no service is answered by %q", got.body)
	}
	b.answerTo(chat, "login HOME", "Please enter your e-mail address")
	b.answerTo(chat, "login nosuch", "You are just logging in, so that `login` counts as an answer. Answer the question, or send `cancel` and then the command.")
	b.answerTo(chat, "bob", "Type it again, or send `cancel`.")
	b.answerTo(chat, alice, "Please enter your password")
}

func TestLoginIsCancelledByItsWordOnly(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	b.answerTo(chat, "login", "Please enter your e-mail address")
	from := b.matrix.position()
	b.write(chat, "Cancel")
	b.waitMessage(from, "Login cancelled")
}

// In a room with others nobody is asked for a password.
func TestLoginInARoomWithAContactIsRefused(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	for _, text := range []string{"!msn login", "!msn relogin " + string(login.ID)} {
		from := b.matrix.position()
		b.write(room, text)
		got, _ := b.waitMessage(from, "works only in your own chat with me")
		if got.room != room || !strings.Contains(got.body, string(fakeBot)) {
			t.Errorf("answered %+v", got)
		}
	}
	b.write(room, "secret?")
	b.receive(texts, alice+": secret?")
	if asked := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "Please enter your") }); len(asked) > 0 {
		t.Errorf("asked %+v", asked)
	}
}

// Where the bot may not remove messages, the user is told that the password is still there.
func TestPasswordThatCannotBeRemovedIsToldOf(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	b.matrix.keeps.Store(true)
	from := b.matrix.position()
	b.answerTo(chat, "login", "Please enter your e-mail address")
	b.answerTo(chat, alice, "Please enter your password")
	b.write(chat, pass)
	b.waitMessage(from, "What you typed is still in this room")
}

// A friend of the user's is in the room too: the contact list goes to the chat with the bot.
func TestContactsAreNotShownToOthers(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	if got := b.ask(room, "!contacts"); got.room != room || !strings.Contains(got.body, "Contacts of") {
		t.Errorf("alone: %+v", got)
	}
	b.matrix.setMember(room, "@carol:elsewhere.test", event.MembershipJoin)
	from := b.matrix.position()
	b.write(room, "!contacts")
	_, from = b.waitMessage(from, "Others read along here")
	if got, _ := b.waitMessage(from, "Contacts of"); got.room != b.management() {
		t.Errorf("with others: %+v", got)
	}
}

// What commands say of people is nobody else's business either: a room in which others read along
// hears only that the answer is elsewhere.
func TestAnswersAboutPeopleAreNotShownToOthers(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.srv.SetList(carol, msntest.FL, alice, true)
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	room, chat := b.dm(login, bob), b.management()
	b.matrix.setMember(room, "@eve:elsewhere.test", event.MembershipJoin)
	for _, step := range []struct{ command, want string }{
		{"!whois", bob}, {"!rename Bobby", "Bobby"}, {"!group put 99 " + bob, "There is no such group."},
		{"!accept", carol}, {"!decline nobody@example.com", "nobody@example.com"}, {"!add " + carol, carol}, {"!remove " + carol, carol},
		{"!block", bob}, {"!unblock", bob}, {"!msn start-chat " + bob, "You already have a room"}, {"!msn resolve-identifier " + bob, "start-chat"},
		{"!msn search bob", bob}, {"!msn list-logins", string(login.ID)}, {"!invite " + bob, bob}, {"!page " + bob + " hi", bob}, {"!nick", "Your contacts see you"},
	} {
		from := b.matrix.position()
		b.write(room, step.command)
		said, from := b.matrix.wait(b.T, from, "an answer in the room", func(r record) bool { return r.kind == "message" && r.sender == fakeBot })
		if said.room != room || said.body != "Others read along here: you find the answer in your own chat with me." {
			t.Errorf("%s is answered by %q in %s", step.command, said.body, said.room)
			continue
		}
		if got := b.answer(from, step.command); got.room != chat || !strings.Contains(got.body, step.want) {
			t.Errorf("%s is answered by %q in %s", step.command, got.body, got.room)
		}
	}
}

// Where others are in the chat with the bot too, nothing of people is said there, and nobody is
// asked for a password.
func TestChatWithTheBotThatOthersReadIsNotPrivate(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	chat := b.management()
	b.matrix.setMember(chat, "@eve:elsewhere.test", event.MembershipJoin)
	for _, command := range []string{"contacts", "whois " + bob, "search bob", "login", "relogin " + string(login.ID)} {
		got := b.ask(chat, command)
		if !strings.HasPrefix(got.body, "Others read along in your chat with me.") || strings.Contains(got.body, bob) {
			t.Errorf("%s is answered by %q", command, got.body)
		}
	}
	b.matrix.setMember(chat, "@eve:elsewhere.test", event.MembershipLeave)
	if got := b.ask(chat, "contacts"); !strings.Contains(got.body, bob) {
		t.Errorf("alone again: %q", got.body)
	}
}

// A new password is asked for, and nothing that the bridge knows already.
func TestReloginAsksForThePasswordOnly(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	chat := b.management()
	b.answerTo(chat, "relogin "+string(login.ID), "Please enter your password")
	from := b.matrix.position()
	b.write(chat, pass)
	b.waitMessage(from, "Signed in to Home as "+alice)
}

// Who mistypes is asked again, and what they type then is an answer, which is removed when it
// is a password.
func TestWhoMistypesIsAskedAgain(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	b.answerTo(chat, "login", "Please enter your e-mail address")
	b.answerTo(chat, "alice", "Type it again, or send `cancel`.")
	b.answerTo(chat, alice, "Please enter your password")
	for _, wrong := range []string{"wrong", "list-logins"} {
		from := b.matrix.position()
		b.write(chat, wrong)
		_, at := b.waitMessage(from, "Home refused the e-mail address or the password. Type the password of "+alice+" again, or send `cancel`.")
		b.waitMessage(at, "Please enter your password")
		b.matrix.wait(b.T, from, "the end of a command", func(r record) bool { return r.kind == "status" })
		if removed := b.matrix.all(func(r record) bool { return r.body == event.EventRedaction.Type }); len(removed) == 0 {
			t.Error("the wrong password stays in the room")
		}
	}
	from := b.matrix.position()
	b.write(chat, pass)
	b.waitMessage(from, "Signed in to Home as "+alice)
	b.matrix.wait(b.T, from, "the removal of the password", func(r record) bool { return r.body == event.EventRedaction.Type })
}

// Who has tried too often is not asked again.
func TestWhoGuessesIsNotAskedForEver(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	b.answerTo(chat, "login", "Please enter your e-mail address")
	b.answerTo(chat, alice, "Please enter your password")
	for range 4 {
		b.answerTo(chat, "wrong", "Please enter your password")
	}
	from := b.matrix.position()
	b.write(chat, "wrong")
	b.waitMessage(from, "Failed to submit input: Home refused the e-mail address or the password.")
	from = b.matrix.position()
	b.write(chat, "cancel")
	b.waitMessage(from, "No ongoing command.")
}
