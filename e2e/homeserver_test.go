package e2e

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/e2e/stack"
)

// needs skips a test of what a bridge does where the homeserver does this, and lacks one of where it does not.
func needs(t *testing.T, what stack.Capability) {
	t.Helper()
	if !homeserver.Does(what) {
		t.Skipf("%s is no homeserver that %s", homeserver.Name(), what)
	}
}

func lacks(t *testing.T, what stack.Capability) {
	t.Helper()
	if homeserver.Does(what) {
		t.Skipf("%s %s", homeserver.Name(), what)
	}
}

// What a kind of homeserver does for bridges and what it does not, by which the other tests go and which
// docs/homeservers.md says to admins, is found out of the one that runs.
func TestHomeserverDoesForBridgesWhatIsSaidOfIt(t *testing.T) {
	t.Parallel()
	const (
		device  = id.DeviceID("WITNESS")
		inbound = "org.example.inbound"
	)
	ctx, as := t.Context(), witness
	do := func(method, path string, body any) error { return as.Do(ctx, parts.Homeserver, method, path, body) }
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	alice, err := parts.Homeserver.NewUser(ctx, "witnessed")
	must("make a user", err)
	defer alice.Close()
	if err := do(http.MethodPost, "/_matrix/client/v3/register", map[string]any{
		"type": mautrix.AuthTypeAppservice, "username": as.User().Localpart(), "inhibit_login": true,
	}); err != nil && !strings.Contains(err.Error(), "M_USER_IN_USE") { // some make it at their start
		t.Fatal(err)
	}
	room, err := alice.InviteToChat(ctx, as.User())
	must("make a room", err)
	must("join", do(http.MethodPost, "/_matrix/client/v3/join/"+url.PathEscape(room.String()), map[string]any{}))
	_, err = alice.WaitEvent(ctx, "the appservice in the room", stack.Member(room, as.User(), event.MembershipJoin))
	must("join", err)

	made := do(http.MethodPut, "/_matrix/client/v3/devices/"+device.String(), map[string]any{})
	if made != nil {
		must("log in", do(http.MethodPost, "/_matrix/client/v3/login", map[string]any{
			"type": mautrix.AuthTypeAppservice, "identifier": map[string]any{"type": "m.id.user", "user": as.User()}, "device_id": device,
		}))
	}
	pinged := do(http.MethodPost, "/_matrix/client/v1/appservice/"+as.User().Localpart()+"/ping", map[string]any{"transaction_id": "once"})

	_, _ = alice.Client.GetProfile(ctx, id.NewUserID("witness_unmet", stack.ServerName))

	first, err := alice.SendText(ctx, room, "first")
	must("write", err)
	_, err = alice.Client.RedactEvent(ctx, room, first)
	must("redact", err)
	second, err := alice.SendText(ctx, room, "second")
	must("write", err)
	must("type", alice.SendTyping(ctx, room, true))
	must("read", alice.Client.MarkRead(ctx, room, second))
	must("show presence", alice.Client.SetPresence(ctx, mautrix.ReqPresence{Presence: event.PresenceOnline, StatusMsg: "Seen"}))
	_, err = alice.Client.SendToDevice(ctx, event.Type{Type: inbound, Class: event.ToDeviceEventType}, &mautrix.ReqSendToDevice{
		Messages: map[id.UserID]map[id.DeviceID]*event.Content{as.User(): {device: {Raw: map[string]any{"body": "hello"}}}},
	})
	must("send to the device", err)
	_, err = alice.SendText(ctx, room, "last")
	must("write", err)
	_, err = as.Wait(ctx, "the last text", func(p stack.Passed) bool { return p.Content["body"] == "last" })
	must("be passed texts on", err)

	comes := func(match func(stack.Passed) bool) func() bool {
		return func() bool {
			wait, cancel := context.WithTimeout(ctx, expected)
			defer cancel()
			_, err := as.Wait(wait, "it", match)
			return err == nil
		}
	}
	sees := map[stack.Capability]func() bool{
		stack.TellsRedactions: comes(func(p stack.Passed) bool {
			return p.Type == event.EventRedaction.Type && (p.Redacts == first || p.Content["redacts"] == first.String())
		}),
		stack.TellsTyping:     comes(stack.PassedOn("ephemeral", event.EphemeralEventTyping.Type)),
		stack.TellsReceipts:   comes(stack.PassedOn("ephemeral", event.EphemeralEventReceipt.Type)),
		stack.TellsPresence:   comes(stack.PassedOn("ephemeral", event.EphemeralEventPresence.Type)),
		stack.PassesToDevice:  comes(stack.PassedOn("to_device", inbound)),
		stack.MakesDevices:    func() bool { return made == nil },
		stack.Pings:           func() bool { return pinged == nil && comes(stack.PassedOn("ping", ""))() },
		stack.AsksForProfiles: comes(stack.PassedOn("users", "")),
	}
	for _, what := range stack.Capabilities() {
		t.Run(string(what), func(t *testing.T) {
			t.Parallel()
			see := sees[what]
			if what == stack.PushesAfterKill {
				t.Skip("it takes a homeserver that can be killed: TestFaultsLoseNothingAndDoubleNothing finds out")
			} else if see == nil {
				t.Fatal("nothing here finds out")
			}
			if does := see(); does != homeserver.Does(what) {
				t.Errorf("%s: it does is %t, said of it is %t", homeserver.Name(), does, !does)
			}
		})
	}
}

// expected is how long what a homeserver does may take; what it does not do takes as long.
const expected = 10 * time.Second
