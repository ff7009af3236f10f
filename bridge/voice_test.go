package bridge

import (
	"bytes"
	"encoding/binary"
	"image/color"
	"slices"
	"strings"
	"testing"

	"go.mau.fi/util/ffmpeg"
	"maunium.net/go/mautrix/event"

	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

// wav is a recording: of a kind, with so many bytes in a second and in a block.
func wav(kind uint16, rate, block int, data []byte) []byte {
	var format bytes.Buffer
	for _, value := range []any{kind, uint16(1), uint32(16000), uint32(rate), uint16(block)} {
		_ = binary.Write(&format, binary.LittleEndian, value)
	}
	if kind == siren {
		_ = binary.Write(&format, binary.LittleEndian, []uint16{0, 2, 320})
	} else {
		_ = binary.Write(&format, binary.LittleEndian, uint16(16))
	}
	chunk := func(name string, data []byte) []byte {
		return append(binary.LittleEndian.AppendUint32([]byte(name), uint32(len(data))), data...)
	}
	body := append([]byte("WAVE"), chunk("fmt ", format.Bytes())...)
	if kind == siren {
		body = append(body, chunk("fact", binary.LittleEndian.AppendUint32(nil, uint32(len(data)/block*320)))...)
	}
	return chunk("RIFF", append(body, chunk("data", data)...))
}

const (
	pcm   = 1
	siren = 0x28E
)

// casts has a contact send something besides texts, in a conversation that is there.
func (b *testBridge) casts(kind string, o msn.Object) {
	b.Helper()
	payload := datacast("ID: " + kind + "\r\nData: " + o.String() + "\r\n\r\n").Payload()
	if b.srv.PushChat(alice, wire.New("MSG", bob, "Bob").WithPayload(payload)) == 0 {
		b.Fatal("there is no conversation")
	}
}

// offersObject has a contact begin a conversation and offer something.
func (b *testBridge) offersObject(m *messenger, kind msn.ObjectType, data []byte) msn.Object {
	b.Helper()
	m.says(b.T, alice, "hi")
	b.waitMessage(0, "hi")
	o, err := m.OfferObject(kind, data)
	if err != nil {
		b.Fatal(err)
	}
	return o
}

// A voice clip is a voice message where ffmpeg is installed, else the recording that it is.
func TestVoiceClipComesIntoTheRoom(t *testing.T) {
	for _, test := range []struct {
		name string
		data []byte
	}{
		{"siren", wav(siren, 2000, 40, make([]byte, 4000))},
		{"pcm", wav(pcm, 32000, 2, make([]byte, 64000))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			b.login()
			friend := b.messenger(bob)
			b.casts("3", b.offersObject(friend, msn.ObjectVoice, test.data))
			got, _ := b.matrix.wait(b.T, 0, "the recording", func(r record) bool { return r.kind == "message" && r.msg == event.MsgAudio })
			stored := b.matrix.uploaded()
			if len(stored) != 1 {
				t.Fatalf("%d files", len(stored))
			}
			if !ffmpeg.Supported() {
				t.Log("ffmpeg is not installed: the recording stays as it is")
				if !bytes.Equal(stored[0].data, test.data) || got.body != "voice clip.wav" || got.voice {
					t.Errorf("shown is %+v", got)
				}
				return
			}
			if !bytes.HasPrefix(stored[0].data, []byte("OggS")) || !got.voice || got.body != "voice clip.ogg" || got.info.MimeType != "audio/ogg" || got.info.Size != len(stored[0].data) {
				t.Errorf("shown is %+v, %.4q", got, stored[0].data)
			}
			if got.info.Duration < 1900 || got.info.Duration > 2100 {
				t.Errorf("it lasts %d ms", got.info.Duration)
			}
		})
	}
}

// A voice clip that ffmpeg cannot read is the file that it is; one that does not come, or is too large, is told of.
func TestVoiceClipThatIsNone(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	friend := b.messenger(bob)
	o := b.offersObject(friend, msn.ObjectVoice, []byte("#!EXTM3U\nfile:///etc/passwd"))
	b.casts("3", o)
	b.matrix.wait(b.T, 0, "the file", func(r record) bool {
		return r.kind == "message" && r.msg == event.MsgFile && r.body == "voice clip.wav"
	})
	if stored := b.matrix.uploaded(); !bytes.HasPrefix(stored[0].data, []byte("#!EXTM3U")) {
		t.Errorf("stored is %q", stored[0].data)
	}
	o.Hash[0]++
	b.casts("3", o)
	b.told("The file “voice clip.wav” did not come: the Messenger of Bob Builder announces it, and does not give it. Ask them to send it again, or for it in another way.")
	o.Size = 2 << 20
	b.casts("3", o)
	b.matrix.wait(b.T, 0, "that it is too large", func(r record) bool {
		return r.kind == "message" && r.msg == event.MsgNotice && strings.Contains(r.body, "1.0 MB")
	})
}

// Whoever announces one recording after the other, of which none comes, does not fill the room.
func TestFloodOfVoiceClips(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	friend := b.messenger(bob)
	o := b.offersObject(friend, msn.ObjectVoice, wav(pcm, 32000, 2, make([]byte, 64000)))
	told := func() int {
		return len(b.matrix.all(func(r record) bool { return r.kind == "message" && strings.Contains(r.body, "voice clip.wav") }))
	}
	for i := range 25 {
		o.Hash[0]++
		b.casts("3", o)
		if i < 20 {
			b.eventually("why it does not come", func() bool { return told() == i+1 })
		}
	}
	friend.says(t, alice, "bye")
	b.waitMessage(0, "bye")
	if got := told(); got != 20 {
		t.Errorf("%d lines", got)
	}
	b.restart()
	b.waitMessage(0, "Bob Builder sent 5 more voice clips.")
}

// A voice message of Matrix goes out as a recording that Windows plays, where ffmpeg is installed.
func TestVoiceMessageGoesToMSN(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t)
	for _, test := range []struct {
		data    []byte
		convert bool
	}{{wav(pcm, 32000, 2, make([]byte, 64000)), true}, {[]byte("no recording"), false}} {
		content := &event.MessageEventContent{
			MsgType: event.MsgAudio, Body: "Voice message.ogg", MSC3245Voice: &event.MSC3245Voice{}, Info: &event.FileInfo{MimeType: "audio/ogg", Size: len(test.data)},
		}
		content.URL, _ = b.matrix.upload(test.data, false)
		b.writeContent(room, content)
		offer := m.offered(b)
		got := b.accept(offer)
		if !test.convert || !ffmpeg.Supported() {
			t.Logf("as it is; ffmpeg is installed: %t", ffmpeg.Supported())
			if got != string(test.data) || offer.Name != "Voice message.ogg" {
				t.Errorf("%d bytes came as %q", len(got), offer.Name)
			}
			continue
		}
		if !strings.HasPrefix(got, "RIFF") || offer.Name != "Voice message.wav" || offer.Bytes != uint64(len(got)) {
			t.Errorf("%.4q of %d bytes came as %q", got, offer.Bytes, offer.Name)
		}
	}
}

// A wink is named, and its still picture is shown.
func TestWinkComesIntoTheRoom(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	friend := b.messenger(bob)
	still := painted(t, 80, 60, color.White)
	o := b.offersObject(friend, msn.ObjectWink, cabinetOf("m.png", still))
	o.Friendly = "Break *Dancer*"
	b.casts("2", o)
	line, at := b.matrix.wait(b.T, 0, "the line", func(r record) bool { return r.kind == "message" && r.msg == event.MsgNotice })
	if want := "Bob Builder sent the wink “Break *Dancer*”, an animation."; line.body != want {
		t.Errorf("the line is %q, want %q", line.body, want)
	}
	shown, _ := b.matrix.wait(b.T, at, "the picture", func(r record) bool { return r.kind == "message" && r.msg == event.MsgImage })
	b.matrix.mu.Lock()
	if len(b.matrix.uploads) != 1 || !bytes.Equal(b.matrix.uploads[0], still) || shown.url != uploaded(1) || shown.info.Width != 80 || shown.room != line.room {
		t.Errorf("shown is %+v", shown)
	}
	b.matrix.mu.Unlock()
	// One that holds no picture is named.
	for _, data := range [][]byte{cabinetOf("f.swf", still), []byte("hello"), cabinetOf("m.png", []byte("<svg/>"))} {
		from := b.matrix.position()
		o, err := friend.OfferObject(msn.ObjectWink, data)
		if err != nil {
			t.Fatal(err)
		}
		b.casts("2", o)
		b.matrix.wait(b.T, from, "the line", func(r record) bool {
			return r.kind == "message" && strings.HasSuffix(r.body, "sent a wink, an animation.")
		})
	}
	friend.says(t, alice, "bye")
	b.waitMessage(0, "bye")
	if n := len(b.matrix.all(func(r record) bool { return r.msg == event.MsgImage })); n != 1 {
		t.Errorf("%d pictures", n)
	}
}

// cabinetOf is a cabinet with one file that is not compressed.
func cabinetOf(name string, data []byte) []byte {
	number := func(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }
	short := func(n int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(n)) }
	list := slices.Concat(number(len(data)), number(0), make([]byte, 8), []byte(name+"\x00"))
	return slices.Concat([]byte("MSCF"), make([]byte, 12), number(44), make([]byte, 6), short(1), short(1), short(0), make([]byte, 4),
		number(44+len(list)), short(1), short(0), list, make([]byte, 4), short(len(data)), short(len(data)), data)
}

// A room that is made for a file or a picture is as one that is made for a text: it says whom the user does not know.
func TestRoomMadeForAFileSaysWhoIsAStranger(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	client := b.login().Client.(*Client)
	m := &database.QueuedMessage{LoginID: client.account.Login.ID, MessageID: "file", PortalID: client.account.PortalKey(carol).ID, Sender: carol, Kind: database.FileQueued}
	for range 2 {
		room, err := client.inbox.Room(b.ctx, m)
		if err != nil || room == "" {
			t.Fatalf("the room is %q, %v", room, err)
		}
	}
	if told := b.matrix.all(func(r record) bool {
		return r.kind == "message" && strings.HasPrefix(r.body, carol+" is not on your contact list.")
	}); len(told) != 1 {
		t.Errorf("told %+v", told)
	}
}
