package bridge

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/config"
)

// What the framework says of a login that is not there is said in words that say what to do.
func TestStatusesAreInOwnWords(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		fmt.Errorf("%w (receiver login is nil)", bridgev2.ErrNotLoggedIn):                                                             "send `login` to the bot",
		fmt.Errorf("%w (relay not set and receiver login is owned by @a:example.test, not @b:example.test)", bridgev2.ErrNotLoggedIn): "the chat of another user",
	} {
		bare := bridgev2.WrapErrorInStatus(err)
		for _, status := range []bridgev2.MessageStatus{bare, bare.WithMessage("You're " + err.Error())} {
			said := InOwnWords(&status).ToNoticeEvent(&bridgev2.MessageStatusEventInfo{}).Body
			if !strings.Contains(said, want) || strings.Contains(said, "receiver") || strings.Contains(said, "@a:") {
				t.Errorf("%v is said as %q", err, said)
			}
		}
	}
	said := bridgev2.WrapErrorInStatus(bridgev2.ErrNotLoggedIn).WithMessage("The service refuses the password.")
	if InOwnWords(&said) != &said {
		t.Error("what the bridge has said itself is changed")
	}
	other := bridgev2.WrapErrorInStatus(errors.New("x"))
	if InOwnWords(&other) != &other || InOwnWords(nil) != nil {
		t.Error("others are changed")
	}
}

// A reaction of somebody who is relayed is refused as one of the user's, and not passed over.
func TestReactionOfWhoIsRelayedIsRefusedInTheRoom(t *testing.T) {
	t.Parallel()
	status := bridgev2.WrapErrorInStatus(bridgev2.ErrIgnoringReactionFromRelayedUser)
	said := InOwnWords(&status)
	if body := said.ToNoticeEvent(&bridgev2.MessageStatusEventInfo{}).Body; !said.SendNotice || !strings.Contains(body, "MSN has no reactions") {
		t.Errorf("said is %q, %t", body, said.SendNotice)
	}
}

// Who comes into a room has not failed at anything, and neither has who writes where nobody on MSN is.
func TestStatusesOfWhatIsNoMessageAreNotTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		about event.Type
		told  bool
	}{
		{bridgev2.ErrMembershipNotSupported, event.StateMember, false},
		{bridgev2.ErrNoPortal, event.StateMember, false},
		{bridgev2.ErrNoPortal, event.EventReaction, false},
		{bridgev2.ErrNoPortal, event.EventMessage, true},
		{bridgev2.ErrNotLoggedIn, event.EventMessage, true},
		{bridgev2.ErrRoomMetadataNotSupported, event.StateRoomName, true},
	} {
		status := bridgev2.WrapErrorInStatus(c.err)
		if told := IsWorthTelling(&status, &bridgev2.MessageStatusEventInfo{EventType: c.about}); told != c.told {
			t.Errorf("%v about %s: told is %t", c.err, c.about.Type, told)
		}
	}
}

// Where messages are kept for ever, a reaction to what MSN never had is nothing to tell of; a deletion, which can be that of a
// reaction, never is.
func TestUnknownMessagesAreToldOfWhereMessagesAreForgotten(t *testing.T) {
	t.Parallel()
	status := bridgev2.WrapErrorInStatus(fmt.Errorf("reaction %w", bridgev2.ErrTargetMessageNotFound))
	deletion := bridgev2.WrapErrorInStatus(fmt.Errorf("redaction %w", bridgev2.ErrTargetMessageNotFound))
	for keep, told := range map[string]bool{"": false, "0s": false, "192h": true} {
		c := &Connector{Config: config.Config{DisplaynameTemplate: "x", CredentialKey: "0123456789abcdef", KeepMessages: keep,
			Services: map[string]config.ServiceConfig{"escargot": {Preset: "escargot"}}}}
		if err := c.Config.Check(); err != nil {
			t.Fatal(err)
		}
		if said := c.InOwnWords(&status); said.SendNotice != told || c.InOwnWords(nil) != nil {
			t.Errorf("with keep_messages %q: %+v", keep, said)
		}
		if said := c.InOwnWords(&deletion); said.SendNotice {
			t.Errorf("who takes a reaction back is told %+v with keep_messages %q", said, keep)
		}
	}
}
