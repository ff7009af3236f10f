package bridge

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"
)

// What a user mistypes is no error of the bridge, and not logged as one.
func TestMistakesOfUsersAreNoErrors(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	chat := b.management()
	for _, command := range []string{
		"start-chat", "start-chat bob", "start-chat " + alice, "start-chat nobody@example.com", "start-chat other/x " + bob, "resolve-identifier bob", "pm x@",
		"whois", "whois nobody@example.com", "whois bob", "add", "add bob", "add nobody@example.com", "remove " + carol, "block bob", "accept", "accept " + carol, "decline x",
		"rename", "rename " + carol + " x", "group put 9 x", "contacts --login x", "alerts 1000", "page", "page x", "invite x", "url NOSUCH", "find x", "places out 9",
		"circles leave 9", "create-group", "login nosuch", "relogin nosuch", "logout nosuch", "nosuch", "psm " + strings.Repeat("x", 1000), "status x",
	} {
		before := b.log.String()
		b.ask(chat, command)
		if logged := strings.TrimPrefix(b.log.String(), before); strings.Contains(logged, `"level":"error"`) {
			t.Errorf("%s is logged as %s", command, logged)
		}
	}
	before := b.log.String()
	b.answerTo(chat, "login", "Please enter your e-mail address")
	b.answerTo(chat, "carol", "Type it again, or send `cancel`.")
	b.answerTo(chat, carol, "Please enter your password")
	b.answerTo(chat, "wrong", "Home refused the e-mail address or the password.")
	b.answerTo(chat, "cancel", "Login cancelled")
	if logged := strings.TrimPrefix(b.log.String(), before); strings.Contains(logged, `"level":"error"`) {
		t.Errorf("a login with mistakes is logged as %s", logged)
	}
}

// Nor is what MSN does not have; what is the bridge's own fault stays an error.
func TestWhatIsNotCarriedIsNoError(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	login := b.login()
	bot, texts := b.friend()
	room := b.relayed(login)
	if err := b.callAlice(bot).Say("from MSN"); err != nil {
		t.Fatal(err)
	}
	heard, _ := b.waitMessage(0, "from MSN")
	happens := func(kind event.Type, content any) func() {
		return func() {
			b.happens(&event.Event{Type: kind, RoomID: room, Sender: fakeUser, Content: event.Content{Parsed: content}})
		}
	}
	writes := func(content *event.MessageEventContent) func() { return func() { b.writeContent(room, content) } }
	before := b.log.String()
	for what, test := range map[string]struct {
		happens func()
		told    string
	}{
		"a blank text": {writes(plainText(" ")), "it holds no text"},
		"a call":       {writes(&event.MessageEventContent{MsgType: "m.call.invite"}), "carries no calls"},
		"a vote": {happens(event.EventUnstablePollResponse, &event.PollResponseEventContent{
			RelatesTo: event.RelatesTo{Type: event.RelReference, EventID: heard.id}}), "MSN has no votes"},
		"a reaction": {happens(event.EventReaction, &event.ReactionEventContent{
			RelatesTo: event.RelatesTo{Type: event.RelAnnotation, EventID: heard.id, Key: "👍"}}), "MSN has no reactions"},
		"a deletion": {happens(event.EventRedaction, &event.RedactionEventContent{Redacts: heard.id}), "MSN has no deletion"},
	} {
		from := b.matrix.position()
		test.happens()
		b.matrix.wait(t, from, "what is told of "+what, func(r record) bool { return r.kind == "status" && strings.Contains(r.body, test.told) })
		if logged := strings.TrimPrefix(b.log.String(), before); strings.Contains(logged, `"level":"error"`) {
			t.Errorf("%s is logged as %s", what, logged)
			before = b.log.String()
		}
	}
	b.write(room, "a text after them")
	b.receive(texts, alice+": a text after them")
}

// However much is typed, the answer stays short.
func TestAnswersToLongCommandsAreShort(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	chat := b.management()
	long := strings.Repeat("x", 10<<10)
	for _, command := range []string{
		"start-chat ", "start-chat a@", "resolve-identifier ", "whois ", "whois a@", "add ", "add a@", "add " + bob + " ", "remove a@", "block a@", "accept a@", "decline a@",
		"rename " + bob + " ", "rename a@", "group add ", "group rename 1 ", "group put ", "contacts ", "contacts group ", "alerts ", "page ", "page --callback ",
		"page a@", "invite ", "invite a@", "url ", "url PROFILE ", "compose ", "compose a@", "profile ", "profile a@", "find ", "find a ", "places out ", "places ", "circles ", "circles accept ",
		"create-group ", "login ", "nosuch ", "psm ", "status ", "nick ", "privacy ", "presence ", "client-version ", "contacts --login ", "reconnect ", "",
	} {
		if got := b.ask(chat, command+long); len(got.body) > 2000 || strings.Contains(got.body, strings.Repeat("x", 200)) {
			t.Errorf("%s… is answered by %d bytes: %.200s", command, len(got.body), got.body)
		}
	}
}
