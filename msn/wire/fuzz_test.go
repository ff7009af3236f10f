package wire

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzReader reads anything at all: no panic, no limit exceeded, no error that
// the documentation does not name, and what Append accepts of it reads back as it
// was.
func FuzzReader(f *testing.F) {
	for _, text := range []string{
		"VER 1 MSNP12 MSNP11 CVR0\r\n",
		"MSG alice@example.com Alice 5\r\nhelloQNG\r\n",
		"PRP 10 PHH \r\nADL 5 OK\r\nADL 0 5\r\n<ml/>",
		"241 4 3\r\nxyz911 4\r\n",
		"XYZ 1 24\r\nABC 1\r\nfoo bar\r\nNLN NLN a@b A\r\n",
		"GCF 6 Shields.xml 2\r\nxyUUX 8\r\nUUX 8 0\r\nQRY 5 id 2\r\nxy",
		"MSG a@b A -1\r\n", "NOT 99999999999999999999\r\n", "\n\n\r\n \r\nPNG\n",
	} {
		f.Add([]byte(text), true, byte(8))
		f.Add([]byte(text), false, byte(15))
	}
	f.Fuzz(func(t *testing.T, data []byte, server bool, dialect byte) {
		from := FromClient
		if server {
			from = FromServer
		}
		r := NewReader(strings.NewReader(string(data)), from)
		r.SetDialect(Dialect(dialect))
		for {
			cmd, err := r.Read()
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, ErrProtocol) {
					t.Fatalf("error %v", err)
				}
				return
			}
			checkLimits(t, cmd)
			_ = cmd.String()
			encoded, err := Append(nil, cmd)
			if err != nil {
				continue // a bare CR or NUL in a parameter, or a length where there is none
			}
			again := NewReader(strings.NewReader(string(encoded)), from)
			again.SetDialect(Dialect(dialect))
			if back, err := again.Read(); err != nil || !equal(back, cmd) {
				t.Fatalf("%#v is encoded %q and read as %#v, %v", cmd, encoded, back, err)
			}
			if more, err := again.Read(); !errors.Is(err, io.EOF) {
				t.Fatalf("%q holds more: %v, %v", encoded, more, err)
			}
		}
	})
}

func checkLimits(t *testing.T, cmd Command) {
	t.Helper()
	if !isVerb(cmd.Verb) || len(cmd.Args) > MaxParams || len(cmd.Payload) > MaxPayload {
		t.Fatalf("beyond the limits: %v", cmd)
	}
	length := len(cmd.Verb)
	for _, arg := range cmd.Args {
		if length += 1 + len(arg); strings.ContainsAny(arg, " \n") {
			t.Fatalf("parameter %q", arg)
		}
	}
	if length > MaxLine || cmd.Payload != "" && !cmd.HasPayload {
		t.Fatalf("line of %d bytes, payload %v", length, cmd.HasPayload)
	}
}

func equal(a, b Command) bool {
	return a.Verb == b.Verb && slices.Equal(a.Args, b.Args) && a.Payload == b.Payload && a.HasPayload == b.HasPayload
}

// FuzzAppend encodes commands out of anything at all, as an attacker would who
// chooses a name, a group or a message: whatever is accepted is one command for
// the side that has it, and for neither side two.
func FuzzAppend(f *testing.F) {
	f.Add("REA", "5", "a@b", "Bob\r\nOUT", "", false)
	f.Add("MSG", "5", "N", "", "hello\r\n", true)
	f.Add("MSG", "5", "N", "3", "", false)
	f.Add("CHG", "5", "NLN", "0", "OUT\r\n", true)
	f.Add("QRY", "5", "id", "x", "32", true)
	f.Add("911", "5", "", "", "", false)
	f.Add("PRP", "10", "PHH", "", "", false)
	f.Add("FOO", "1", "\x00", " ", "", false)
	f.Fuzz(func(t *testing.T, verb, arg1, arg2, arg3, payload string, hasPayload bool) {
		cmd := Command{Verb: verb, Args: []string{arg1, arg2, arg3}, Payload: payload, HasPayload: hasPayload}
		encoded, err := Append(nil, cmd)
		if err != nil {
			if len(encoded) != 0 {
				t.Fatalf("refused, but %q", encoded)
			}
			return
		}
		if line, _, _ := strings.Cut(string(encoded), "\r\n"); strings.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("line %q", line)
		}
		understood := false
		for _, from := range []Direction{FromClient, FromServer} {
			r := NewReader(strings.NewReader(string(encoded)), from)
			r.SetDialect(MaxDialect)
			back, err := r.Read()
			if err == nil && equal(back, cmd) {
				if _, err = r.Read(); !errors.Is(err, io.EOF) {
					t.Fatalf("%q holds more", encoded)
				}
				understood = true
			}
		}
		if !understood {
			t.Fatalf("nobody reads %q as %#v", encoded, cmd)
		}
	})
}

// FuzzParams encodes and decodes parameters: valid UTF-8 comes back as it was,
// no line end or space gets out, and decoding anything gives valid UTF-8.
func FuzzParams(f *testing.F) {
	for _, s := range []string{"", "Bob Builder", "100%", "%41", "a\r\nb\x00", "♥", "\xff\xfe", "%E2%99%A5", "%", "%f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		encoded := Encode(s)
		if !isParam(encoded) || strings.ContainsAny(encoded, " \t\r\n\x00\x7f") {
			t.Fatalf("%q is encoded %q", s, encoded)
		}
		if decoded := Decode(encoded); decoded != strings.ToValidUTF8(s, "\uFFFD") {
			t.Fatalf("%q came back as %q", s, decoded)
		}
		if decoded := Decode(s); !utf8.ValidString(decoded) {
			t.Fatalf("%q is decoded %q", s, decoded)
		}
	})
}

// FuzzMessage reads anything at all as the payload of MSG: header and body are
// all of it, text is valid UTF-8, and a message that is built reads back as it
// was.
func FuzzMessage(f *testing.F) {
	f.Add("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nHello", "P4-Context", "x\r\ny")
	f.Add("Content-Type: text/plain\n\nHello", "a", "")
	f.Add("\r\n", "", ":")
	f.Add("no empty line", "Name", "v")
	f.Add("\n\n\n", "TypingUser", "a@b")
	f.Fuzz(func(t *testing.T, payload, name, value string) {
		m := ParseMessage(payload)
		if rest := payload[len(m.Header):]; m.Body != rest && "\n"+m.Body != rest && "\r\n"+m.Body != rest {
			t.Fatalf("header %q and body %q are not all of %q", m.Header, m.Body, payload)
		}
		if text := m.Text(); !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			t.Fatalf("text %q", text)
		}
		if mt := m.MediaType(); strings.ContainsAny(mt, ";\n") || mt != strings.TrimSpace(mt) {
			t.Fatalf("media type %q", mt)
		}
		built := Message{Header: Header("").With("First", "1").With(name, value).With("Last", "2"), Body: payload}
		back := ParseMessage(built.Payload())
		if back.Body != payload || back.Header != built.Header {
			t.Fatalf("%q came back as %#v", built.Payload(), back)
		}
		if strings.Count(string(back.Header), "\n") != 3 {
			t.Fatalf("header %q", back.Header)
		}
	})
}
