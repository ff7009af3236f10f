package slp

import (
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
)

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

func bytesOf(t *testing.T, s string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The packets of version 2 in protocol/05-p2p.md, section 10.
func TestPacketsOfVersion2(t *testing.T) {
	t.Parallel()
	data := strings.Repeat("x", 100)
	first := bytesOf(t, "18 03 006c 00001000 01 0c 000200 00000e0000 0f010000 0000"+"08 01 0000 00000000") + data + "\x00\x00\x00\x00"
	want := Packet2{Op: OpSyn | OpRak, Sequence: 0x1000, Peer: PeerInfo, Payload: true, Kind: FirstOfMessage, Data: data}
	got, ok := Parse2(first)
	if !ok || got.Next() != 0x106c {
		t.Fatalf("%+v, next %x", got, got.Next())
	}
	got.length = 0
	if got != want || want.Body() != first {
		t.Errorf("%+v, written as %q", got, want.Body())
	}
	answer := Packet2{Op: OpSyn | OpRak, Sequence: 0x2000, Ack: 0x106c, HasAck: true, Peer: PeerInfo}
	recorded := bytesOf(t, "1c 03 0000 00002000 02 04 0000106c 01 0c 000200 00000e0000 0f010000 00000000")
	if body := answer.Body(); body != recorded {
		t.Errorf("answer %x", body)
	}
	pure := Packet2{Sequence: 0x2000, Ack: 0x106c, HasAck: true}
	if body := pure.Body(); body != bytesOf(t, "10 00 0000 00002000 02 04 0000106c 0000 00000000") {
		t.Errorf("acknowledgement %x", body)
	}
	if back, ok := Parse2(recorded); !ok || back != answer {
		t.Errorf("read %+v", back)
	}
	for name, body := range map[string]string{
		"empty": "", "short": recorded[:7], "no header": "\x00" + recorded[1:], "odd header": "\x09" + recorded[1:],
		"header beyond the end": "\xfc" + recorded[1:], "payload beyond the end": first[:50],
		"payload shorter than its header": "\x08\x00\x00\x04\x00\x00\x00\x01\x08\x01\x00\x00",
		"header of the data beyond it":    "\x08\x00\x00\x08\x00\x00\x00\x01\x0c\x01\x00\x00\x00\x00\x00\x00",
	} {
		if p, ok := Parse2(body); ok {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestObjectsThatAreNone(t *testing.T) {
	t.Parallel()
	good := NewObject("bob@example.com", ObjectPicture, []byte("x")).String()
	if _, err := ParseObject(good + "\x00\x00"); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "none": "0", "another element": strings.Replace(good, "msnobj", "object", 1), "not closed": good[:20],
		"no hash": strings.Replace(good, "SHA1D", "X", 1), "short hash": strings.Replace(good, `SHA1D="`, `SHA1D="AAAA" Y="`, 1),
		"no base64": strings.Replace(good, `SHA1D="`, `SHA1D="*`, 1), "no size": strings.Replace(good, "Size", "X", 1),
		"negative size": strings.Replace(good, `Size="`, `Size="-`, 1), "no type": strings.Replace(good, "Type", "X", 1),
		"too long": good[:len(good)-2] + strings.Repeat(" ", maxObject) + "/>",
	} {
		if o, err := ParseObject(text); err == nil {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// How real clients write them besides.
func TestObjectsOfOtherClients(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Object{
		`<msnobj Creator="bob@example.com" Type="2" SHA1D="JlJZ2PJOIz8n3dlUYBCXPWSKVC4=" Size="13194" Location="0" Friendly="bABvAGwAAAA="/>`: {
			Creator: "bob@example.com", Type: ObjectEmoticon, Size: 13194, Location: "0", Friendly: "lol"},
		`<msnobj Creator="a&amp;b@example.com" Size="1" Type="3" Location="x&quot;y" Friendly="AAA=" SHA1D="JlJZ2PJOIz8n3dlUYBCXPWSKVC4=" SHA1C="wrong" contenttype="D"/>`: {
			Creator: "a&b@example.com", Type: ObjectPicture, Size: 1, Location: `x"y`},
	} {
		o, err := ParseObject(text)
		want.Hash, want.Text = o.Hash, text
		if err != nil || o != want || o.String() != text {
			t.Errorf("%+v, %v", o, err)
		}
	}
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.txt": "a.txt", `C:\x\a.txt`: "a.txt", "../../etc/passwd": "passwd", "a\x00b\r\nc": "a b  c", "..": "", ".": "", "": "", "/": "",
		"evil\u202Egpj.exe": "evilgpj.exe", "\u2066a\u2069\u200F.txt": "a.txt", " a ": "a", "\xff\xfe.txt": "\uFFFD\uFFFD.txt",
	} {
		if got := FileName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := FileName(strings.Repeat("x", 4096)); len(got) > 512 {
		t.Errorf("%d bytes", len(got))
	}
	long := FileInfo{Name: strings.Repeat("ü", 400) + ".jpeg", Size: 1}
	if got, ok := ParseFile(long.Context()); !ok || !strings.HasSuffix(got.Name, "ü.jpeg") || len(long.Context()) != 574 {
		t.Errorf("a long name is %q", got.Name)
	}
	emoji := FileInfo{Name: "x" + strings.Repeat("😀", 200), Size: 1}
	if got, ok := ParseFile(emoji.Context()); !ok || strings.Contains(got.Name, "\uFFFD") {
		t.Errorf("half a sign: %q", got.Name)
	}
	if got := (FileInfo{Name: "report.txt", Size: 1234}).Context(); len(got) != 574 ||
		!strings.HasPrefix(string(got), bytesOf(t, "3e020000 02000000 d204000000000000 01000000 7200 6500 7000")) {
		t.Errorf("context %x", got[:32])
	}
}

func TestEmoticonsThatAreNone(t *testing.T) {
	t.Parallel()
	object := NewObject("bob@example.com", ObjectEmoticon, []byte("x")).String()
	picture := NewObject("bob@example.com", ObjectPicture, []byte("x")).String()
	for name, test := range map[string]struct {
		body string
		want int
	}{
		"empty": {"", 0}, "tabs": {"\t\t\t", 0}, "odd": {"(a)\t" + object + "\t(b)", 1}, "with a line end": {"(a)\t" + object + "\t\r\n", 1},
		"no object": {"(a)\tx\t(b)\t" + object, 1}, "a picture": {"(a)\t" + picture, 0}, "no shortcut": {"(x)\t" + object + "\t\t" + object, 1},
		"a long shortcut": {strings.Repeat("x", 65) + "\t" + object, 0}, "seven": {strings.Repeat("(a)\t"+object+"\t", 7), 5},
		"a line end in it": {"a\nb\t" + object, 0}, "encoded": {"(a)\t" + strings.ReplaceAll(strings.ReplaceAll(object, "<", "%3C"), " ", "%20"), 1},
	} {
		if got := ParseEmoticons(test.body); len(got) != test.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
