package msn

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/slp"
)

// fromHex are the bytes of a hexadecimal dump.
func fromHex(t *testing.T, dump string) string {
	data, err := hex.DecodeString(strings.ReplaceAll(dump, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A message that is no text is never told as one. What this client has no use for is put aside: it
// is told as other, or not at all.
func TestWhatIsNoTextIsNotToldAsOne(t *testing.T) {
	const (
		invite = "INVITE MSNMSGR:alice@example.com MSNSLP/1.0\r\n"
		dest   = "P2P-Dest: alice@example.com"
	)
	second := fromHex(t, "18 03 006c 00001000 01 0c 000200 00000e0000 0f010000 0000 08 01 0000 00000000") + // its header, version 2
		fmt.Sprintf("%-100s", invite) + "\x00\x00\x00\x00"
	long := fromHex(t, "18 03 0208 00001000 01 0c 000200 00000e0000 0f010000 0000 08 01 0000 00000000") +
		fmt.Sprintf("%-512s", invite) + "\x00\x00\x00\x00"
	acknowledgement := fromHex(t, "1c 03 0000 00002000 02 04 0000106c 01 0c 000200 00000e0000 0f010000 00000000")
	data := fromHex(t, "08 00 04b2 00003000 14 05 0001 12345678 01 08 0000000000001000 00000000") + strings.Repeat("x", 1182) + "\x00\x00\x00\x0c"
	const other, nothing, text = "other", "nothing", "text"
	for name, test := range map[string]struct {
		kind, header, body string
		want               string
	}{
		"client capabilities":            {"text/x-clientcaps", "", "Client-Name: Purple/2.14.12\r\nChat-Logging: Y\r\n", other},
		"client information":             {"text/x-clientinfo", "", "Client-Name: X/1.0\r\n", other},
		"keep-alive":                     {"text/x-keepalive", "", "", other},
		"pictures for words":             {"text/x-mms-emoticon", "", "(tux)\t<msnobj Type=\"2\"/>\t", other},
		"moving pictures for words":      {"text/x-mms-animemoticon", "", "(tux)\t<msnobj Type=\"2\"/>\t", other},
		"a datacast of no known kind":    {"text/x-msnmsgr-datacast", "", "ID: 77\r\nData: x\r\n\r\n", other},
		"a voice clip in the making":     {"text/x-msmsgscontrol", "RecordingUser: bob@example.com", "\r\n", other},
		"control of no known kind":       {"text/x-msmsgscontrol", "", "hello", other},
		"an invitation without a cookie": {"text/x-msmsgsinvite", "", "Invitation-Command: INVITE\r\n\r\n", nothing},
		"an invitation's answer":         {"text/x-msmsgsinvite", "", "Invitation-Command: ACCEPT\r\nInvitation-Cookie: 1\r\n\r\n", nothing},
		"a profile":                      {"text/x-msmsgsprofile", "", "LoginTime: 1\r\n", other},
		"HTML":                           {"text/html", "", "<b>hello</b>", other},
		"rich text":                      {"text/rtf", "", `{\rtf1 hello}`, other},
		"several in one":                 {"multipart/alternative; boundary=x", "", "--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x--", other},
		"text of no known kind":          {"text/x-hello", "", "hello", other},
		"no kind of anything":            {"nonsense", "", "hello", other},
		"no type":                        {"", "", "hello", other},
		"bytes":                          {"application/octet-stream", "", "\x00\xff\xfe", other},
		"an empty packet":                {slp.MediaType, dest, "", other},
		"half a packet":                  {slp.MediaType, dest, strings.Repeat("\x00", 47), other},
		"a packet longer than it is":     {slp.MediaType, dest, slp.Packet{Total: 9, Data: invite[:9]}.Body()[:50], other},
		"a packet for somebody else":     {slp.MediaType, "P2P-Dest: carol@example.com", slp.Packet{Total: 9, Data: invite[:9]}.Body(), nothing},
		"a packet for nobody":            {slp.MediaType, "", slp.Packet{Total: 9, Data: invite[:9]}.Body(), nothing},
		"a packet, version 2":            {slp.MediaType, dest, second, other},
		"a long packet, version 2":       {slp.MediaType, dest, long, other},
		"an acknowledgement, version 2":  {slp.MediaType, dest, acknowledgement, other},
		"data, version 2":                {slp.MediaType, dest, data, other},
		"the first part of a text":       {"text/plain", "Message-ID: {1}\r\nChunks: 2", "hello", nothing},
		"a part without its first":       {"", "Message-ID: {2}\r\nChunk: 1", "hello", nothing},
		"a part that says it is a text":  {"text/plain", "Message-ID: {2}\r\nChunk: 1", "hello", nothing},
		"more parts than there are":      {"text/plain", "Message-ID: {3}\r\nChunks: 1000000000", "hello", nothing},
		// These are texts.
		"another name":                {"text/plain", "P4-Context: Carol", "hello", text},
		"another name, and a style":   {"text/plain; charset=UTF-8", "X-MMS-IM-Format: FN=Arial; EF=; CO=0\r\nP4-Context: <b>Carol</b>", "hello", text},
		"capital letters":             {"TEXT/PLAIN", "", "hello", text},
		"another character set":       {"text/plain; charset=iso-8859-1", "", "hello", text},
		"one part":                    {"text/plain", "Message-ID: {4}\r\nChunks: 1", "hello", text},
		"a number of parts that's no": {"text/plain", "Message-ID: {5}\r\nChunks: many", "hello", text},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newFakeNet(t)
				client, ns := signedIn(t, n, 12, longPing)
				sb := n.ring(ns, "bob@example.com")
				waitFor[ParticipantJoined](t, client)
				payload := "MIME-Version: 1.0\r\n"
				if test.kind != "" {
					payload += "Content-Type: " + test.kind + "\r\n"
				}
				if test.header != "" {
					payload += test.header + "\r\n"
				}
				sb.sendMessage("bob@example.com", "Bob", payload+"\r\n"+test.body)
				sb.sendMessage("bob@example.com", "Bob", textPayload("afterwards"))
				got := nothing
				switch e := nextEvent(t, client).(type) {
				case OtherReceived:
					got = other
				case TextReceived:
					if e.Text == "afterwards" {
						break
					}
					got = text
					if e.Text != "hello" || e.FromName != "Bob" || e.From != "bob@example.com" {
						t.Errorf("told was %+v", e)
					}
				default:
					t.Errorf("told was %T", e)
				}
				if got != test.want {
					t.Errorf("told was %s, want %s", got, test.want)
				}
				if got != nothing {
					if e, ok := nextEvent(t, client).(TextReceived); !ok || e.Text != "afterwards" {
						t.Errorf("told next was %+v", e)
					}
				}
				// Nothing was answered: the next that is sent is a text.
				sent := goSend(t, client.Conversation("bob@example.com"), "answer")
				sb.expect("MSG 2 A")
				sb.send("ACK 2")
				if err := waitError(t, sent); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Two messages in parts, in two conversations at once and with the same ID, are not mixed.
func TestPartsOfTwoConversationsAreNotMixed(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 12)
	boards := []*fakeConn{n.ring(ns, "bob@example.com"), n.ring(ns, "bob@example.com")}
	waitFor[ParticipantJoined](t, client)
	waitFor[ParticipantJoined](t, client)
	for part := range 3 {
		for i, sb := range boards {
			head := "MIME-Version: 1.0\r\nContent-Type: text/plain\r\nMessage-ID: {1}\r\nChunks: 3\r\n\r\n"
			if part > 0 {
				head = fmt.Sprintf("Message-ID: {1}\r\nChunk: %d\r\n\r\n", part)
			}
			sb.sendMessage("bob@example.com", "Bob", head+fmt.Sprintf("%d %d ", i, part))
		}
	}
	got := make(map[string]bool)
	for range boards {
		got[waitFor[TextReceived](t, client).Text] = true
	}
	if !got["0 0 0 1 0 2 "] || !got["1 0 1 1 1 2 "] {
		t.Errorf("told was %v", got)
	}
}

// Half a text whose other half does not come keeps its session for a minute, and no longer: the
// contact's next session takes its place.
func TestHalfATextKeepsNoSessionForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 12, longPing)
		var halves []*fakeConn
		for range chat.MaxSessionsPerContact {
			sb := n.callIn(ns, "bob@example.com")
			sb.sendMessage("bob@example.com", "Bob", "MIME-Version: 1.0\r\nContent-Type: text/plain\r\nMessage-ID: {1}\r\nChunks: 2\r\n\r\nhalf")
			halves = append(halves, sb)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		n.callIn(ns, "bob@example.com")
		halves[0].expectEnd()
		go func() {
			for range client.Events() {
			}
		}()
	})
}
