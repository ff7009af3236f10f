package slp

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
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
		"Content-Type: application/x-msnmsgr-sessionreqbody\r\nContent-Length: " + strconv.Itoa(len(guid)+len(context)+len("EUF-GUID: \r\nSessionID: 1501667658\r\nAppID: 2\r\nContext: \r\n\r\n\x00")) + "\r\n\r\n" +
		"EUF-GUID: " + guid + "\r\nSessionID: 1501667658\r\nAppID: 2\r\nContext: " + context + "\r\n\r\n\x00"
}

func TestInvitationsAreRead(t *testing.T) {
	t.Parallel()
	wide := func(s string) string { return base64.StdEncoding.EncodeToString(utf16le(s)) }
	for name, test := range map[string]struct {
		guid, context string
		kind          Kind
		activity      string
		file          FileInfo
	}{
		"file":            {"{5D3E02AB-6190-11D3-BBBB-00C04F795683}", fileContext("smile ♥.png", 563), File, "", FileInfo{Name: "smile ♥.png", Size: 563}},
		"small letters":   {"{5d3e02ab-6190-11d3-bbbb-00c04f795683}", fileContext("a", 1<<40), File, "", FileInfo{Name: "a", Size: 1 << 40}},
		"without padding": {"{5D3E02AB-6190-11D3-BBBB-00C04F795683}", strings.TrimRight(fileContext("a.txt", 1), "="), File, "", FileInfo{Name: "a.txt", Size: 1}},
		"cut":             {"{5D3E02AB-6190-11D3-BBBB-00C04F795683}", fileContext("readme.txt", 5)[:60], File, "", FileInfo{Name: "readme.txt", Size: 5}},
		"no context":      {"{5D3E02AB-6190-11D3-BBBB-00C04F795683}", "", File, "", FileInfo{}},
		"no base64":       {"{5D3E02AB-6190-11D3-BBBB-00C04F795683}", "*", File, "", FileInfo{}},
		"a path":          {"{5D3E02AB-6190-11D3-BBBB-00C04F795683}", fileContext(`C:\..\evil/../x\ny`+"\r\n.exe", 2), File, "", FileInfo{Name: "ny  .exe", Size: 2}},
		"object":          {"{A4268EEC-FEC5-49E5-95C3-F126696BDBF6}", "PG1zbm9iai8+AA==", ForObject, "", FileInfo{}},
		"wink":            {"{E073B06B-636E-45B7-ACA4-6D4B5978C93C}", "PG1zbm9iai8+AA==", ForObject, "", FileInfo{}},
		"webcam":          {"{4BD96FC0-AB17-4425-A14A-439185962DC8}", wide("{B8BE70DE-E2CA-4400-AE03-88FF85B9F4E8}"), Webcam, "", FileInfo{}},
		"video":           {"{4BD96FC0-AB17-4425-A14A-439185962DC8}", wide("{0425E797-49F1-4D37-909A-031116119D9B}"), VideoCall, "", FileInfo{}},
		"wants webcam":    {"{1C9AA97E-9C05-4583-A3BD-908A196F1E92}", wide("{B8BE70DE-E2CA-4400-AE03-88FF85B9F4E8}"), WantWebcam, "", FileInfo{}},
		"game":            {"{6A13AF9C-5308-4F35-923A-67E8DDA40C2F}", wide("10331009;1;Tic Tac; Toe"), Activity, "Tic Tac; Toe", FileInfo{}},
		"photos":          {"{41D3E74E-04A2-4B37-96F8-08ACDB610874}", "", Photos, "", FileInfo{}},
		"unknown":         {"{00000000-0000-0000-0000-000000000000}", "AAAA", Other, "", FileInfo{}},
	} {
		m, err := ParseMessage(invite(test.guid, test.context))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		o, ok := ParseOffer(m)
		if !ok || o.Kind != test.kind || o.Session != 1501667658 || o.App != 2 || o.Name != test.activity {
			t.Errorf("%s: %+v", name, o)
		}
		if f, ok := ParseFile(o.Context); test.kind == File && (ok != (test.file.Size > 0) || f.Name != test.file.Name || f.Size != test.file.Size) {
			t.Errorf("%s: file %+v", name, f)
		}
	}
}

// Each field of an invitation is missing in turn, or wrong.
func TestMalformedMessages(t *testing.T) {
	t.Parallel()
	whole := invite("{5D3E02AB-6190-11D3-BBBB-00C04F795683}", fileContext("a", 1))
	if _, err := ParseMessage(whole); err != nil {
		t.Fatal(err)
	}
	length := func(change func(int) string) string {
		m, _ := ParseMessage(whole)
		was := m.Header.Get("Content-Length")
		n, _ := strconv.Atoi(was)
		return strings.Replace(whole, "Content-Length: "+was, "Content-Length: "+change(n), 1)
	}
	for name, message := range map[string]string{
		"no branch": strings.Replace(whole, branch, "x", 1), "no call": strings.Replace(whole, callID, "", 1),
		"no Via": drop(whole, "Via"), "no Call-ID": drop(whole, "Call-ID"), "no length": drop(whole, "Content-Length"),
		"a byte more":   length(func(n int) string { return strconv.Itoa(n + 1) }),
		"a byte less":   length(func(n int) string { return strconv.Itoa(n - 1) }),
		"negative":      length(func(n int) string { return strconv.Itoa(-n) }),
		"huge":          length(func(int) string { return "99999999999999999999" }),
		"no body":       whole[:strings.Index(whole, "\r\n\r\n")],
		"header alone":  strings.SplitAfter(whole, "\r\n")[0],
		"empty request": strings.SplitAfter(whole, "\r\n")[0] + "\r\n\x00",
	} {
		if m, err := ParseMessage(message); !errors.Is(err, ErrMalformed) || m.Request != Invite {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	for name, message := range map[string]string{
		"empty": "", "a word": "INVITE", "another protocol": strings.Replace(whole, "MSNSLP/1.0", "SIP/2.0", 1), "NUL": "\x00\x00",
	} {
		if m, err := ParseMessage(message); !errors.Is(err, ErrNotSLP) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	for _, field := range []string{"EUF-GUID", "SessionID", "AppID", "Context"} {
		m, err := ParseMessage(fix(drop(whole, field)))
		if err != nil {
			t.Fatal(err)
		}
		if o, ok := ParseOffer(m); ok != (field != "SessionID") {
			t.Errorf("without %s: %+v", field, o)
		}
	}
	for _, session := range []string{"0", "-1", "4294967296", "x", "1\r2"} {
		m, err := ParseMessage(fix(strings.Replace(whole, "1501667658", session, 1)))
		if o, ok := ParseOffer(m); ok || err != nil {
			t.Errorf("session %q: %+v, %v", session, o, err)
		}
	}
}

// drop takes a field out of a message.
func drop(message, field string) string {
	at := strings.Index(message, "\r\n"+field+":")
	return message[:at] + message[at+strings.Index(message[at+2:], "\r\n")+2:]
}

// fix gives a message the length that it has.
func fix(message string) string {
	m, _ := ParseMessage(message)
	return strings.Replace(message, "Content-Length: "+m.Header.Get("Content-Length"), "Content-Length: "+strconv.Itoa(len(m.Body)+1), 1)
}

// The answer is that of a real client.
func TestDeclineAsRecorded(t *testing.T) {
	t.Parallel()
	asked, err := ParseMessage(invite("{5D3E02AB-6190-11D3-BBBB-00C04F795683}", fileContext("a", 1)))
	if err != nil {
		t.Fatal(err)
	}
	want := "MSNSLP/1.0 603 Decline\r\nTo: <msnmsgr:bob@example.com>\r\nFrom: <msnmsgr:alice@example.com>\r\n" +
		"Via: MSNSLP/1.0/TLP ;branch=" + branch + "\r\nCSeq: 1\r\nCall-ID: " + callID + "\r\nMax-Forwards: 0\r\n" +
		"Content-Type: application/x-msnmsgr-sessionreqbody\r\nContent-Length: 26\r\n\r\nSessionID: 1501667658\r\n\r\n\x00"
	at := Call{"alice@example.com", "bob@example.com", callID}
	got := at.Reply(asked, Decline, SessionRequest, SessionBody(1501667658)).Text()
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
	join := func(at time.Time, packets ...Packet) (got []string) {
		for _, p := range packets {
			if message, ok := j.Join(p, at); ok {
				got = append(got, message)
			}
		}
		return got
	}
	change := func(p Packet, f func(*Packet)) Packet { f(&p); return p }
	if got := join(now, packets...); len(got) != 1 || got[0] != text || j.Waiting(now) != 0 {
		t.Errorf("joined %d", len(got))
	}
	if got := join(now, packets[0], packets[0], packets[1], packets[1], packets[2]); len(got) != 1 || got[0] != text {
		t.Errorf("repeated: %d", len(got))
	}
	for name, wrong := range map[string][]Packet{
		"a gap":           {packets[0], packets[2], packets[1]},
		"not the first":   {packets[1], packets[2]},
		"another total":   {packets[0], change(packets[1], func(p *Packet) { p.Total++ }), packets[2]},
		"another message": {packets[0], change(packets[1], func(p *Packet) { p.ID++ }), packets[2]},
		"control":         {change(packets[0], func(p *Packet) { p.Flags = FlagAck })},
		"too much":        {change(packets[0], func(p *Packet) { p.Total = MaxMessage + 1 })},
		"nothing":         {change(packets[0], func(p *Packet) { p.Data = "" })},
	} {
		if got := join(now, wrong...); len(got) != 0 {
			t.Errorf("%s: joined %d", name, len(got))
		}
	}
	other := Split(strings.Repeat("x", 2000), 7, 2) // one that begins with the number of another that was never whole
	if got := join(now, packets[0], other[0], other[1]); len(got) != 1 || len(got[0]) != 2000 {
		t.Errorf("another one: %d", len(got))
	}
	*j = Joiner{}
	join(now, packets[0])
	if got := join(now.Add(2*joinTimeout), packets[1:]...); len(got) != 0 {
		t.Error("what comes too late ends a message")
	}
	for i := range uint32(20) {
		join(now, change(packets[0], func(p *Packet) { p.ID = i }))
	}
	if j.Waiting(now) != maxAssemblies {
		t.Errorf("%d messages wait", j.Waiting(now))
	}
}

func TestPacketsThatAreNone(t *testing.T) {
	t.Parallel()
	good := Packet{ID: 1, Total: 3, Data: "abc"}.Body()
	for name, body := range map[string]string{
		"empty": "", "short": good[:47], "no data and half a footer": good[:50],
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

// What a packet says of its length is not relied on: a client that is in use says that of the one before.
func TestLengthIsThatOfTheData(t *testing.T) {
	t.Parallel()
	good := []byte(Packet{ID: 1, Total: 3, Data: "abc", Footer: 2}.Body())
	good[24] = 0xb2
	if p, ok := Parse(string(good)); !ok || p.Data != "abc" || p.Footer != 2 || !p.Last() || !p.Behind {
		t.Errorf("%+v", p)
	}
}

// The length of the packet before can be that of the data with its footer, which is none of the data.
func TestLengthOfTheOneBeforeHidesNoFooter(t *testing.T) {
	t.Parallel()
	const total = MaxData + MaxData - footerSize
	last := []byte(Packet{ID: 1, Offset: MaxData, Total: total, Data: strings.Repeat("x", total-MaxData), Footer: 2}.Body())
	binary.LittleEndian.PutUint32(last[24:], MaxData)
	if p, ok := Parse(string(last)); !ok || len(p.Data) != total-MaxData || p.Footer != 2 || !p.Last() {
		t.Errorf("%t, %d bytes, footer %d", ok, len(p.Data), p.Footer)
	}
}

func FuzzPacket(f *testing.F) {
	f.Add(Split(invite("{5D3E02AB-6190-11D3-BBBB-00C04F795683}", fileContext("readme.txt", 5)), 1, 2)[0].Body())
	f.Add(Packet{Flags: FlagAck}.Body())
	f.Add("")
	f.Fuzz(func(t *testing.T, body string) {
		p, ok := Parse(body)
		if !ok {
			return
		}
		p.Behind = false // what is wrong in what was read is not written again
		if again, ok := Parse(p.Body()); !ok || again != p {
			t.Errorf("%+v is read as %+v", p, again)
		}
		j := new(Joiner)
		if message, ok := j.Join(p, now); ok && message != p.Data {
			t.Errorf("joined %q", message)
		}
	})
}

func FuzzPacket2(f *testing.F) {
	f.Add(Packet2{Op: OpSyn | OpRak, Sequence: 0x1000, Peer: PeerInfo, Payload: true, Kind: FirstOfMessage, Data: "abc", Remaining: 7}.Body())
	f.Add(Packet2{HasAck: true, Ack: 5, HasNak: true, Nak: 6}.Body())
	f.Fuzz(func(t *testing.T, body string) {
		p, ok := Parse2(body)
		if !ok {
			return
		}
		again, ok := Parse2(p.Body())
		again.length, p.length = 0, 0 // fields that nobody knows are not kept
		if !ok || again != p {
			t.Errorf("%+v is read as %+v", p, again)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add(invite("{5D3E02AB-6190-11D3-BBBB-00C04F795683}", fileContext("readme.txt", 5)))
	f.Add(invite("{6A13AF9C-5308-4F35-923A-67E8DDA40C2F}", "MTA7MTthAA=="))
	f.Add("MSNSLP/1.0 200 OK\r\nVia: MSNSLP/1.0/TLP ;branch=" + branch + "\r\nCall-ID: " + callID + "\r\nContent-Length: 1\r\n\r\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMessage(text)
		if err != nil {
			return
		}
		again, err := ParseMessage(m.Text())
		if err == nil && (again.Header != m.Header || again.Body != m.Body || again.Request != m.Request || again.Answer != m.Answer) {
			t.Errorf("%+v is read as %+v", m, again)
		}
		at := Call{"alice@example.com", "bob@example.com", m.CallID()}
		answer := at.Reply(m, Decline, SessionRequest, SessionBody(1)).Text()
		if strings.Count(answer, "\r\n") != 12 || strings.Count(answer, "\n") != 12 {
			t.Errorf("answer %q", answer)
		}
		if _, err := ParseMessage(answer); err != nil {
			t.Errorf("the answer is no message: %v", err)
		}
		o, _ := ParseOffer(m)
		if file, ok := ParseFile(o.Context); ok && (strings.ContainsAny(file.Name, "\r\n\x00/\\") || len(file.Name) > 512) {
			t.Errorf("name %q", file.Name)
		}
	})
}

func FuzzFile(f *testing.F) {
	f.Add([]byte("x"), "a.txt", uint64(1))
	f.Fuzz(func(t *testing.T, preview []byte, name string, size uint64) {
		info := FileInfo{Name: FileName(name), Size: size, Preview: preview}
		got, ok := ParseFile(info.Context())
		if !ok || got.Size != size || string(got.Preview) != string(preview) {
			t.Errorf("%+v is read as %+v", info, got)
		}
		if len([]rune(info.Name)) < 100 && got.Name != info.Name {
			t.Errorf("name %q is read as %q", info.Name, got.Name)
		}
		ParseFile(preview)
	})
}

func FuzzObject(f *testing.F) {
	f.Add(`<msnobj Creator="bob@example.com" Type="2" SHA1D="JlJZ2PJOIz8n3dlUYBCXPWSKVC4=" Size="13194" Location="0" Friendly="bABvAGwAAAA="/>`)
	f.Add(NewObject("bob@example.com", ObjectPicture, []byte("x")).String())
	f.Fuzz(func(t *testing.T, text string) {
		o, err := ParseObject(text)
		if err != nil {
			return
		}
		o.Text = ""
		again, err := ParseObject(o.String())
		again.Text = ""
		if err != nil || again != o {
			t.Errorf("%+v is read as %+v, %v", o, again, err)
		}
	})
}

func FuzzEmoticons(f *testing.F) {
	f.Add(EmoticonsBody([]Emoticon{{Shortcut: "(tux)", Object: NewObject("bob@example.com", ObjectEmoticon, []byte("x"))}}))
	f.Fuzz(func(t *testing.T, body string) {
		emoticons := ParseEmoticons(body)
		if len(emoticons) > MaxEmoticons {
			t.Errorf("%d emoticons", len(emoticons))
		}
		again := ParseEmoticons(EmoticonsBody(emoticons))
		if !slices.Equal(again, emoticons) {
			t.Errorf("%+v are read as %+v", emoticons, again)
		}
	})
}
