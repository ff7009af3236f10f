package bridge

import (
	"strings"
	"testing"

	"matrix-msn/msn"
)

// What the user calls a contact stays when the contact comes online under their own name, over a
// restart too, until the user takes it away; in every dialect.
func TestNameThatTheUserGivesStays(t *testing.T) {
	t.Parallel()
	byListDialect(t, func(t *testing.T, b *testBridge) {
		login := b.login()
		chat := b.management()
		b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
		b.dm(login, bob)
		if got := b.ask(chat, "rename "+bob+" Bobby").body; !strings.Contains(got, "“Bobby” now. Only you see that") {
			t.Errorf("the answer is %q", got)
		}
		called := func(when, name string) {
			t.Helper()
			b.eventually(name+" "+when, func() bool {
				return b.dmName(login, bob) == name+" (MSN)" && login.Client.(*Client).account.DisplayName(b.ctx, bob) == name
			})
		}
		called("after the command", "Bobby")
		b.friend()
		b.eventually("bob online", func() bool {
			contact, _ := login.Client.(*Client).session.Current().Contact(bob)
			return contact.Status == msn.Online
		})
		called("when bob is online", "Bobby")
		if got := b.ask(chat, "rename "+bob).body; !strings.Contains(got, "you call them “Bobby”") {
			t.Errorf("the answer is %q", got)
		}
		b.eventually("the name for everybody", func() bool { return b.ghostName(login, bob) == "Bob Builder (MSN)" })
		b.restart()
		b.waitState("CONNECTED")
		login = b.br.GetCachedUserLoginByID(login.ID)
		called("after a restart", "Bobby")
		b.ask(chat, "rename "+bob+" -")
		called("when it is taken away", "Bob Builder")
	})
}
