package e2e

import (
	"context"
	"fmt"
	"image/color"
	"path/filepath"
	"strings"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/crypto/olm"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
)

// encrypting makes a Matrix client one that encrypts in rooms that want it, with its keys in a file.
func encrypting(t *testing.T, path string) func(context.Context, *mautrix.Client) error {
	return func(ctx context.Context, client *mautrix.Client) error {
		helper, err := cryptohelper.NewCryptoHelper(client, []byte("keys of a test"), path)
		if err != nil {
			return err
		}
		if err := helper.Init(ctx); err != nil {
			return err
		}
		t.Cleanup(func() { _ = helper.Close() })
		client.Crypto = helper
		return nil
	}
}

// encryptedChat is the making of an encrypted chat with somebody.
func encryptedChat(with id.UserID) *mautrix.ReqCreateRoom {
	return &mautrix.ReqCreateRoom{
		Preset:   "trusted_private_chat",
		IsDirect: true,
		Invite:   []id.UserID{with},
		InitialState: []*event.Event{{
			Type:    event.StateEncryption,
			Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}},
		}},
	}
}

// newSecretFriends makes the people of a test with Alice logged in to MSN, on a client that encrypts, and Bob online.
func newSecretFriends(t *testing.T, bridge int) *cast {
	t.Helper()
	keys := filepath.Join(scratch, fmt.Sprintf("keys of %s.db", strings.ReplaceAll(t.Name(), "/", " ")))
	c := newCast(t, bridge, home, stack.Prepared(encrypting(t, keys)))
	c.logIn()
	c.bobComes()
	return c
}

// secretChat has Alice make an encrypted chat with Bob's ghost, and returns its room.
func (c *cast) secretChat() id.RoomID {
	c.t.Helper()
	created, err := c.alice.Client.CreateRoom(c.t.Context(), encryptedChat(c.ghost))
	if err != nil {
		c.t.Fatal(err)
	}
	c.sees(0, "Bob joining", stack.Member(created.RoomID, c.ghost, event.MembershipJoin))
	c.sees(0, "the bridge being ready for it", readyRoom(created.RoomID))
	return created.RoomID
}

// readyRoom matches what the bridge says in a room to which it was invited when it knows whose it is, a moment after ghost and bot have
// joined. Until then the framework takes what comes from MSN for the first of a new room, and looks at its own field without a lock.
func readyRoom(room id.RoomID) stack.Match {
	return func(s stack.Seen) bool { return s.Type == event.StateBridge && s.RoomID == room }
}

// saysSecretly has Bob say something, which the homeserver cannot read.
func (c *cast) saysSecretly(room id.RoomID, text string) {
	c.t.Helper()
	said := c.says(text)
	if said.RoomID != room {
		c.t.Errorf("%q came into another room", text)
	}
	c.isSecret(room, said.ID)
}

// sendsSecretly has Alice write something that the homeserver cannot read, until it came to Bob, and returns its ID.
func (c *cast) sendsSecretly(room id.RoomID, content *event.MessageEventContent, want string) id.EventID {
	c.t.Helper()
	mark := c.bob.Mark()
	sent := c.writesAs(c.alice, room, content)
	c.hears(mark, "Alice's message", stack.HeardText(c.account, want))
	c.isSecret(room, sent)
	return sent
}

// isSecret fails the test unless the homeserver has the event encrypted only.
func (c *cast) isSecret(room id.RoomID, evt id.EventID) {
	c.t.Helper()
	stored, err := c.alice.Client.GetEvent(c.t.Context(), room, evt)
	if err != nil {
		c.t.Fatal(err)
	}
	if stored.Type.Type != event.EventEncrypted.Type || stored.Content.Raw["body"] != nil {
		c.t.Errorf("the homeserver has %s with %v", stored.Type.Type, stored.Content.Raw)
	}
}

// text is the content of a plain text, edited the one that replaces an event's.
func text(body string) *event.MessageEventContent {
	return &event.MessageEventContent{MsgType: event.MsgText, Body: body}
}

func edited(evt id.EventID, body string) *event.MessageEventContent {
	content := text("* " + body)
	content.NewContent, content.RelatesTo = text(body), (&event.RelatesTo{}).SetReplace(evt)
	return content
}

func TestEncryptedRoom(t *testing.T) {
	t.Parallel()
	speaksSecretly(newSecretFriends(t, encryptingBridge))
}

// The bridge makes no /sync: the homeserver pushes keys to it, and the bot has a device without a login.
func TestEncryptedRoomWithKeysThatTheHomeserverPushes(t *testing.T) {
	t.Parallel()
	needs(t, stack.PassesToDevice)
	speaksSecretly(newSecretFriends(t, pushedBridge))
}

// speaksSecretly shows that texts, an edit and files go both ways in an encrypted room, and that the bridge, killed in the
// middle, has its keys afterwards.
func speaksSecretly(c *cast) {
	c.t.Helper()
	room := c.secretChat()
	first := c.sendsSecretly(room, text("Hi Bob!"), "Hi Bob!")
	c.saysSecretly(room, "Hi Alice!")
	c.sendsSecretly(room, edited(first, "Hello Bob!"), "* Hello Bob!")
	for name, test := range map[string]struct {
		data []byte
		kind event.MessageType
	}{
		"red.png": {painted(c.t, color.RGBA{R: 255, A: 255}), event.MsgImage}, "file.bin": {random(300_000), event.MsgFile},
	} {
		c.fileToMatrix(room, name, test.kind, test.data)
		c.fileToMSN(room, name, &event.MessageEventContent{
			MsgType: test.kind, Body: name, Info: &event.FileInfo{Size: len(test.data)}, File: c.uploadsLocked(test.data),
		}, test.data)
	}

	mark := c.bob.Mark()
	if err := c.bridge.Kill(); err != nil {
		c.t.Fatal(err)
	}
	c.bobSees(mark, msn.Offline)
	// Its key goes to the device that the bridge has had, with a session of before.
	c.writesAs(c.alice, room, text("Meanwhile"))
	mark = c.bob.Mark()
	if err := c.bridge.Start(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.bobSees(mark, msn.Online)
	c.sendsSlowly(room, "After")
	c.heardOnce(0, "Meanwhile")
	c.saysSecretly(room, "Back again?")
	c.sendsSecretly(room, edited(first, "Good day, Bob!"), "* Good day, Bob!")
}

// A room that was in clear is encrypted from when somebody wants it, both ways.
func TestRoomBecomesEncrypted(t *testing.T) {
	t.Parallel()
	c := newSecretFriends(t, encryptingBridge)
	room, err := c.alice.OpenChat(t.Context(), c.ghost)
	if err != nil {
		t.Fatal(err)
	}
	c.sends(room, "In clear")
	c.says("In clear, too")
	mark := c.alice.Mark()
	if _, err := c.alice.Client.SendStateEvent(t.Context(), room, event.StateEncryption, "", &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}); err != nil {
		t.Fatal(err)
	}
	c.sees(mark, "the room being encrypted", func(s stack.Seen) bool { return s.Type == event.StateEncryption && s.RoomID == room })
	c.sendsSecretly(room, text("Between us"), "Between us")
	c.saysSecretly(room, "Whatever you say")
}

// Who writes with a key that the bridge does not get is told so, once, and the homeserver cannot read that either; what comes
// behind it in the same room does not wait for ever.
func TestMessageWithoutItsKeyIsToldToItsWriter(t *testing.T) {
	t.Parallel()
	c := newSecretFriends(t, encryptingBridge)
	room := c.secretChat()
	c.sendsSecretly(room, text("Hi Bob!"), "Hi Bob!")
	// A session of which nobody is told.
	session, err := olm.NewOutboundGroupSession()
	if err != nil {
		t.Fatal(err)
	}
	locked, err := session.Encrypt([]byte(`{"type": "m.room.message", "content": {"msgtype": "m.text", "body": "Nobody reads this"}}`))
	if err != nil {
		t.Fatal(err)
	}
	sent, err := c.alice.Client.SendMessageEvent(t.Context(), room, event.EventEncrypted, &event.EncryptedEventContent{
		Algorithm: id.AlgorithmMegolmV1, DeviceID: c.alice.Client.DeviceID, SessionID: session.ID(), MegolmCiphertext: locked,
	})
	if err != nil {
		t.Fatal(err)
	}
	mark := c.bob.Mark()
	c.writesAs(c.alice, room, text("Behind it"))
	told := c.isTold(sent.EventID, "the bridge hasn't received the decryption keys")
	c.isSecret(room, told.ID)
	ctx, cancel := context.WithTimeout(t.Context(), 2*stack.DefaultWait)
	defer cancel()
	if _, err := c.bob.WaitEventAfter(ctx, mark, "what came behind", stack.HeardText(c.account, "Behind it")); err != nil {
		t.Fatal(err)
	}
}
