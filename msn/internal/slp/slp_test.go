package slp

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

var now = time.Date(2009, 2, 14, 0, 0, 0, 0, time.UTC)

const (
	branch = "{402286C5-88A1-7DDB-66D7-A1584019B889}"
	callID = "{A6335136-7BD1-9BDC-41C5-234883B64D81}"
)

// utf16le is a text as Windows writes it, with a NUL.
func utf16le(s string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s + "\x00")) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

// fileContext describes a file.
func fileContext(name string, size uint64) string {
	b := make([]byte, 574)
	binary.LittleEndian.PutUint32(b, 574)
	binary.LittleEndian.PutUint32(b[4:], 2)
	binary.LittleEndian.PutUint64(b[8:], size)
	binary.LittleEndian.PutUint32(b[16:], 1)
	copy(b[20:540], utf16le(name))
	return base64.StdEncoding.EncodeToString(b)
}

func invite(guid, context string) string {
	return "INVITE MSNMSGR:alice@example.com MSNSLP/1.0\r\nTo: <msnmsgr:alice@example.com>\r\nFrom: <msnmsgr:bob@example.com>\r\n" +
		"Via: MSNSLP/1.0/TLP ;branch=" + branch + "\r\nCSeq: 0 \r\nCall-ID: " + callID + "\r\nMax-Forwards: 0\r\n" +
		"Content-Type: application/x-msnmsgr-sessionreqbody\r\nContent-Length: 326\r\n\r\n" +
		"EUF-GUID: " + guid + "\r\nSessionID: 1501667658\r\nAppID: 2\r\nContext: " + context + "\r\n\r\n\x00"
}

func TestInvitationsAreRead(t *testing.T) {
	t.Parallel()
	wide := func(s string) string { return base64.StdEncoding.EncodeToString(utf16le(s)) }
	for name, test := range map[string]struct {
		guid, context string
		kind          Kind
		file          string
		size          uint64
	}{
		"file":            {"{5D3E02AB-6190-11D3-BBBB-00C04F795683}", fileContext("smile ♥.png", 563), File, "smile ♥.png", 563},
		"small letters":   {"{5d3e02ab-6190-11d3-bbbb-00c04f795683}", fileContext("a", 1<<40), File, "a", 1 << 40},
		"without padding": {"{5D3E02AB-6190-11D3-BBBB-00C04F795683}", strings.TrimRight(fileContext("a.txt", 1), "="), File, "a.txt", 1},
		"cut":             {"{5D3E02AB-6190-11D3-BBBB-00C04F795683}", fileContext("readme.txt", 5)[:60], File, "readme.txt", 5},
		"no context":      {"{5D3E02AB-6190-11D3-BBBB-00C04F795683}", "", File, "", 0},
		"no base64":       {"{5D3E02AB-6190-11D3-BBBB-00C04F795683}", "*", File, "", 0},
		"a path":          {"{5D3E02AB-6190-11D3-BBBB-00C04F795683}", fileContext(`C:\..\evil/../x\ny`+"\r\n.exe", 2), File, "ny  .exe", 2},
		"object":          {"{A4268EEC-FEC5-49E5-95C3-F126696BDBF6}", "PG1zbm9iai8+AA==", Object, "", 0},
		"webcam":          {"{4BD96FC0-AB17-4425-A14A-439185962DC8}", wide("{B8BE70DE-E2CA-4400-AE03-88FF85B9F4E8}"), Webcam, "", 0},
		"video":           {"{4BD96FC0-AB17-4425-A14A-439185962DC8}", wide("{0425E797-49F1-4D37-909A-031116119D9B}"), VideoCall, "", 0},
		"wants webcam":    {"{1C9AA97E-9C05-4583-A3BD-908A196F1E92}", wide("{B8BE70DE-E2CA-4400-AE03-88FF85B9F4E8}"), WantWebcam, "", 0},
		"game":            {"{6A13AF9C-5308-4F35-923A-67E8DDA40C2F}", wide("10331009;1;Tic Tac; Toe"), Activity, "Tic Tac; Toe", 0},
		"photos":          {"{41D3E74E-04A2-4B37-96F8-08ACDB610874}", "", Photos, "", 0},
		"unknown":         {"{00000000-0000-0000-0000-000000000000}", "AAAA", Other, "", 0},
	} {
		got, ok := ParseInvite(invite(test.guid, test.context))
		want := Invite{Branch: branch, CallID: callID, Session: "1501667658", Kind: test.kind, Name: test.file, Size: test.size}
		if !ok || got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	whole := invite("{5D3E02AB-6190-11D3-BBBB-00C04F795683}", "")
	for name, message := range map[string]string{
		"empty": "", "a BYE": strings.Replace(whole, "INVITE", "BYE", 1), "an answer": "MSNSLP/1.0 200 OK\r\n" + whole,
		"no branch": strings.Replace(whole, branch, "x", 1), "no call": strings.Replace(whole, callID, "", 1),
		"a line end in the session": strings.Replace(whole, "1501667658", "1\r2", 1), "a long session": strings.Replace(whole, "1501667658", "15016676581", 1),
		"about a connection": strings.Replace(whole, "sessionreqbody", "transreqbody", 1),
	} {
		if got, ok := ParseInvite(message); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// The answer is that of a real client.
func TestDeclineAsRecorded(t *testing.T) {
	t.Parallel()
	i := Invite{Branch: branch, CallID: callID, Session: "1501667658"}
	want := "MSNSLP/1.0 603 Decline\r\nTo: <msnmsgr:bob@example.com>\r\nFrom: <msnmsgr:alice@example.com>\r\n" +
		"Via: MSNSLP/1.0/TLP ;branch=" + branch + "\r\nCSeq: 1\r\nCall-ID: " + callID + "\r\nMax-Forwards: 0\r\n" +
		"Content-Type: application/x-msnmsgr-sessionreqbody\r\nContent-Length: 26\r\n\r\nSessionID: 1501667658\r\n\r\n\x00"
	got := i.Decline("alice@example.com", "bob@example.com")
	if got != want || len(got) != 0x14d {
		t.Errorf("%d bytes %q", len(got), got)
	}
	packets := Split(got, 0x55d63107, 0x320d3bfe)
	recorded := "\x00\x00\x00\x00\x071\xd6U\x00\x00\x00\x00\x00\x00\x00\x00M\x01\x00\x00\x00\x00\x00\x00M\x01\x00\x00\x00\x00\x00\x00\xfe;\r2" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + want + "\x00\x00\x00\x00"
	if len(packets) != 1 || packets[0].Body() != recorded {
		t.Errorf("packets %+v", packets)
	}
}

func TestAcknowledgementAsRecorded(t *testing.T) {
	t.Parallel()
	data := strings.Repeat("x", 0x4aa)
	p, ok := Parse("\x00\x00\x00\x00_k\x99R\x00\x00\x00\x00\x00\x00\x00\x00\xaa\x04\x00\x00\x00\x00\x00\x00\xaa\x04\x00\x00\x00\x00\x00\x00\xe7\xb8\xb9b" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + data + "\x00\x00\x00\x02")
	if !ok || p.Data != data || p.Footer != 2 || p.Control() {
		t.Fatalf("packet %+v", p)
	}
	want := "\x00\x00\x00\x00\x061\xd6U\x00\x00\x00\x00\x00\x00\x00\x00\xaa\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00_k\x99R\xe7\xb8\xb9b" +
		"\xaa\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	ack := p.Ack(0x55d63106)
	if got := ack.Body(); got != want {
		t.Errorf("got %q", got)
	}
	if back, ok := Parse(want); !ok || back != ack || !back.Control() {
		t.Errorf("read back %+v", back)
	}
}

func TestPacketsAreJoined(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 300)
	packets := Split(text, 7, 1)
	if len(packets) != 3 {
		t.Fatalf("%d packets", len(packets))
	}
	j := new(Joiner)
	join := func(from string, at time.Time, packets ...Packet) (got []string) {
		for _, p := range packets {
			if message, ok := j.Join(from, p, at); ok {
				got = append(got, message)
			}
		}
		return got
	}
	change := func(p Packet, f func(*Packet)) Packet { f(&p); return p }
	if got := join("bob", now, packets...); len(got) != 1 || got[0] != text || j.Waiting(now) != 0 {
		t.Errorf("joined %d", len(got))
	}
	if got := join("bob", now, packets[0], packets[0], packets[1], packets[2]); len(got) != 1 {
		t.Errorf("begun again: %d", len(got))
	}
	for name, wrong := range map[string][]Packet{
		"a gap":            {packets[0], packets[2], packets[1]},
		"twice the second": {packets[0], packets[1], packets[1], packets[2]},
		"not the first":    {packets[1], packets[2]},
		"another total":    {packets[0], change(packets[1], func(p *Packet) { p.Total++ }), packets[2]},
		"another message":  {packets[0], change(packets[1], func(p *Packet) { p.ID++ }), packets[2]},
		"control":          {change(packets[0], func(p *Packet) { p.Flags = flagAck })},
		"too much":         {change(packets[0], func(p *Packet) { p.Total = maxData + 1 })},
		"nothing":          {change(packets[0], func(p *Packet) { p.Data = "" })},
	} {
		if got := join("bob", now, wrong...); len(got) != 0 {
			t.Errorf("%s: joined %d", name, len(got))
		}
	}
	*j = Joiner{}
	join("bob", now, packets[0])
	if got := join("carol", now, packets[1:]...); len(got) != 0 {
		t.Error("somebody else ends a message")
	}
	if got := join("bob", now.Add(2*joinTimeout), packets[1:]...); len(got) != 0 {
		t.Error("what comes too late ends a message")
	}
	for i := range uint32(20) {
		join("bob", now, change(packets[0], func(p *Packet) { p.ID = i }))
	}
	if j.Waiting(now) != maxAssemblies {
		t.Errorf("%d messages wait", j.Waiting(now))
	}
}

func TestPacketsThatAreNone(t *testing.T) {
	t.Parallel()
	good := Packet{ID: 1, Total: 3, Data: "abc"}.Body()
	for name, body := range map[string]string{
		"empty": "", "short": good[:47], "less data than it says": good[:50],
		"beyond the end": Packet{ID: 1, Offset: 1, Total: 3, Data: "abc"}.Body(),
		"far beyond":     Packet{ID: 1, Offset: 1<<64 - 1, Total: 3, Data: "abc"}.Body(),
	} {
		if p, ok := Parse(body); ok {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if p, ok := Parse(good[:51]); !ok || p.Data != "abc" {
		t.Errorf("without a footer: %+v", p)
	}
}

func FuzzPacket(f *testing.F) {
	f.Add(Split(invite("{5D3E02AB-6190-11D3-BBBB-00C04F795683}", fileContext("readme.txt", 5)), 1, 2)[0].Body())
	f.Add(Packet{Flags: flagAck}.Body())
	f.Add("")
	f.Fuzz(func(t *testing.T, body string) {
		p, ok := Parse(body)
		if !ok {
			return
		}
		if again, ok := Parse(p.Body()); !ok || again != p {
			t.Errorf("%+v is read as %+v", p, again)
		}
		j := new(Joiner)
		if message, ok := j.Join("bob", p, now); ok && message != p.Data {
			t.Errorf("joined %q", message)
		}
	})
}

func FuzzInvite(f *testing.F) {
	f.Add(invite("{5D3E02AB-6190-11D3-BBBB-00C04F795683}", fileContext("readme.txt", 5)))
	f.Add(invite("{6A13AF9C-5308-4F35-923A-67E8DDA40C2F}", "MTA7MTthAA=="))
	f.Fuzz(func(t *testing.T, message string) {
		i, ok := ParseInvite(message)
		if !ok {
			return
		}
		if strings.ContainsAny(i.Name, "\r\n\x00") || len(i.Name) > 512 {
			t.Errorf("name %q", i.Name)
		}
		answer := i.Decline("alice@example.com", "bob@example.com")
		if strings.Count(answer, "\r\n") != 12 || strings.Count(answer, "\n") != 12 {
			t.Errorf("answer %q", answer)
		}
	})
}
