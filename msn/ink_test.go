package msn

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

const inkGIF = "GIF89a\x01\x00\x01\x00\x00\x00\x00;"

func inkPayload(mediaType, body string) string {
	return "MIME-Version: 1.0\r\nContent-Type: " + mediaType + "\r\n\r\n" + body
}

func TestHandwritingIsRead(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 12)
	sb := n.ring(ns, "bob@example.com")
	waitFor[ParticipantJoined](t, client)
	encoded := base64.StdEncoding.EncodeToString([]byte(inkGIF))
	const strokes = "\x00\x62\x1c\x03\x80\x80\x04\x1d\x03\xd0"
	for i, test := range []struct{ mediaType, body, picture, strokes string }{
		{"image/gif", "base64:" + encoded, inkGIF, ""},
		{"image/gif", "base64:" + encoded + "\r\n", inkGIF, ""},
		{"image/gif", "base64:" + strings.TrimRight(encoded, "="), inkGIF, ""},
		{"image/gif", encoded, inkGIF, ""},
		{"image/gif", inkGIF, inkGIF, ""},
		{"application/x-ms-ink", "base64:" + encoded, inkGIF, ""}, // the types are exchanged
		{"application/x-ms-ink", "base64:" + base64.StdEncoding.EncodeToString([]byte(strokes)), "", strokes},
		{"application/x-ms-ink", strokes, "", strokes},
		{"image/gif", "base64:AAAA", "", "\x00\x00\x00"},
	} {
		sb.sendMessage("bob@example.com", "Bob", inkPayload(test.mediaType, test.body))
		if e, ok := nextEvent(t, client).(InkReceived); !ok || e.Picture != test.picture || e.Strokes != test.strokes || e.From != "bob@example.com" || e.Seq != i+1 {
			t.Errorf("%s %q is %+v", test.mediaType, test.body, e)
		}
	}
	// In parts.
	long := inkGIF + strings.Repeat("x", 5000)
	text := "base64:" + base64.StdEncoding.EncodeToString([]byte(long))
	parts := (len(text) + 1201) / 1202
	for i := range parts {
		head := fmt.Sprintf("MIME-Version: 1.0\r\nContent-Type: image/gif\r\nMessage-ID: {1}\r\nChunks: %d\r\n\r\n", parts)
		if i > 0 {
			head = fmt.Sprintf("Message-ID: {1}\r\nChunk: %d\r\n\r\n", i)
		}
		sb.sendMessage("bob@example.com", "Bob", head+text[1202*i:min(len(text), 1202*(i+1))])
	}
	if e, ok := nextEvent(t, client).(InkReceived); !ok || e.Picture != long {
		t.Errorf("in parts it is %+v", e)
	}
	// As a packet.
	message := "MIME-Version: 1.0\r\nContent-Type: image/gif\r\n\r\n\x00base64:" + encoded + "\x00"
	var wide []byte
	for _, unit := range utf16.Encode([]rune(message)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	p := slp.Packet{Session: 64, ID: 5, AckID: 6, Total: uint64(len(wide)), Data: string(wide), Footer: 3}
	sb.sendMessage("bob@example.com", "Bob", packetPayload("alice@example.com", p))
	if ack, _ := slp.Parse(wire.ParseMessage(sb.read().Payload).Body); ack.AckID != 5 || ack.Session != 64 {
		t.Errorf("acknowledged by %+v", ack)
	}
	if e, ok := nextEvent(t, client).(InkReceived); !ok || e.Picture != inkGIF {
		t.Errorf("as a packet it is %+v", e)
	}
	// These are none.
	for _, body := range []string{"", "base64:", "base64:*", "\x00\r\n"} {
		sb.sendMessage("bob@example.com", "Bob", inkPayload("image/gif", body))
		if e, ok := nextEvent(t, client).(OtherReceived); !ok {
			t.Errorf("%q is %+v", body, e)
		}
	}
}

// What Messengers tell each other is shown to nobody.
func TestSmallTalkOfMessengersIsNoText(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 12)
	sb := n.ring(ns, "bob@example.com")
	waitFor[ParticipantJoined](t, client)
	for _, mediaType := range []string{"text/x-clientcaps", "text/x-clientinfo", "text/x-keepalive", "text/x-mms-emoticon", "text/x-mms-animemoticon",
		"text/x-msmsgscontrol", "text/x-bobax", "text/html", ""} {
		sb.sendMessage("bob@example.com", "Bob", inkPayload(mediaType, "Client-Name: Purple/2.14.12\r\nChat-Logging: Y\r\n"))
		if e, ok := nextEvent(t, client).(OtherReceived); !ok || e.Message.MediaType() != mediaType {
			t.Errorf("%s is %+v", mediaType, e)
		}
	}
}
