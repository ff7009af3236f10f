package bridge

import (
	"strings"
	"testing"
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
