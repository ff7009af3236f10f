package bridge

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// fileClient is a contact with a Messenger of their own that sends and takes files.
type fileClient struct {
	*msn.Client
	offers chan msn.FileOffered
	texts  chan string
	read   sync.WaitGroup
}

// sendsFiles signs a contact in.
func (b *testBridge) sendsFiles(account string) *fileClient {
	b.Helper()
	client, err := msn.Login(b.ctx, msn.Config{
		Account: account, Password: pass, Server: b.srv.Addr(), NexusURL: b.srv.NexusURL(), RootCAs: b.srv.CertPool(), Trust: msn.Trust{AllowPrivate: true},
	})
	if err != nil {
		b.Fatal(err)
	}
	m := &fileClient{Client: client, offers: make(chan msn.FileOffered, 100), texts: make(chan string, 100)}
	m.read.Go(func() {
		for evt := range client.Events() {
			switch evt := evt.(type) {
			case msn.FileOffered:
				m.offers <- evt
			case msn.TextReceived:
				m.texts <- evt.Text
			}
		}
	})
	b.Cleanup(m.quit)
	return m
}

// fileChat is a bridge at which the user has a room with bob, who sends and takes files.
func fileChat(t *testing.T, changes ...func(*testBridge)) (b *testBridge, m *fileClient, room id.RoomID) {
	t.Helper()
	b = newTestBridge(t, newTestServer(t), changes...)
	login := b.login()
	m = b.sendsFiles(bob)
	b.sees(bob)
	return b, m, b.dm(login, bob)
}

func (m *fileClient) quit() {
	_ = m.Close()
	m.read.Wait()
}

// sees waits until the user sees a contact online.
func (b *testBridge) sees(account string) {
	b.Helper()
	b.eventually(account+" to be seen", func() bool {
		client := b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client).session.Current()
		if client == nil {
			return false
		}
		contact, _ := client.Contact(account)
		return contact.Status == msn.Online && contact.Capabilities != 0
	})
}

// isSeen waits until a contact sees the user online.
func (b *testBridge) isSeen(m *fileClient) {
	b.Helper()
	b.eventually("the user to be seen", func() bool {
		contact, _ := m.Contact(alice)
		return contact.Status != "" && contact.Status != msn.Offline
	})
}

// offered waits for an offer.
func (m *fileClient) offered(b *testBridge) msn.FileOffered {
	b.Helper()
	select {
	case evt := <-m.offers:
		return evt
	case <-time.After(waitLimit):
		b.Fatal("waited in vain for the offer of a file")
		return msn.FileOffered{}
	}
}

// sends offers a file to the user. The channel has what became of it.
func (m *fileClient) sends(ctx context.Context, name string, data io.Reader, size int) <-chan error {
	sent := make(chan error, 1)
	go func() { sent <- m.SendFile(ctx, alice, msn.File{Name: name, Size: uint64(size)}, data, nil) }()
	return sent
}

func (b *testBridge) ends(what string, result <-chan error, want error) {
	b.Helper()
	select {
	case err := <-result:
		if !errors.Is(err, want) {
			b.Errorf("%s ends with %v, want %v", what, err, want)
		}
	case <-time.After(waitLimit):
		b.Fatalf("waited in vain for the end of %s", what)
	}
}

// accept has the contact take what is offered, and returns it when it is there.
func (b *testBridge) accept(o msn.FileOffered) string {
	b.Helper()
	var got bytes.Buffer
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	if err := o.Offer.Accept(ctx, &got, nil); err != nil {
		b.Errorf("taking %s: %v", o.Name, err)
	}
	return got.String()
}

// takenBack waits until a file is not offered any more.
func (b *testBridge) takenBack(o msn.FileOffered) {
	b.Helper()
	select {
	case <-o.Offer.Ended():
		if err := o.Offer.Why(); !errors.Is(err, msn.ErrCancelled) {
			b.Errorf("the offer of %s ends with %v", o.Name, err)
		}
	case <-time.After(waitLimit):
		b.Fatalf("%s is offered still", o.Name)
	}
}

func (b *testBridge) told(want string) {
	b.Helper()
	b.waitMessage(0, want)
	if all := b.matrix.all(func(r record) bool { return r.kind == "message" && strings.Contains(r.body, want) }); len(all) != 1 {
		b.Errorf("it is told %d times: %+v", len(all), all)
	}
}

func withFiles(accept, send string) func(*testBridge) {
	return func(b *testBridge) {
		b.config = func(c *config.Config) { c.Files = config.FilesConfig{AcceptBelow: accept, SendBelow: send} }
	}
}

func pictureOf(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A file that a contact sends is in their room, in its place among the texts: as what its bytes say,
// under a name that is one.
func TestFileFromMSNComesIntoTheRoom(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	m := b.sendsFiles(bob)
	b.sees(bob)
	bomb := pictureOf(t, 10, 10)
	binary.BigEndian.PutUint32(bomb[16:], 60_000)
	binary.BigEndian.PutUint32(bomb[20:], 60_000)
	// The sums of the header would give it away otherwise.
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	for _, test := range []struct {
		name, shown, mime string
		data              []byte
		kind              event.MessageType
		width, height     int
	}{
		{"cat.png", "cat.png", "image/png", pictureOf(t, 40, 30), event.MsgImage, 40, 30},
		{"bomb.png", "bomb.png", "image/png", bomb, event.MsgFile, 0, 0},
		{"notes.txt", "notes.txt", "text/plain", []byte("hello"), event.MsgFile, 0, 0},
		{"empty.bin", "empty.bin", "text/plain", nil, event.MsgFile, 0, 0},
		{"a\u202egnp.exe", "agnp.exe", "application/octet-stream", []byte("MZ\x90\x00\x03\x00\x00\x00"), event.MsgFile, 0, 0},
		{`C:\docs\..\x.wav`, "x.wav", "audio/wave", []byte("RIFF\x24\x00\x00\x00WAVEfmt "), event.MsgAudio, 0, 0},
		{"..", "file", "video/webm", []byte("\x1A\x45\xDF\xA3\x01\x00\x00\x00"), event.MsgVideo, 0, 0},
		{"long", "long", "text/plain", bytes.Repeat([]byte("x"), 700_000), event.MsgFile, 0, 0},
	} {
		from := b.matrix.position()
		b.ends(test.name, m.sends(b.ctx, test.name, bytes.NewReader(test.data), len(test.data)), nil)
		if err := m.Conversation(alice).SendText(b.ctx, "behind "+test.shown, ""); err != nil {
			t.Fatal(err)
		}
		got, _ := b.matrix.wait(t, from, "the file "+test.name, func(r record) bool { return r.kind == "message" && r.info != nil })
		if got.body != test.shown || got.msg != test.kind || got.info.MimeType != test.mime || got.info.Size != len(test.data) ||
			got.info.Width != test.width || got.info.Height != test.height || got.sender != b.matrix.FormatGhostMXID(login.Client.(*Client).account.GhostID(bob)) {
			t.Errorf("%q is shown as %+v, %+v", test.name, got, got.info)
		}
		uploads := b.matrix.uploaded()
		last := uploads[len(uploads)-1]
		if got.url == "" || !bytes.Equal(last.data, test.data) || last.name != test.shown || last.kind != test.mime || last.room != got.room {
			t.Errorf("%q was uploaded as %q, %q, %d bytes, for %s", test.name, last.name, last.kind, len(last.data), last.room)
		}
		b.waitMessage(from, "behind "+test.shown)
	}
	b.eventually("the table to be empty", func() bool { return b.rows("file_coming") == 0 })
}

// rows returns how many rows there are.
func (b *testBridge) rows(table string) (rows int) {
	b.Helper()
	if err := b.br.DB.RawDB.QueryRowContext(b.ctx, "SELECT COUNT(*) FROM "+table).Scan(&rows); err != nil {
		b.Fatal(err)
	}
	return rows
}

// Beside a large picture stands a small one, which clients show: in an encrypted room the homeserver cannot make it.
func TestLargePictureFromMSNHasASmallOne(t *testing.T) {
	t.Parallel()
	for name, encrypts := range map[string]bool{"in clear": false, "encrypted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			b.matrix.encrypts = encrypts
			b.login()
			m := b.sendsFiles(bob)
			b.sees(bob)
			data := pictureOf(t, 1600, 400)
			b.ends("the picture", m.sends(b.ctx, "cat.png", bytes.NewReader(data), len(data)), nil)
			got, _ := b.matrix.wait(t, 0, "the picture", func(r record) bool { return r.kind == "message" && r.info != nil })
			b.matrix.mu.Lock()
			defer b.matrix.mu.Unlock()
			if n := len(b.matrix.uploads); n != 1 {
				t.Fatalf("%d pictures were uploaded besides", n)
			}
			small, info := bytes.Clone(b.matrix.uploads[0]), got.info.ThumbnailInfo
			if file := got.info.ThumbnailFile; (file != nil) != encrypts || (got.info.ThumbnailURL == "") != encrypts {
				t.Fatalf("it is shown as %+v", got.info)
			} else if encrypts {
				if err := file.DecryptInPlace(small); err != nil {
					t.Fatal(err)
				}
			}
			sides, kind, err := image.DecodeConfig(bytes.NewReader(small))
			if err != nil || "image/"+kind != info.MimeType || sides.Width != 800 || sides.Height != 200 || info.Width != 800 || info.Height != 200 || info.Size != len(small) {
				t.Errorf("it is a %s of %d by %d, and said to be %+v: %v", kind, sides.Width, sides.Height, info, err)
			}
		})
	}
}

// In an encrypted room the homeserver gets what it cannot read, and the key is in the event alone.
func TestFileFromMSNIsEncrypted(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.matrix.encrypts = true
	b.login()
	m := b.sendsFiles(bob)
	b.sees(bob)
	b.ends("the file", m.sends(b.ctx, "a.txt", strings.NewReader("secret"), 6), nil)
	got, _ := b.matrix.wait(t, 0, "the file", func(r record) bool { return r.kind == "message" && r.info != nil })
	if got.url != "" || got.file == nil || got.file.URL == "" {
		t.Fatalf("it is shown as %+v", got)
	}
	uploaded := b.matrix.uploaded()[0]
	if bytes.Contains(uploaded.data, []byte("secret")) || uploaded.name != "" || uploaded.kind != "application/octet-stream" {
		t.Errorf("the homeserver has %+v", uploaded)
	}
	if err := got.file.DecryptInPlace(uploaded.data); err != nil || string(uploaded.data) != "secret" {
		t.Errorf("it reads %q, %v", uploaded.data, err)
	}
}

// A large file waits for the user's word, the latest one first; so does any where the admin wants that.
func TestLargeFileIsTakenWhenTheUserSaysSo(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t, withFiles("1 KB", ""))
	data := strings.Repeat("x", 3000)
	first := m.sends(b.ctx, "first.txt", strings.NewReader(data), len(data))
	b.told("Bob Builder offers the file “first.txt” (3.0 KB). Write `!accept` in this room within 5 minutes to take it, `!decline` to say no.")
	second := m.sends(b.ctx, "second.txt", strings.NewReader(data), len(data))
	b.told("offers the file “second.txt”")
	if got := b.ask(b.management(), "!accept"); strings.Contains(got.body, "file") {
		t.Errorf("elsewhere it is answered by %q", got.body)
	}
	if got := b.ask(room, "!decline"); got.body != "The file “second.txt” of Bob Builder is declined." {
		t.Errorf("declining is answered by %q", got.body)
	}
	b.ends("second.txt", second, msn.ErrDeclined)
	if got := b.ask(room, "!accept"); got.body != "The bridge takes the file “first.txt” (3.0 KB) of Bob Builder." {
		t.Errorf("accepting is answered by %q", got.body)
	}
	b.ends("first.txt", first, nil)
	b.matrix.wait(t, 0, "the file", func(r record) bool { return r.kind == "message" && r.body == "first.txt" && r.url != "" })
	if got := b.ask(room, "!accept"); strings.Contains(got.body, "txt") {
		t.Errorf("accepting once more is answered by %q", got.body)
	}
	// One that is taken back.
	ctx, cancel := context.WithCancel(b.ctx)
	third := m.sends(ctx, "third.txt", strings.NewReader(data), len(data))
	b.told("offers the file “third.txt”")
	cancel()
	b.ends("third.txt", third, context.Canceled)
	b.told("Bob Builder has taken the file “third.txt” back, or stopped it. Ask them to send it again if you want it.")
	// A small one is not asked for.
	b.ends("small.txt", m.sends(b.ctx, "small.txt", strings.NewReader("x"), 1), nil)
	b.matrix.wait(t, 0, "the small file", func(r record) bool { return r.kind == "message" && r.body == "small.txt" && r.url != "" })
	b.eventually("the table to be empty", func() bool { return b.rows("file_coming") == 0 })
}

// What strangers offer is asked for, however small it is: with 0 everything is.
func TestEveryFileIsAskedFor(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withFiles("0", ""))
	b.login()
	m := b.sendsFiles(bob)
	b.sees(bob)
	sent := m.sends(b.ctx, "a.txt", strings.NewReader(""), 0)
	asked, _ := b.waitMessage(0, "offers the file “a.txt” (0 bytes). Write `!accept`")
	b.ask(asked.room, "!accept")
	b.ends("a.txt", sent, nil)
	b.matrix.wait(t, 0, "the file", func(r record) bool { return r.kind == "message" && r.body == "a.txt" && r.url != "" })
}

// Who offers many files at once has the rest declined, in a line each.
func TestManyFilesAtOnce(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withFiles("0", ""))
	b.login()
	m := b.sendsFiles(bob)
	b.sees(bob)
	for i := range 3 {
		m.sends(b.ctx, fmt.Sprint(i), strings.NewReader("x"), 1)
		b.told(fmt.Sprintf("offers the file “%d” (1 byte). Write", i))
	}
	b.ends("the fourth", m.sends(b.ctx, "more", strings.NewReader("x"), 1), msn.ErrDeclined)
	b.told("Bob Builder offers the file “more”. The bridge has declined it, because too many files are on their way at once.")
}

// A file that is on its way when the bridge is stopped is told of at the next start, once; so is one
// that waits for the user's word.
func TestRestartWhileAFileComes(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withFiles("1 KB", ""))
	b.login()
	m := b.sendsFiles(bob)
	b.sees(bob)
	reader, writer := io.Pipe()
	sent := m.sends(b.ctx, "half.txt", reader, 900)
	if _, err := writer.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	waiting := m.sends(b.ctx, "waits.txt", strings.NewReader("x"), 5000)
	b.waitMessage(0, "offers the file “waits.txt”")
	b.eventually("both to be noted", func() bool { return b.rows("file_coming") == 2 })
	b.stop()
	_ = writer.CloseWithError(io.ErrClosedPipe)
	for _, ended := range []<-chan error{sent, waiting} {
		if err := <-ended; err == nil {
			t.Error("a file was sent")
		}
	}
	b.start()
	for _, name := range []string{"half.txt", "waits.txt"} {
		b.told("The bridge was stopped while the file “" + name + "” was coming. Ask Bob Builder to send it again.")
	}
	b.eventually("the table to be empty", func() bool { return b.rows("file_coming") == 0 })
	b.restart()
	b.eventually("the next session", func() bool { return b.signedIn(loginID(alice)) }) // the contact may see the last one still
	b.isSeen(m)
	b.ends("the next one", m.sends(b.ctx, "next.txt", strings.NewReader("x"), 1), nil)
	b.waitMessage(0, "next.txt")
	if again := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "was stopped") }); len(again) > 0 {
		t.Errorf("it is told again: %+v", again)
	}
}

// What keeps a file from coming is said in the room.
func TestFileFromMSNThatDoesNotCome(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	m := b.sendsFiles(bob)
	b.sees(bob)
	b.matrix.failUploads(errors.New("no room on the disk"))
	b.ends("the file", m.sends(b.ctx, "a.txt", strings.NewReader("x"), 1), nil)
	b.told("Bob Builder has sent the file “a.txt”, and the homeserver does not take it. Ask them for it in another way; if that lasts, tell the admin of this bridge.")
	b.matrix.failUploads(nil)
	failed := errors.New("it fails")
	reader, writer := io.Pipe()
	sent := m.sends(b.ctx, "b.txt", reader, 100_000)
	if _, err := writer.Write(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	_ = writer.CloseWithError(failed)
	b.ends("a file that cannot be read", sent, failed)
	b.told("Bob Builder has taken the file “b.txt” back, or stopped it.")
	reader, writer = io.Pipe()
	sent = m.sends(b.ctx, "c.txt", reader, 100_000)
	if _, err := writer.Write(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	m.quit()
	_ = writer.CloseWithError(failed)
	<-sent
	b.told("The file “c.txt” did not come: Bob Builder has left, or lost the connection. Ask them to send it again.")
	if len(b.matrix.uploaded()) > 0 {
		t.Error("something was uploaded")
	}
}

// sendsFile writes a message with a file.
func (b *testBridge) sendsFile(room id.RoomID, kind event.MessageType, name, caption string, data []byte, encrypt bool) {
	b.Helper()
	content := &event.MessageEventContent{MsgType: kind, Body: name, FileName: name, Info: &event.FileInfo{Size: len(data)}}
	if caption != "" {
		content.Body = caption
	}
	content.URL, content.File = b.matrix.upload(data, encrypt)
	b.writeContent(room, content)
}

// settled returns what became of the next message from position on, when that is known.
func (b *testBridge) settled(from int) record {
	b.Helper()
	r, _ := b.matrix.wait(b.T, from, "the fate of a file", func(r record) bool { return r.kind == "status" && r.status != event.MessageStatusPending })
	return r
}

// Files of a room with a contact arrive, of all kinds, encrypted or not, with what is said of them
// before them. Texts do not wait for them.
func TestFileFromMatrixArrives(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t)
	for _, test := range []struct {
		kind    event.MessageType
		name    string
		caption string
		data    []byte
		encrypt bool
	}{
		{event.MsgImage, "cat.png", "my cat", pictureOf(t, 3, 3), false},
		{event.MsgFile, "secret.pdf", "", bytes.Repeat([]byte("x"), 500_000), true},
		{event.MsgVideo, "a.mp4", "", []byte("film"), false},
		{event.MsgAudio, "voice.ogg", "", []byte("la"), true},
		{event.CapMsgSticker, "hug.png", "", []byte("hug"), false},
		{event.MsgFile, "empty.txt", "", nil, false},
	} {
		from := b.matrix.position()
		b.sendsFile(room, test.kind, test.name, test.caption, test.data, test.encrypt)
		offer := m.offered(b)
		if test.caption != "" {
			b.receive(m.texts, test.caption)
		}
		pending, _ := b.matrix.wait(t, from, "that it is offered", func(r record) bool { return r.kind == "status" })
		if pending.status != event.MessageStatusPending || pending.body != "The file is offered." {
			t.Errorf("of %s is told %+v", test.name, pending)
		}
		b.write(room, "meanwhile")
		b.receive(m.texts, "meanwhile")
		b.settled(from) // of the text
		from = b.matrix.position()
		if got := b.accept(offer); got != string(test.data) || offer.Name != test.name || offer.Bytes != uint64(len(test.data)) {
			t.Errorf("of %s came %d bytes as %q of %d", test.name, len(got), offer.Name, offer.Bytes)
		}
		if told := b.settled(from); told.status != event.MessageStatusSuccess {
			t.Errorf("of %s is told %+v", test.name, told)
		}
	}
	if left := b.rows("file_queue"); left > 0 {
		b.eventually("the queue to be empty", func() bool { return b.rows("file_queue") == 0 })
	}
	steps := b.matrix.all(func(r record) bool { return r.kind == "status" && strings.Contains(r.body, "has gone out") })
	if len(steps) == 0 || len(steps) > 9 {
		t.Errorf("%d steps are told", len(steps))
	}
}

// What keeps a file from arriving is told under the message, once.
func TestFileFromMatrixThatDoesNotArrive(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t, withFiles("", "1 MB"))
	fails := func(what, want string, data int, do func()) {
		t.Helper()
		from := b.matrix.position()
		b.sendsFile(room, event.MsgFile, what+".txt", "", make([]byte, data), false)
		do()
		if told := b.settled(from); told.status == event.MessageStatusSuccess || told.body != want {
			t.Errorf("%s: told %+v", what, told)
		}
		b.told("Your message was not bridged: " + want)
	}
	fails("declined", "Bob Builder (bob@example.com) did not take the file, or their Messenger takes none. Ask them, or put it on a website and send the link.", 9, func() { m.offered(b).Offer.Decline() })
	fails("stopped", "Bob Builder (bob@example.com) has stopped the file before they had all of it. Ask them, and send it again.", 900_000, func() {
		ctx, cancel := context.WithCancel(b.ctx)
		_ = m.offered(b).Offer.Accept(ctx, writing(func() { cancel() }), nil)
	})
	from := b.matrix.position()
	content := &event.MessageEventContent{MsgType: event.MsgFile, Body: "lies.txt", Info: &event.FileInfo{Size: 3}}
	content.URL, _ = b.matrix.upload(make([]byte, 2_000_000), false)
	b.writeContent(room, content)
	const large = "it is larger than 1.0 MB, the most that the bridge sends. Put it on a website and send the link."
	if told := b.settled(from); told.body != large {
		t.Errorf("too large: told %+v", told)
	}
	b.told("Your message was not bridged: " + large)
	fails("gone", "Bob Builder (bob@example.com) has left, or lost the connection, before they had all of the file. Send it again when they are back.", 900, func() {
		offer := m.offered(b)
		m.quit()
		_ = offer
	})
}

// writing is a writer that does something, and fails.
type writing func()

func (w writing) Write([]byte) (int, error) {
	w()
	return 0, io.ErrClosedPipe
}

// A file that is deleted while it is offered is not sent, and nobody is told that it has failed.
func TestDeletedFileIsTakenBack(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t)
	url, _ := b.matrix.upload([]byte("x"), false)
	evt := b.sends(fakeUser, room, "m.room.message", map[string]any{"msgtype": "m.file", "body": "a.txt", "url": string(url)})
	offer := m.offered(b)
	b.redact(room, evt)
	select {
	case <-offer.Offer.Ended():
	case <-time.After(waitLimit):
		t.Fatal("the offer goes on")
	}
	if !errors.Is(offer.Offer.Why(), msn.ErrCancelled) {
		t.Errorf("the offer ends with %v", offer.Offer.Why())
	}
	b.eventually("the queue to be empty", func() bool { return b.rows("file_queue") == 0 })
	if told := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "not bridged") }); len(told) > 0 {
		t.Errorf("told %+v", told)
	}
}

// redact deletes a message as the homeserver would hand it over.
func (b *testBridge) redact(room id.RoomID, deleted id.EventID) {
	b.Helper()
	b.events++
	evt := &event.Event{
		Type: event.EventRedaction, ID: id.EventID(fmt.Sprintf("$user%d", b.events)), RoomID: room, Sender: fakeUser, Redacts: deleted,
		Timestamp: time.Now().UnixMilli(), Content: event.Content{Parsed: &event.RedactionEventContent{Redacts: deleted}},
	}
	b.conn.Arriving(b.ctx, evt)
	b.br.QueueMatrixEvent(b.ctx, evt)
}

// A message that the homeserver repeats is offered once.
func TestFileThatIsRepeatedIsOfferedOnce(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t)
	url, _ := b.matrix.upload([]byte("x"), false)
	again := func() {
		evt := &event.Event{
			Type: event.EventMessage, ID: "$same", RoomID: room, Sender: fakeUser, Timestamp: time.Now().UnixMilli(),
			Content: event.Content{Parsed: &event.MessageEventContent{MsgType: event.MsgFile, Body: "a.txt", URL: url}},
		}
		b.conn.Arriving(b.ctx, evt)
		b.br.QueueMatrixEvent(b.ctx, evt)
	}
	from := b.matrix.position()
	again()
	offer := m.offered(b)
	again()
	b.accept(offer)
	b.settled(from)
	again()
	b.write(room, "behind")
	b.receive(m.texts, "behind")
	if len(m.offers) > 0 {
		t.Error("it is offered twice")
	}
}

// A file that is on its way when the bridge is stopped may have arrived: the next start says so, and
// does not send it again. Those that nobody has taken are taken back, and offered again then, and so are those that are not begun.
func TestRestartWhileAFileGoes(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t)
	b.sendsFile(room, event.MsgFile, "0.txt", "", make([]byte, 2_000_000), false)
	reader, writer := io.Pipe()
	taken := make(chan error, 1)
	offer := m.offered(b)
	go func() { taken <- offer.Offer.Accept(b.ctx, writer, nil) }()
	if _, err := io.ReadFull(reader, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 { // the last waits for one of the others
		b.sendsFile(room, event.MsgFile, fmt.Sprintf("%d.txt", i+1), "", []byte("x"), false)
	}
	var waits []msn.FileOffered
	for range 2 {
		waits = append(waits, m.offered(b))
	}
	b.eventually("all to be stored", func() bool { return b.rows("file_queue") == 4 })
	b.stop()
	for _, offer := range waits {
		b.takenBack(offer)
	}
	_ = reader.Close()
	if err := <-taken; err == nil {
		t.Error("what was on its way is there")
	}
	b.start()
	again := make(map[string]string)
	for range 3 {
		offer := m.offered(b)
		again[offer.Name] = b.accept(offer)
	}
	if want := map[string]string{"1.txt": "x", "2.txt": "x", "3.txt": "x"}; !maps.Equal(again, want) {
		t.Errorf("%v came", again)
	}
	const want = "the bridge was stopped while the file was on its way, and it may not have arrived. Ask Bob Builder (bob@example.com), and send it again."
	b.eventually("the queue to be empty", func() bool { return b.rows("file_queue") == 0 })
	if told := b.matrix.all(func(r record) bool { return r.kind == "message" && strings.Contains(r.body, want) }); len(told) != 1 {
		t.Errorf("told %+v", told)
	}
	if len(m.offers) > 0 {
		t.Error("one is offered again")
	}
}

// A file that is nearly there when a stop begins comes; what is offered then does not.
func TestStopLetsAFileCome(t *testing.T) {
	t.Parallel()
	b, m, _ := fileChat(t)
	reader, writer := io.Pipe()
	sent := m.sends(b.ctx, "a.txt", reader, 9)
	if _, err := io.WriteString(writer, "half,"); err != nil {
		t.Fatal(err)
	}
	client := b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client)
	b.eventually("it to come", func() bool { return b.rows("file_coming") == 1 })
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		client.coming.Finish(b.ctx, client.session.Current()) // as a stop does first
	}()
	b.eventually("no file to be taken", func() bool {
		return errors.Is(<-m.sends(b.ctx, "b.txt", strings.NewReader("x"), 1), msn.ErrDeclined)
	})
	select {
	case <-finished:
		t.Error("the stop does not wait for the file")
	default:
	}
	if _, err := io.WriteString(writer, "half"); err != nil {
		t.Fatal(err)
	}
	<-finished
	b.ends("the file", sent, nil)
	b.waitMessage(0, "a.txt")
	b.stop()
	b.start()
	b.eventually("the next session", func() bool { return b.signedIn(loginID(alice)) })
	b.isSeen(m)
	b.ends("the next one", m.sends(b.ctx, "next.txt", strings.NewReader("x"), 1), nil)
}

// A small file that is on its way when a stop begins arrives.
func TestStopLetsAFileArrive(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t)
	b.sendsFile(room, event.MsgFile, "a.txt", "", make([]byte, 500_000), false)
	offer := m.offered(b)
	reader, writer := io.Pipe()
	taken := make(chan error, 1)
	go func() { taken <- offer.Offer.Accept(b.ctx, writer, nil) }()
	if _, err := io.ReadFull(reader, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	b.sendsFile(room, event.MsgFile, "b.txt", "", []byte("x"), false)
	waits := m.offered(b)
	client := b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		client.going.Finish(b.ctx, client.session.Current()) // as a stop does first
	}()
	b.takenBack(waits)
	select {
	case <-finished:
		t.Error("the stop does not wait for the file")
	default:
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(reader, 499_000)); n != 499_000 {
		t.Errorf("%d bytes came: %v", n, err)
	}
	if err := <-taken; err != nil {
		t.Errorf("it ends with %v", err)
	}
	<-finished
	if told := b.settled(0); told.status != event.MessageStatusSuccess {
		t.Errorf("told is %+v", told)
	}
}

// A file whose words could not be said any more because a stop had begun goes out, with them, after the next start.
func TestFileWithWordsOutlivesAStop(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t)
	b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client).session.Current().Finish() // as a stop does first
	begun := make(chan struct{})
	b.matrix.mu.Lock()
	b.matrix.loading = sync.OnceFunc(func() { close(begun) })
	b.matrix.mu.Unlock()
	b.sendsFile(room, event.MsgFile, "a.txt", "look", []byte("x"), false)
	<-begun
	b.eventually("it to be put back", func() bool {
		return b.rows("file_queue WHERE owner=''") == 1 || len(b.matrix.all(func(r record) bool { return r.kind == "status" })) > 0
	})
	b.restart()
	offer := m.offered(b)
	b.receive(m.texts, "look")
	if got := b.accept(offer); got != "x" {
		t.Errorf("%q came", got)
	}
	if told := b.settled(0); told.status != event.MessageStatusSuccess {
		t.Errorf("told is %+v", told)
	}
}

// A file that waits for the sign-in goes to somebody of whom the service says a moment after it that they are online.
func TestFileWaitsForWhoIsSeenAfterTheSignIn(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t)
	client := b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client)
	client.Disconnect()
	m.quit()
	b.sendsFile(room, event.MsgFile, "a.txt", "", []byte("x"), false)
	b.eventually("it to be stored", func() bool { return b.rows("file_queue") == 1 })
	client.Connect(b.ctx)
	b.eventually("the sign-in", func() bool { return client.session.Current() != nil })
	m = b.sendsFiles(bob)
	if got := b.accept(m.offered(b)); got != "x" {
		t.Errorf("%q came", got)
	}
}

// Where files cannot go, a link does, if there are any: to people who are offline, and to several.
func TestLinkInThePlaceOfAFile(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	b.matrix.links = true
	login := b.login()
	m := b.sendsFiles(bob)
	b.sees(bob)
	room := b.dm(login, carol)
	bot, texts := b.plays(carol)
	group := b.makeGroup(login, bob, carol)
	from := b.matrix.position()
	b.sendsFile(group, event.MsgImage, "cat.png", "my cat", []byte("12345"), true)
	const link = "cat.png (5 bytes): https://bridge.example.test/example.test/file"
	b.receive(m.texts, "my cat\n"+link+"0")
	if told := b.settled(from); told.status != event.MessageStatusSuccess {
		t.Errorf("told %+v", told)
	}
	<-texts // of the group
	b.away(bot, carol)
	b.sendsFile(room, event.MsgImage, "cat.png", "", []byte("12345"), false)
	b.waitMessage(from, "is offline. The bridge keeps your message")
	_, texts = b.plays(carol)
	b.receive(texts, alice+": "+link+"1")
}

// plays has somebody sign in who takes texts.
func (b *testBridge) plays(account string) (*msntest.Bot, <-chan string) {
	b.Helper()
	texts := make(chan string, 100)
	bot := b.srv.Play(account, msntest.Script{Text: func(_ *msntest.Chat, from, text string) { texts <- from + ": " + text }})
	b.sees(account)
	return bot, texts
}

func (b *testBridge) away(bot *msntest.Bot, account string) {
	b.Helper()
	bot.SignOut()
	b.eventually(account+" to be away", func() bool {
		contact, _ := b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client).session.Current().Contact(account)
		return contact.Status == msn.Offline
	})
}

// Rooms say which files they take.
func TestRoomsSayWhichFilesTheyTake(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		portal string
		links  bool
		level  event.CapabilitySupportLevel
		most   int64
	}{
		{"dm:bob@example.com", false, event.CapLevelFullySupported, 1000},
		{"dm:bob@example.com", true, event.CapLevelFullySupported, 0},
		{"group:x", false, event.CapLevelUnsupported, 0},
		{"group:x", true, event.CapLevelPartialSupport, 0},
		{"alerts", true, event.CapLevelUnsupported, 0},
	} {
		features := featuresOf(networkid.PortalID(test.portal), 1000, test.links)
		image := features.File[event.MsgImage]
		if image.MimeTypes["*/*"] != test.level || image.MaxSize != test.most || features.ID == "" {
			t.Errorf("%+v: %s %+v", test, features.ID, image)
		}
	}
}

// Two users of the bridge send each other files at once: each goes by the service, and comes into the
// other's room.
func TestFilesBetweenTwoUsersOfTheBridge(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	user, err := b.br.GetUserByMXID(b.ctx, fakeCarol)
	if err != nil {
		t.Fatal(err)
	}
	b.acting = user
	other, err := b.tryLogin(bob, pass)
	if err != nil {
		t.Fatal(err)
	}
	b.acting = nil
	b.sees(bob)
	b.eventually("Alice to be seen", func() bool {
		client := other.Client.(*Client).session.Current()
		if client == nil {
			return false
		}
		contact, _ := client.Contact(alice)
		return contact.Status == msn.Online
	})
	ours, theirs := b.dm(login, bob), b.dm(other, alice)
	data := map[string][]byte{"to bob.bin": bytes.Repeat([]byte("b"), 300_000), "to alice.bin": bytes.Repeat([]byte("a"), 300_000)}
	send := func(sender id.UserID, room id.RoomID, name string) {
		url, _ := b.matrix.upload(data[name], false)
		b.writeAs(sender, room, &event.MessageEventContent{MsgType: event.MsgFile, Body: name, URL: url})
	}
	send(fakeUser, ours, "to bob.bin")
	send(fakeCarol, theirs, "to alice.bin")
	for name, room := range map[string]id.RoomID{"to bob.bin": theirs, "to alice.bin": ours} {
		b.matrix.wait(t, 0, name, func(r record) bool {
			return r.kind == "message" && r.room == room && r.body == name && r.url != "" && r.sender != fakeBot
		})
	}
	for _, file := range b.matrix.uploaded() {
		if !bytes.Equal(file.data, data[file.name]) {
			t.Errorf("%s came with %d bytes", file.name, len(file.data))
		}
	}
	for _, room := range []id.RoomID{ours, theirs} {
		b.matrix.wait(t, 0, "that it arrived", func(r record) bool {
			return r.kind == "status" && r.room == room && r.status == event.MessageStatusSuccess
		})
	}
}

// A file that was declined is offered again when the user says so.
func TestFileThatFailedIsSentAgain(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t)
	from := b.matrix.position()
	b.sendsFile(room, event.MsgFile, "a.txt", "look", []byte("x"), false)
	content := &event.MessageEventContent{MsgType: event.MsgFile, Body: "look", FileName: "a.txt"}
	for url := range b.matrix.files {
		content.URL = url
	}
	b.matrix.keep(&event.Event{Type: event.EventMessage, ID: b.latest(), RoomID: room, Sender: fakeUser, Content: event.Content{Parsed: content}})
	m.offered(b).Offer.Decline()
	b.settled(from)
	b.eventually("the queue to be empty", func() bool { return b.rows("file_queue") == 0 })
	from = b.matrix.position()
	b.ask(room, "!retry")
	if got := b.accept(m.offered(b)); got != "x" {
		t.Errorf("it came as %q", got)
	}
	if told := b.settled(from); told.status != event.MessageStatusSuccess {
		t.Errorf("told %+v", told)
	}
}

// The words under a file that is offered can still be changed: the file arrives all the same.
func TestWordsAreChangedWhileTheFileIsOffered(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t)
	url, _ := b.matrix.upload([]byte("x"), false)
	evt := b.sends(fakeUser, room, "m.room.message", map[string]any{"msgtype": "m.file", "body": "lok", "filename": "a.txt", "url": string(url)})
	offer := m.offered(b)
	b.receive(m.texts, "lok")
	b.edit(room, evt, "look")
	b.receive(m.texts, "* look")
	if got := b.accept(offer); got != "x" {
		t.Errorf("it came as %q", got)
	}
	b.matrix.wait(t, 0, "that the file arrived", func(r record) bool {
		return r.kind == "status" && r.answer == evt && r.status == event.MessageStatusSuccess
	})
}

// Files of people who are relayed go out under their names.
func TestRelayedFile(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	login := b.login()
	m := b.sendsFiles(bob)
	b.sees(bob)
	room := b.relayed(login)
	url, _ := b.matrix.upload([]byte("x"), false)
	b.writeAs(fakeCarol, room, &event.MessageEventContent{MsgType: event.MsgImage, Body: "cat.png", URL: url})
	offer := m.offered(b)
	b.receive(m.texts, "Carol sent an image")
	if got := b.accept(offer); got != "x" || offer.Name != "cat.png" {
		t.Errorf("%q came as %q", offer.Name, got)
	}
}

// With versions of the protocol that have no files, the room is told; with links, those go out.
func TestOldServicesCarryNoFiles(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t, msntest.WithDialects(8)))
	login := b.login()
	_, texts := b.friend()
	b.eventually("bob to be seen", func() bool {
		contact, _ := login.Client.(*Client).session.Current().Contact(bob)
		return contact.Status == msn.Online
	})
	room := b.dm(login, bob)
	from := b.matrix.position()
	b.sendsFile(room, event.MsgFile, "a.txt", "", []byte("x"), false)
	if told := b.settled(from); !strings.Contains(told.body, "carries no files, which came with MSNP9") {
		t.Errorf("told %+v", told)
	}
	b.matrix.mu.Lock()
	b.matrix.links = true
	b.matrix.mu.Unlock()
	b.sendsFile(room, event.MsgFile, "a.txt", "", []byte("x"), false)
	b.receive(texts, alice+": a.txt (1 byte): https://bridge.example.test/example.test/file1")
}

// Who logs out is told of what was on its way: nobody could tell them later.
func TestLogoutWhileFilesAreOnTheirWay(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withFiles("0", ""))
	login := b.login()
	m := b.sendsFiles(bob)
	b.sees(bob)
	room := b.dm(login, bob)
	m.sends(b.ctx, "in.txt", strings.NewReader("x"), 1)
	b.told("offers the file “in.txt”")
	b.sendsFile(room, event.MsgFile, "out.txt", "", []byte("x"), false)
	m.offered(b)
	b.waitMessage(0, "in.txt")
	login.Logout(b.ctx)
	b.told("The bridge has signed out of Home while the file “in.txt” was coming. Ask Bob Builder to send it again.")
	b.told("⚠️ Your message was not bridged: the bridge has just signed out of Home. Send it again later.") // nobody has taken it
}

// A file that comes while the connection to the service is lost is told of; the next one comes.
func TestConnectionLostWhileAFileComes(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	m := b.sendsFiles(bob)
	b.sees(bob)
	reader, writer := io.Pipe()
	m.sends(b.ctx, "half.txt", reader, 100_000)
	if _, err := writer.Write(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	b.eventually("it to be noted", func() bool { return b.rows("file_coming") == 1 })
	login.Client.(*Client).session.Current().Close()
	_ = writer.CloseWithError(io.ErrClosedPipe)
	b.eventually("that it is told", func() bool {
		return len(b.matrix.all(func(r record) bool { return r.kind == "message" && strings.Contains(r.body, "“half.txt”") })) == 1
	})
	b.eventually("the table to be empty", func() bool { return b.rows("file_coming") == 0 })
}

// Whoever is blocked while files are on their way both ways is done with at once: the room is told of each, and the next
// ones are told of as before.
func TestBlockInTheMiddleOfFiles(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t, withFiles("1 MB", ""))
	reader, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	m.sends(b.ctx, "half.bin", reader, 100_000)
	if _, err := writer.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	m.sends(b.ctx, "asked.bin", strings.NewReader(""), 2_000_000)
	b.told("offers the file “asked.bin”")
	b.sendsFile(room, event.MsgFile, "out.txt", "", []byte("x"), false)
	m.offered(b)
	b.eventually("all to be noted", func() bool { return b.rows("file_coming") == 2 && b.rows("file_queue") == 1 })
	began := time.Now()
	b.ask(b.management(), "!block "+bob)
	b.told("You have blocked Bob Builder, and the file “half.bin” does not come.")
	b.told("You have blocked Bob Builder, and the file “asked.bin” does not come.")
	b.matrix.wait(t, 0, "what became of the file to Bob", func(r record) bool {
		return r.kind == "status" && r.status != event.MessageStatusSuccess && strings.Contains(r.body, "you have blocked")
	})
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it takes %s", took)
	}
	b.eventually("the tables to be empty", func() bool { return b.rows("file_coming") == 0 && b.rows("file_queue") == 0 })
}

// Who offers files over and over, of which none comes, fills no room: ten are told of, the others as a number.
func TestFilesThatNeverCome(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		accept, told string
		lines        int
	}{"asked for": {"0", "offers the file", 10}, "taken at once": {"1 MB", "the file", 10}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t), withFiles(test.accept, ""))
			login := b.login()
			client := login.Client.(*Client)
			room := b.dm(login, bob)
			told := func() int {
				return len(b.matrix.all(func(r record) bool {
					return r.kind == "message" && r.sender != fakeBot && strings.Contains(r.body, test.told)
				}))
			}
			for i := range 14 {
				client.session.Dispatch(b.ctx, msn.FileOffered{
					Origin: msn.Origin{Conversation: client.session.Current().Conversation(bob), From: bob, Session: "s", Seq: i, At: time.Now()},
					Name:   fmt.Sprintf("%d.bin", i), Bytes: 1000, Offer: new(msn.FileOffer),
				})
				if test.accept == "0" && i < test.lines {
					b.ask(room, "!decline")
				}
				b.eventually("the end of it", func() bool { return b.rows("file_coming") == 0 && b.rows("msn_queue") == 0 })
			}
			b.hears(login, bob, "bye", 1)
			b.waitMessage(0, "bye")
			if n := told(); n != test.lines {
				t.Errorf("%d lines", n)
			}
			b.restart()
			b.told("Bob Builder sent 4 more files that did not come.")
		})
	}
}
