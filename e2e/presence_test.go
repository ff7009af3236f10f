package e2e

import (
	"context"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
)

// What Bob is and says of himself comes to Alice's own sync, from the first message on; he is offline when he leaves,
// and when the bridge does.
func TestContactsAreShownAsOnline(t *testing.T) {
	t.Parallel()
	c := newFriends(t, presenceBridge)
	mark := c.alice.Mark()
	c.says("Hi Alice!")
	c.sees(mark, "Bob online", stack.Presence(c.ghost, event.PresenceOnline, ""))
	mark = c.alice.Mark()
	if err := c.bob.Client.SetStatus(t.Context(), msn.OutToLunch); err != nil {
		t.Fatal(err)
	}
	if err := c.bob.Client.SetPersonal(t.Context(), "Gone <sailing> & more ♥"); err != nil {
		t.Fatal(err)
	}
	c.sees(mark, "Bob at lunch", stack.Presence(c.ghost, event.PresenceUnavailable, "Out to lunch · Gone <sailing> & more ♥"))
	mark = c.alice.Mark()
	if err := c.bridge.Stop(); err != nil {
		t.Fatal(err)
	}
	c.sees(mark, "Bob offline with the bridge", stack.Presence(c.ghost, event.PresenceOffline, ""))
	mark = c.alice.Mark()
	if err := c.bridge.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.sees(mark, "Bob at lunch again", stack.Presence(c.ghost, event.PresenceUnavailable, "Out to lunch · Gone <sailing> & more ♥"))
	mark = c.alice.Mark()
	if err := c.bridge.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.bob.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.bridge.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.sees(mark, "Bob offline after a crash", stack.Presence(c.ghost, event.PresenceOffline, ""))
}

// Bob sees Alice as Matrix shows her, with her status message, where the homeserver tells bridges of it.
func TestStatusFollowsMatrix(t *testing.T) {
	t.Parallel()
	needs(t, stack.TellsPresence)
	// A client that syncs shows her online unless it says that it does not.
	c := newCast(t, sharedBridge, home, stack.Prepared(func(_ context.Context, client *mautrix.Client) error {
		client.SyncPresence = event.PresenceOffline
		return nil
	}))
	c.logIn()
	c.bobComes()
	c.bobSees(0, msn.Online)
	c.asks(c.management, "!status follow", "as Matrix shows you")
	c.followed(func(content event.PresenceEventContent) error {
		return c.alice.Client.SetPresence(t.Context(), mautrix.ReqPresence{Presence: content.Presence, StatusMsg: content.StatusMessage})
	})
}

// followed shows Alice in two ways, and waits until Bob sees each.
func (c *cast) followed(show func(event.PresenceEventContent) error) {
	c.t.Helper()
	for _, test := range []struct {
		presence event.Presence
		text     string
		want     msn.Status
	}{{event.PresenceUnavailable, "At <lunch>", msn.Idle}, {event.PresenceOnline, "", msn.Online}} {
		mark := c.bob.Mark()
		if err := show(event.PresenceEventContent{Presence: test.presence, StatusMessage: test.text}); err != nil {
			c.t.Fatal(err)
		}
		c.bobSees(mark, test.want)
		c.hears(mark, "the status message "+test.text, func(h stack.Heard) bool {
			said, ok := h.Event.(msn.PersonalMessageChanged)
			return ok && said.Contact.Account == c.account && said.Contact.Personal == test.text
		})
	}
}

// Bob sees Alice as Matrix shows her, with her status message, when the homeserver says it as Synapse does.
func TestStatusFollowsPresenceFromMatrix(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	c.bobSees(0, msn.Online)
	says := "The homeserver has not told the bridge"
	if homeserver.Does(stack.TellsPresence) {
		says = "as Matrix shows you" // it may have
	}
	c.asks(c.management, "!status follow", says)
	c.followed(func(content event.PresenceEventContent) error {
		return c.bridge.InjectPresence(t.Context(), c.alice.ID(), content)
	})
}
