package msn

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/wire"
)

// The tests of this file are the rows of the list of hostile input that concern
// framing, signing in and chat, each named after its row.

// ended waits for the end of a Client and returns its error.
func ended(t *testing.T, c *Client) error {
	t.Helper()
	for {
		if over, ok := nextEvent(t, c).(Disconnected); ok {
			return over.Err
		}
	}
}

func TestHostileEndlessLine(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	sb := n.ring(ns, "bob@example.com")
	waitFor[ParticipantJoined](t, client)
	for range 1 << 20 / 1024 {
		if _, err := io.WriteString(sb.conn, strings.Repeat("A", 1024)); err != nil {
			break // refused
		}
	}
	ns.barrier() // the account goes on
	for range 1 << 20 / 1024 {
		if _, err := io.WriteString(ns.conn, strings.Repeat("A", 1024)); err != nil {
			break
		}
	}
	if err := ended(t, client); !errors.Is(err, wire.ErrProtocol) {
		t.Errorf("ended with %v", err)
	}
}

func TestHostilePayloadLength(t *testing.T) {
	for _, length := range []string{"-1", "2147483648", "9223372036854775808", "1000000000", "0x10", "1e3", ""} {
		t.Run(length, func(t *testing.T) {
			n := newFakeNet(t)
			client, ns := signedIn(t, n, 9)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = io.WriteString(ns.conn, "MSG Hotmail Hotmail "+length+"\r\n")
			if err := ended(t, client); !errors.Is(err, wire.ErrProtocol) {
				t.Errorf("ended with %v", err)
			}
			runtime.ReadMemStats(&after)
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 10<<20 {
				t.Errorf("%d bytes were taken", taken)
			}
		})
	}
}

func TestHostileInjectedCommands(t *testing.T) {
	evil := []string{"a\r\nOUT", "a\nOUT", "a\rOUT", "a b", "a\x00b", " "}
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	for _, s := range evil {
		if err := client.SetStatus(t.Context(), Status(s)); err == nil {
			t.Errorf("status %q was set", s)
		}
		if err := client.Conversation(s+"@example.com").SendText(t.Context(), "x", ""); !errors.Is(err, ErrNoSuchContact) {
			t.Errorf("writing to %q: %v", s, err)
		}
	}
	sb := n.ring(ns, "bob@example.com")
	waitFor[ParticipantJoined](t, client)
	for i, s := range evil {
		sent := make(chan error, 1)
		go func() { sent <- client.Conversation("bob@example.com").SendText(t.Context(), s, "FN="+s) }()
		cmd := sb.expect(fmt.Sprintf("MSG %d A", i+2))
		m := wire.ParseMessage(cmd.Payload)
		if format := m.Header.Get("X-MMS-IM-Format"); strings.ContainsAny(format, "\r\n\x00") {
			t.Errorf("format %q", format)
		}
		if got := strings.Count(string(m.Header), "\n"); got > 3 {
			t.Errorf("%q made %d header lines", s, got)
		}
		sb.send("ACK " + cmd.Arg(0))
		if err := waitError(t, sent); err != nil {
			t.Error(err)
		}
	}
	ns.barrier() // nothing was sent there
	// The other way: what contacts and servers put into names makes no event of
	// another kind and no second contact.
	ns.send("NLN NLN bob@example.com Evil%0D%0AOUT%20%00 0")
	p := waitFor[PresenceChanged](t, client)
	if p.Contact.Account != "bob@example.com" || p.Contact.Name != "Evil\r\nOUT \x00" {
		t.Errorf("presence %+v", p)
	}
}

func TestHostileAddresses(t *testing.T) {
	for _, address := range []string{
		"127.0.0.1:1863", "127.0.0.1:22", "localhost:1863", "169.254.169.254:80", "10.0.0.1:1863", "192.168.1.1:1864",
		"[::1]:1863", "[fe80::1]:1863", "[::ffff:127.0.0.1]:1863", "0.0.0.0:1863", "100.64.0.1:1863", "2130706433:1863",
		"0x7f.1:1863", "sb.evil.example.net:1864", "evilexample.com:1864", "sb.msn.example.com:22", "sb.msn.example.com:0",
		"sb.msn.example.com:99999", "sb.msn.example.com:-1", ":1864", "", "a b:1864", "sb.msn.example.com:1864:1864",
		"user@sb.msn.example.com:1864", "[64:ff9b::7f00:1]:1863", "[2002:7f00:1::]:1863", "224.0.0.1:1863",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			n := newFakeNet(t)
			client, ns := signedIn(t, n, 9)
			if !strings.Contains(address, " ") {
				ns.send("RNG 1 " + address + " CKI 2 bob@example.com Bob")
			}
			sent := goSend(t, client.Conversation("bob@example.com"), "x")
			ns.expect("XFR 7 SB")
			ns.send("XFR 7 SB " + address + " CKI 3")
			if err := waitError(t, sent); !errors.Is(err, ErrSwitchboard) {
				t.Errorf("error %v", err)
			}
			if got := n.addresses(); len(got) != 1 {
				t.Errorf("connected to %q", got)
			}
		})
	}
}

func TestHostileListOf5000(t *testing.T) {
	n := newFakeNet(t)
	result := goLogin(t, fakeConfig(n, 9))
	ns := n.accept(fakeServer)
	ns.greet(9)
	ns.send("SYN 5 1 5000 0")
	var lines strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&lines, "LST contact%d@example.com Contact%%20%d %d 0\r\nBPR PHH 555-%d\r\n", i, i, 3+8*(i%2), i)
	}
	lines.WriteString("ADD 0 RL 2 eve@example.com Eve\r\n")
	ns.send(lines.String())
	ns.expect("CHG 6 NLN 1073741856")
	ns.send("CHG 6 NLN 1073741856")
	client, err := waitLogin(t, result)
	if err != nil {
		t.Fatal(err)
	}
	defer quit(client, ns)
	if added := waitFor[AddedYou](t, client); added.Contact.Account != "eve@example.com" {
		t.Errorf("added by %+v", added)
	}
	contacts := client.Contacts()
	if len(contacts) != 5001 {
		t.Errorf("%d contacts", len(contacts))
	}
	last, ok := client.Contact("contact4999@example.com")
	if !ok || last.Properties["PHH"] != "555-4999" || last.Lists != ListForward|ListAllow|ListReverse {
		t.Errorf("last contact %+v", last)
	}
}

// Of a list without an end as many are kept as may be, and the rest costs nothing.
func TestHostileListOf100000(t *testing.T) {
	const contacts = 100_000
	n := newFakeNet(t)
	result := goLogin(t, fakeConfig(n, 9))
	ns := n.accept(fakeServer)
	ns.greet(9)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	ns.send(fmt.Sprintf("SYN 5 1 %d 0", contacts))
	for i := 0; i < contacts; i += 1000 {
		var lines strings.Builder
		for j := range 1000 {
			fmt.Fprintf(&lines, "LST contact%d@example.com %s%d %d 0\r\n", i+j, strings.Repeat("%E2%99%A5", 40), i+j, 3+8*(j%2))
		}
		ns.send(lines.String())
	}
	ns.expect("CHG 6 NLN 1073741856")
	ns.send("CHG 6 NLN 1073741856")
	client, err := waitLogin(t, result)
	if err != nil {
		t.Fatal(err)
	}
	defer quit(client, ns)
	if kept := len(client.Contacts()); kept != MaxContacts {
		t.Errorf("%d contacts are kept", kept)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > MaxContacts*2<<10 {
		t.Errorf("they take %d bytes each", grown/MaxContacts)
	}
	// The session goes on, and those who are known can be talked to.
	if _, known := client.Contact("contact0@example.com"); !known {
		t.Error("the first is not among them")
	}
}

// A Client never signs in again by itself, so that two of them cannot throw each
// other out in turn.
func TestHostileLoopOfSignIns(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	ns.send("OUT OTH")
	var out *OutError
	if err := ended(t, client); !errors.As(err, &out) || !out.SignedInElsewhere() {
		t.Errorf("ended with %v", err)
	}
	quit(client, ns)
	if got := n.addresses(); len(got) != 1 {
		t.Errorf("connected to %q", got)
	}
}

func TestHostileOwnMessagesEchoed(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	sb := n.ring(ns, "bob@example.com")
	sb.sendMessage("Alice@Example.com", "Alice", textPayload("my own words"))
	sb.sendMessage("bob@example.com", "Bob", textPayload("his"))
	if text := waitFor[TextReceived](t, client); text.Text != "his" {
		t.Errorf("text %+v", text)
	}
}

func TestHostileFloodOfCalls(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	for i := range 1000 {
		ns.send(fmt.Sprintf("RNG %d %s CKI 1 bob@example.com Bob", i, fakeSB))
	}
	ns.send("RNG 4242 " + fakeSB + " CKI 1 carol@example.com Carol")
	ns.barrier()
	answered := make(map[string]int)
	for range chat.RingBurst + 1 {
		sb := n.accept(fakeSB)
		cmd := sb.read()
		who := "bob"
		if cmd.Arg(3) == "4242" {
			who = "carol"
		}
		answered[who]++
	}
	if answered["carol"] != 1 {
		t.Error("others are not called any more")
	}
	ns.barrier()
	select {
	case <-n.queue(fakeSB):
		t.Error("more calls of one contact are answered than the limit")
	default:
	}
	if client.Err() != nil {
		t.Error(client.Err())
	}
}

func TestHostileFloodOfTypingNotes(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	sb := n.ring(ns, "bob@example.com")
	note := "MIME-Version: 1.0\r\nContent-Type: text/x-msmsgscontrol\r\nTypingUser: bob@example.com\r\n\r\n\r\n"
	for range 1000 {
		sb.sendMessage("bob@example.com", "Bob", note)
	}
	sb.sendMessage("bob@example.com", "Bob", textPayload("end"))
	notes := 0
	for {
		switch nextEvent(t, client).(type) {
		case TypingReceived:
			notes++
			continue
		case TextReceived:
		default:
			continue
		}
		break
	}
	if notes == 0 || notes > 2*chat.TypingBurst+int(patience/time.Second) {
		t.Errorf("%d notes were passed on", notes)
	}
}

func TestHostileImpersonation(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	sb := n.ring(ns, "bob@example.com")
	sb.sendMessage("bob@example.com", "Bob", "Content-Type: text/x-msmsgscontrol\r\nTypingUser: carol@example.com\r\n\r\n\r\n")
	sb.sendMessage("bob@example.com", "carol@example.com", "Content-Type: text/plain\r\nP4-Context: Carol\r\nFrom: carol@example.com\r\n\r\nhi")
	for {
		switch e := nextEvent(t, client).(type) {
		case TypingReceived:
			t.Errorf("typing note of %s", e.From)
		case TextReceived:
			if e.From != "bob@example.com" {
				t.Errorf("text from %s", e.From)
			}
			return
		}
	}
}

func TestHostileTextIsNotUTF8(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	sb := n.ring(ns, "bob@example.com")
	for body, want := range map[string]string{
		"caf\xe9":                "caf\uFFFD",
		"\xff\xfeh\x00i\x00":     "\uFFFDh\uFFFDi\uFFFD",
		"lone \xed\xa0\x80 half": "lone \uFFFD half",
		"a\x00b":                 "a\uFFFDb",
	} {
		sb.sendMessage("bob@example.com", "B\xffb", textPayload(body))
		text := waitFor[TextReceived](t, client)
		if text.Text != want || !utf8.ValidString(text.FromName) {
			t.Errorf("%q came as %q from %q", body, text.Text, text.FromName)
		}
	}
}

func TestHostileCharset(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	sb := n.ring(ns, "bob@example.com")
	for _, header := range []string{
		"text/plain; charset=UTF-8.0", "text/plain; charset=", "text/plain; charset=x; charset=y",
		"TEXT/PLAIN;charset=iso-8859-1", "text/plain;", " text/plain ; charset",
	} {
		sb.sendMessage("bob@example.com", "Bob", "content-type: "+header+"\n\nä€")
		if text := waitFor[TextReceived](t, client); text.Text != "ä€" {
			t.Errorf("%q: text %q", header, text.Text)
		}
	}
}

func TestHostileFormat(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	sb := n.ring(ns, "bob@example.com")
	for name, test := range map[string]struct{ format, want string }{
		"font name of 64 KB":  {"FN=" + strings.Repeat("A", 64<<10), ""},
		"10,000 parameters":   {strings.Repeat("EF=B; ", 10_000), ""},
		"broken escapes":      {"FN=%ZZ%; EF=%", "FN=%ZZ%; EF=%"},
		"not UTF-8":           {"FN=\xff", ""},
		"with a NUL":          {"FN=\x00", ""},
		"longest that is":     {strings.Repeat("x", MaxFormat), strings.Repeat("x", MaxFormat)},
		"longer than longest": {strings.Repeat("x", MaxFormat+1), ""},
	} {
		sb.sendMessage("bob@example.com", "Bob", "Content-Type: text/plain\r\nX-MMS-IM-Format: "+test.format+"\r\n\r\ntext")
		text := waitFor[TextReceived](t, client)
		if text.Text != "text" || text.Format != test.want {
			t.Errorf("%s: text %q, format %.40q", name, text.Text, text.Format)
		}
	}
}

// Events that nobody reads stop the reading, not the account.
func TestHostileFloodOfMessages(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	payload := strings.Repeat("x", 100_000)
	sent := 0
	for {
		_ = ns.conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, err := io.WriteString(ns.conn, fmt.Sprintf("MSG Hotmail Hotmail %d\r\n%s", len(payload), payload))
		if err != nil {
			break
		}
		sent++
		if sent > 10*maxBacklogBytes/len(payload) {
			t.Fatal("there is no end to what is taken")
		}
	}
	for range sent {
		if m := waitFor[ServerMessage](t, client); len(m.Message.Header)+len(m.Message.Body) != len(payload) {
			t.Fatal("a message was cut")
		}
	}
	if client.Err() != nil {
		t.Error(client.Err())
	}
}

const maxBacklogBytes = ns.MaxBacklogBytes
