package bridge

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image"
	"image/color/palette"
	"image/gif"
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"

	"matrix-msn/msn/wire"
)

// drawn is a picture drawn by hand.
func drawn(t *testing.T, width, height int) string {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, image.NewPaletted(image.Rect(0, 0, width, height), palette.Plan9[:4]), nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func ink(mediaType, data string) wire.Message {
	return wire.Message{Header: wire.Header("").With("MIME-Version", "1.0").With("Content-Type", mediaType),
		Body: "base64:" + base64.StdEncoding.EncodeToString([]byte(data))}
}

// coordinates is an array of coordinates in the Ink Serialized Format, as it is without compression.
func coordinates(values ...uint32) string {
	data := []byte{0}
	for _, v := range values {
		data = binary.BigEndian.AppendUint32(data, v)
	}
	return string(data)
}

// Handwriting is a picture in its place among the texts.
func TestHandwritingIsShownAsAPicture(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	bot, _ := b.friend()
	chat := b.callAlice(bot)
	picture := drawn(t, 40, 30)
	send := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	send(chat.Say("look"))
	send(chat.Send(ink("image/gif", picture)))
	send(chat.Say("nice, is it?"))
	_, next := b.waitMessage(0, "look")
	got, next := b.waitMessage(next, "handwriting.gif")
	b.waitMessage(next, "nice, is it?")
	if got.msg != event.MsgImage || got.sender != b.matrix.FormatGhostMXID(login.Client.(*Client).account.GhostID(bob)) {
		t.Errorf("it is shown as %+v", got)
	}
	uploads := func() (all []string) {
		b.matrix.mu.Lock()
		defer b.matrix.mu.Unlock()
		for _, data := range b.matrix.uploads {
			all = append(all, string(data))
		}
		return all
	}
	if all := uploads(); len(all) != 1 || all[0] != picture {
		t.Errorf("%d pictures were brought to the homeserver", len(all))
	}
	// In strokes it is drawn: one of 3 points, 10 by 5 mm.
	strokes := "\x00\x1d\x0a\x1b\x03" + coordinates(0, 500, 1000) + coordinates(0, 500, 0)
	send(chat.Send(ink("application/x-ms-ink", strokes)))
	got, next = b.waitMessage(next, "handwriting.png")
	if got.msg != event.MsgImage {
		t.Errorf("strokes are shown as %+v", got)
	}
	if all := uploads(); len(all) != 2 || !strings.HasPrefix(all[1], "\x89PNG") {
		t.Errorf("%d pictures were brought to the homeserver", len(all))
	}
	// What is no picture that can be shown is a line.
	huge, large := []byte(drawn(t, 40, 30)), drawn(t, 1025, 8)
	binary.LittleEndian.PutUint16(huge[6:], 50000)
	binary.LittleEndian.PutUint16(huge[8:], 50000)
	for i, message := range []wire.Message{
		ink("image/gif", string(huge)), ink("image/gif", large), ink("image/gif", picture[:30]), ink("application/x-ms-ink", "\x00\x62\x1c\x03\x80"),
	} {
		send(chat.Send(message))
		send(chat.Say(fmt.Sprint("behind ", i)))
		from := next
		_, next = b.waitMessage(from, fmt.Sprint("behind ", i))
		line, _ := b.waitMessage(from, "Bob Builder wrote by hand.")
		if line.body != "Bob Builder wrote by hand. It comes without a picture that the bridge can show: ask them to type." || line.msg != event.MsgNotice {
			t.Errorf("it is shown as %+v", line)
		}
	}
	// One that is too large comes in parts.
	text := "base64:" + base64.StdEncoding.EncodeToString([]byte(picture+strings.Repeat("\x00", 70<<10)))
	const part = 1202
	for i := range (len(text) + part - 1) / part {
		header := wire.Header("").With("Message-ID", "{1}").With("Chunk", fmt.Sprint(i))
		if i == 0 {
			header = wire.Header("").With("MIME-Version", "1.0").With("Content-Type", "image/gif").With("Message-ID", "{1}").
				With("Chunks", fmt.Sprint((len(text)+part-1)/part))
		}
		send(chat.Send(wire.Message{Header: header, Body: text[part*i : min(len(text), part*(i+1))]}))
	}
	b.waitMessage(0, "Bob Builder wrote by hand. The picture is too large for the bridge: ask them to type.")
	// And many of them are a number.
	for range 15 {
		send(chat.Send(ink("image/gif", picture)))
	}
	send(chat.Say("done"))
	b.waitMessage(0, "done")
	if all := uploads(); len(all) != 8 { // two of the ten were broken
		t.Errorf("%d pictures were brought to the homeserver", len(all))
	}
	b.restart()
	b.waitMessage(0, "Bob Builder sent 9 more pictures.")
}
