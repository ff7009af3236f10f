package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
)

// fileWait is how long a file of largeFile may take on a slow machine.
const (
	fileWait  = 2 * time.Minute
	largeFile = 20_000_000
)

// painted is a picture of one colour.
func painted(t *testing.T, c color.Color) []byte {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 96, 96))
	for i := range 96 * 96 {
		picture.Set(i%96, i/96, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// random is data that nothing makes shorter.
func random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// downloads returns what is at an address of the homeserver.
func (c *cast) downloads(uri id.ContentURIString) []byte {
	c.t.Helper()
	parsed, err := uri.Parse()
	if err != nil {
		c.t.Fatal(err)
	}
	data, err := c.alice.Client.DownloadBytes(c.t.Context(), parsed)
	if err != nil {
		c.t.Fatal(err)
	}
	return data
}

// opens returns the file of a message, in clear.
func (c *cast) opens(content *event.MessageEventContent) []byte {
	c.t.Helper()
	if content.File == nil {
		return c.downloads(content.URL)
	}
	data := c.downloads(content.File.URL)
	if err := content.File.DecryptInPlace(data); err != nil {
		c.t.Fatal(err)
	}
	return data
}

// uploadsLocked brings something to the homeserver that is encrypted there.
func (c *cast) uploadsLocked(data []byte) *event.EncryptedFileInfo {
	c.t.Helper()
	key := attachment.NewEncryptedFile()
	locked := bytes.Clone(data)
	key.EncryptInPlace(locked)
	return &event.EncryptedFileInfo{EncryptedFile: *key, URL: c.uploads(locked, "application/octet-stream")}
}

// uploads brings something to the homeserver.
func (c *cast) uploads(data []byte, mime string) id.ContentURIString {
	c.t.Helper()
	uploaded, err := c.alice.Client.UploadBytes(c.t.Context(), data, mime)
	if err != nil {
		c.t.Fatal(err)
	}
	return uploaded.ContentURI.CUString()
}

func TestPicturesAreSeenOnBothSides(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	c.says("Hi Alice!")
	red, blue := painted(t, color.RGBA{R: 255, A: 255}), painted(t, color.RGBA{B: 255, A: 255})
	if _, err := c.bob.Client.SetPicture(t.Context(), red); err != nil {
		t.Fatal(err)
	}
	c.eventually("Bob's picture", func() bool {
		profile, err := c.alice.Client.GetProfile(t.Context(), c.ghost)
		return err == nil && !profile.AvatarURL.IsEmpty() && bytes.Equal(c.downloads(profile.AvatarURL.CUString()), red)
	})
	sent, err := c.alice.Client.SendMessageEvent(t.Context(), c.management, event.EventMessage, &event.MessageEventContent{
		MsgType: event.MsgImage, Body: "me.png", URL: c.uploads(blue, "image/png"), Info: &event.FileInfo{MimeType: "image/png"},
	})
	if err != nil {
		t.Fatal(err)
	}
	mark := c.bob.Mark()
	if _, err := c.alice.Client.SendMessageEvent(t.Context(), c.management, event.EventMessage, &event.MessageEventContent{
		MsgType: event.MsgText, Body: "!picture", RelatesTo: (&event.RelatesTo{}).SetReplyTo(sent.EventID),
	}); err != nil {
		t.Fatal(err)
	}
	var o msn.Object
	if _, err := c.bob.WaitEventAfter(t.Context(), mark, "Alice's picture", func(h stack.Heard) bool {
		shown, ok := h.Event.(msn.PresenceChanged)
		if !ok || shown.Contact.Account != c.account {
			return false
		}
		var err error
		o, err = msn.ParseObject(shown.Contact.Object)
		return err == nil
	}); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := c.bob.Client.Fetch(t.Context(), c.account, o, &got, nil); err != nil {
		t.Fatal(err)
	}
	shown, err := png.Decode(&got)
	if err != nil {
		t.Fatal(err)
	}
	if r, _, b, _ := shown.At(48, 48).RGBA(); shown.Bounds().Dx() != 96 || r > 0x0fff || b < 0xf000 {
		t.Errorf("Bob sees %v, %v", shown.Bounds(), shown.At(48, 48))
	}
}

// A picture and a large file go both ways, while texts go on.
func TestFilesGoBothWays(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.says("Hi Alice!").RoomID
	for name, test := range map[string]struct {
		data []byte
		kind event.MessageType
	}{
		"red.png": {painted(t, color.RGBA{R: 255, A: 255}), event.MsgImage}, "large.bin": {random(largeFile), event.MsgFile},
	} {
		c.fileToMatrix(room, name, test.kind, test.data)
		c.fileToMSN(room, name, &event.MessageEventContent{
			MsgType: test.kind, Body: name, URL: c.uploads(test.data, "application/octet-stream"), Info: &event.FileInfo{Size: len(test.data)},
		}, test.data)
	}
}

// fileToMatrix has Bob send a file, which comes into the room as it was.
func (c *cast) fileToMatrix(room id.RoomID, name string, kind event.MessageType, data []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), fileWait)
	defer cancel()
	mark := c.alice.Mark()
	sent := make(chan error, 1)
	go func() {
		sent <- c.bob.Client.SendFile(ctx, c.account, msn.File{Name: name, Size: uint64(len(data))}, bytes.NewReader(data), nil)
	}()
	c.says("meanwhile " + name)
	seen, err := c.alice.WaitEventAfter(ctx, mark, "the file "+name, func(s stack.Seen) bool {
		return s.Type == event.EventMessage && s.RoomID == room && s.Sender == c.ghost && s.Content.AsMessage().MsgType == kind
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := <-sent; err != nil {
		c.t.Errorf("%s: Bob is told %v", name, err)
	}
	content := seen.Content.AsMessage()
	if got := c.opens(content); content.Body != name || sha256.Sum256(got) != sha256.Sum256(data) {
		c.t.Errorf("%q came with %d bytes, want %q with %d", content.Body, len(got), name, len(data))
	}
}

// fileToMSN has Alice send a file, which Bob accepts and gets as it was.
func (c *cast) fileToMSN(room id.RoomID, name string, content *event.MessageEventContent, data []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), fileWait)
	defer cancel()
	mark := c.bob.Mark()
	if _, err := c.alice.Client.SendMessageEvent(ctx, room, event.EventMessage, content); err != nil {
		c.t.Fatal(err)
	}
	heard, err := c.bob.WaitEventAfter(ctx, mark, "the offer of "+name, func(h stack.Heard) bool {
		offered, ok := h.Event.(msn.FileOffered)
		return ok && offered.From == c.account
	})
	if err != nil {
		c.t.Fatal(err)
	}
	offered := heard.Event.(msn.FileOffered)
	var got bytes.Buffer
	received := make(chan error, 1)
	go func() { received <- offered.Offer.Accept(ctx, &got, nil) }()
	c.sends(room, "meanwhile "+name)
	if err := <-received; err != nil || offered.Name != name || sha256.Sum256(got.Bytes()) != sha256.Sum256(data) {
		c.t.Errorf("%q came with %d bytes, want %q with %d: %v", offered.Name, got.Len(), name, len(data), err)
	}
}

// A file that is encrypted in Matrix, as in encrypted rooms, goes to MSN as it was.
func TestEncryptedFileGoesToMSN(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.says("Hi Alice!").RoomID
	data := random(300_000)
	c.fileToMSN(room, "secret.bin", &event.MessageEventContent{
		MsgType: event.MsgFile, Body: "secret.bin", Info: &event.FileInfo{Size: len(data)}, File: c.uploadsLocked(data),
	}, data)
}

// The bridge is killed while a file comes and another one goes: the room is told of both after the next start, and
// files go both ways again.
func TestKillInTheMiddleOfFiles(t *testing.T) {
	t.Parallel()
	c := newFriends(t, cutOffBridge)
	room := c.says("Hi Alice!").RoomID
	ctx, cancel := context.WithTimeout(t.Context(), fileWait)
	defer cancel()

	// Of what Bob sends, half comes.
	reader, writer := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		sent <- c.bob.Client.SendFile(ctx, c.account, msn.File{Name: "coming.bin", Size: 200_000}, reader, nil)
	}()
	if _, err := writer.Write(random(100_000)); err != nil {
		t.Fatal(err)
	}
	// Of what Alice sends, Bob takes the beginning.
	mark := c.bob.Mark()
	data := random(200_000)
	content := &event.MessageEventContent{MsgType: event.MsgFile, Body: "going.bin", URL: c.uploads(data, "application/octet-stream"), Info: &event.FileInfo{Size: len(data)}}
	if _, err := c.alice.Client.SendMessageEvent(ctx, room, event.EventMessage, content); err != nil {
		t.Fatal(err)
	}
	heard, err := c.bob.WaitEventAfter(ctx, mark, "the offer", func(h stack.Heard) bool {
		_, ok := h.Event.(msn.FileOffered)
		return ok
	})
	if err != nil {
		t.Fatal(err)
	}
	begun, taken := make(chan struct{}), make(chan error, 1)
	out, in := io.Pipe()
	go func() { taken <- heard.Event.(msn.FileOffered).Offer.Accept(ctx, in, nil) }()
	go func() {
		_, _ = io.ReadFull(out, make([]byte, 10_000))
		close(begun)
	}()
	<-begun
	seen := c.alice.Mark()
	if err := c.bridge.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = out.CloseWithError(io.ErrClosedPipe)
	_ = writer.CloseWithError(io.ErrClosedPipe)
	for what, ended := range map[string]<-chan error{"the file to Alice": sent, "the file to Bob": taken} {
		if err := <-ended; err == nil {
			t.Errorf("%s has arrived", what)
		}
	}
	mark = c.bob.Mark()
	if err := c.bridge.Start(ctx); err != nil {
		t.Fatal(err)
	}
	c.bobSees(mark, msn.Online)
	for _, words := range []string{"The bridge was stopped while the file “coming.bin” was coming.", "the bridge was stopped while the file was on its way, and it may not have arrived"} {
		c.sees(seen, words, func(s stack.Seen) bool {
			return s.Type == event.EventMessage && s.RoomID == room && strings.Contains(s.Content.AsMessage().Body, words)
		})
	}
	c.fileToMatrix(room, "again.bin", event.MsgFile, random(5000))
	content.Body = "again.bin"
	c.fileToMSN(room, "again.bin", content, data)
}

// eventually waits until something holds that nobody tells of.
func (c *cast) eventually(what string, holds func() bool) {
	c.t.Helper()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(stack.DefaultWait)
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			c.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// An emoticon of Bob's own is shown in his text, which is there before: the homeserver takes that for no repetition.
func TestEmoticonsAreShownInTheirTexts(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.says("Hi Alice!").RoomID
	cat := painted(t, color.RGBA{G: 255, A: 255})
	o, err := c.bob.Client.OfferEmoticon(cat)
	if err != nil {
		t.Fatal(err)
	}
	mark := c.alice.Mark()
	if err := c.bob.Client.Conversation(c.account).StartTextWith(t.Context(), nil, []msn.Emoticon{{Shortcut: "(cat)", Object: o}}, "my (cat)", "")(); err != nil {
		t.Fatal(err)
	}
	picture := regexp.MustCompile(`<img data-mx-emoticon src="(mxc://[^"]+)" alt="\(cat\)"`)
	var shown string
	c.sees(mark, "the emoticon", func(s stack.Seen) bool {
		if s.Type != event.EventMessage || s.RoomID != room || s.Sender != c.ghost {
			return false
		}
		content := s.Content.AsMessage()
		if content.NewContent != nil {
			content = content.NewContent
		}
		found := picture.FindStringSubmatch(content.FormattedBody)
		if found != nil {
			shown = found[1]
		}
		return found != nil
	})
	if !bytes.Equal(c.downloads(id.ContentURIString(shown)), cat) {
		t.Error("it is another picture")
	}
}
