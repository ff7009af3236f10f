package msn

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"matrix-msn/msn/wire"
)

// sipNote is a call as it goes through the server.
func sipNote(message string) string {
	return `<sip e="base64" fid="0" i="4711"><msg>` + base64.StdEncoding.EncodeToString([]byte(message)) + `</msg></sip>`
}

// Calls by voice through the notification connection are told and declined.
func TestComputerCallsAreToldAndDeclined(t *testing.T) {
	const sip = "INVITE sip:alice@example.com SIP/2.0\r\nVia: SIP/2.0/TLS 1.2.3.4\r\nFrom: <sip:bob@example.com>\r\nTo: <sip:alice@example.com>\r\nCall-ID: 7\r\nCSeq: 1 INVITE\r\n\r\n"
	for _, d := range []wire.Dialect{13, 15, 18} {
		client, _, ns := webIn(t, d, nil)
		ubn := func(from, kind, payload string) {
			ns.send(fmt.Sprintf("UBN %s %s %d\r\n%s", from, kind, len(payload), payload))
		}
		told := func(declined bool) {
			t.Helper()
			if e, ok := nextEvent(t, client).(InvitationReceived); !ok || e.Offer != OfferCall || e.From != "bob@example.com" || e.Conversation.Peer() != e.From ||
				e.Session == "" || e.Declined != declined {
				t.Errorf("%v: event %+v", d, e)
			}
		}
		const place = ";{11111111-2222-3333-4444-555555555555}"
		ubn("Bob@example.com"+place, "12", sipNote(sip))
		cmd := ns.read()
		message, _, _ := strings.Cut(strings.TrimPrefix(cmd.Payload, `<sip e="base64" fid="0" i="4711"><msg>`), "<")
		answer, err := base64.StdEncoding.DecodeString(message)
		if cmd.Verb != "UUN" || cmd.Arg(1) != "bob@example.com"+place || cmd.Arg(2) != "12" || err != nil ||
			!strings.HasPrefix(string(answer), "SIP/2.0 603 Decline\r\nVia: SIP/2.0/TLS 1.2.3.4\r\n") {
			t.Errorf("%v: answered by %v %q", d, cmd, answer)
		}
		ns.send("UUN " + cmd.Arg(0) + " OK")
		told(true)
		ubn("bob@example.com", "2", "INVITE 1.2.3.4:5060 x")
		told(false)
		if d >= wire.FirstNetworks {
			payload := sipNote(sip)
			ns.send(fmt.Sprintf("UBM bob@example.com 1 alice@example.com 1 12 %d\r\n%s", len(payload), payload))
			if cmd := ns.read(); cmd.Verb != "UUM" || cmd.Arg(1) != "bob@example.com" || cmd.Arg(2) != "1" || cmd.Arg(3) != "12" {
				t.Errorf("%v: answered by %v", d, cmd)
			}
			told(true)
		}
		// These are none.
		ubn("alice@example.com", "12", sipNote(sip))
		ubn("bob@example.com", "12", sipNote("BYE sip:x SIP/2.0\r\n\r\n"))
		ubn("bob@example.com", "11", "INVITE x")
		ubn("bob@example.com", "1", sipNote(sip))
		ubn("", "12", sipNote(sip))
		ns.barrier()
	}
}
