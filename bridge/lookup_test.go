package bridge

import (
	"context"
	"errors"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
)

// The framework puts what these return into its answer to the user.
func TestWhoIsNotFoundIsToldInOurSentences(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	client := b.login().Client.(*Client)
	client.Disconnect() // or the list would be that of the session
	ended, cancel := context.WithCancel(b.ctx)
	cancel()
	for _, test := range []struct {
		name  string
		ctx   context.Context
		named string
		want  string
		is    error
	}{
		{"oneself", b.ctx, strings.ToUpper(alice), alice + " is your own account. Name somebody else.", reason.ErrOwnAccount},
		{"no address", b.ctx, "bob", "An MSN account is an e-mail address such as bob@example.com.", msnid.ErrNoAccount},
		{"another service", b.ctx, string(msnid.MakeUserID(msnid.Identity{Service: "away", Account: bob})),
			bob + " has an account at another service. Use a login there: `list-logins` shows yours.", bridgev2.ErrResolveIdentifierTryNext},
		{"no database", ended, "stranger@example.com",
			"The bridge could not look for stranger@example.com. Try again in a minute; the admin of this bridge finds the reason in the log.", context.Canceled},
	} {
		if _, err := client.ResolveIdentifier(test.ctx, test.named, true); err == nil || err.Error() != test.want || !errors.Is(err, test.is) {
			t.Errorf("%s: told %v", test.name, err)
		}
	}
	want := "The contact list could not be read. Try again in a minute; the admin of this bridge finds the reason in the log."
	if _, err := client.GetContactList(ended); err == nil || err.Error() != want {
		t.Errorf("without a list told %v", err)
	}
	want = "Somebody in this room has no account at Home. Make the group chat without them."
	if _, err := client.CreateGroup(b.ctx, &bridgev2.GroupCreateParams{Participants: []networkid.UserID{"nobody"}}); err == nil || err.Error() != want {
		t.Errorf("of a group with a stranger told %v", err)
	}
}

// What is typed is checked field by field, before anything is sent.
func TestFieldsOfALoginAreRefusedInOurSentences(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	process, err := b.conn.CreateLogin(b.ctx, b.user(), "home")
	if err != nil {
		t.Fatal(err)
	}
	step, err := process.Start(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	fields := step.UserInputParams.Fields
	if got, err := fields[0].Validate(" Bob@Example.com "); err != nil || got != "bob@example.com" {
		t.Errorf("an address is %q, %v", got, err)
	}
	for i, want := range []string{"The e-mail address is empty.", "The password is empty."} {
		if _, err := fields[i].Validate(""); err == nil || err.Error() != want {
			t.Errorf("an empty %s is told as %v", fields[i].Name, err)
		}
	}
}
