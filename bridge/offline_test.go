package bridge

import (
	"strings"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// What is said of a message that is left with the service is what the service says of it.
func TestMessageThatIsLeftWithTheServiceIsNotCalledKeptUnlessItIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		dialect  wire.Dialect
		to, want string
	}{
		{15, bob, "Bob Builder (" + bob + ") is offline. Home keeps your message for them."},
		{15, carol, carol + " is offline. Home keeps your message for them. They do not have you on their contact list, as far as Home tells: it may well never be shown to them."},
		{18, bob, "Bob Builder (" + bob + ") is offline. Your message is left with Home, which does not say whether it arrives."},
	} {
		t.Run(test.dialect.String()+" "+test.to, func(t *testing.T) {
			t.Parallel()
			srv := newTestServer(t, msntest.WithDialects(test.dialect))
			b := newTestBridge(t, srv, speaking(srv, test.dialect.String()))
			b.write(b.dm(b.login(), test.to), "are you there?")
			if got, _ := b.waitMessage(0, "is offline."); got.body != test.want {
				t.Errorf("told %q, want %q", got.body, test.want)
			}
		})
	}
}

// An address that the service does not know gets no room.
func TestAddressThatTheServiceDoesNotKnowIsRefused(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t, msntest.WithDialects(15))
	b := newTestBridge(t, srv, speaking(srv, "MSNP15"))
	client := b.login().Client.(*Client)
	want := "Home knows no account nobody@example.com. Check the address."
	if _, err := client.ResolveIdentifier(b.ctx, "nobody@example.com", true); err == nil || err.Error() != want {
		t.Errorf("told %v, want %s", err, want)
	}
	if _, err := client.ResolveIdentifier(b.ctx, strings.ToUpper(carol), true); err != nil {
		t.Errorf("somebody who is on no list: %v", err)
	}
}
