package wire

import (
	"strings"
	"testing"
)

func TestEncodeAndDecodeParameters(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ plain, encoded string }{
		"plain":              {"Bob", "Bob"},
		"empty":              {"", ""},
		"space":              {"My Name", "My%20Name"},
		"percent":            {"100%", "100%25"},
		"plus stays":         {"a+b", "a+b"},
		"control characters": {"a\r\n\x00\x7Fb", "a%0D%0A%00%7Fb"},
		"other scripts":      {"♥ é 日本", "♥%20é%20日本"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Encode(test.plain); got != test.encoded {
				t.Errorf("encoded %q, want %q", got, test.encoded)
			}
			if got := Decode(test.encoded); got != test.plain {
				t.Errorf("decoded %q, want %q", got, test.plain)
			}
		})
	}
}

func TestDecodeIsLenient(t *testing.T) {
	t.Parallel()
	for encoded, want := range map[string]string{
		"%C3%A9":       "é",
		"%c3%a9":       "é",
		"100%":         "100%",
		"%zz%2":        "%zz%2",
		"%25%32%30":    "%20",
		"%FF":          "\uFFFD",
		"\xFF":         "\uFFFD",
		"%E2%99":       "\uFFFD",
		"a%20\xE2\x99": "a \uFFFD",
	} {
		if got := Decode(encoded); got != want {
			t.Errorf("%q: %q, want %q", encoded, got, want)
		}
	}
}

func TestDialectNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Dialect{
		"MSNP2": 2, "MSNP18": 18, "msnp12": 12, "MSNP1": 0, "MSNP19": 0, "MSNP02": 0, "MSNP": 0,
		"CVR0": 0, "MSNP+8": 0, "MSNP8x": 0, "MSNP258": 0, "": 0, "0": 0,
	} {
		got, ok := ParseDialect(name)
		if got != want || ok != (want != 0) {
			t.Errorf("%q: %v %v", name, got, ok)
		}
		if ok && !strings.EqualFold(got.String(), name) {
			t.Errorf("%q is written %q", name, got)
		}
	}
}

func TestTrIDs(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"0": true, "4294967295": true, "4294967296": false, "-1": false, "+1": false, "": false, "x": false,
		"00000000001": false, "1.0": false,
	} {
		if _, ok := ParseTrID(s); ok != want {
			t.Errorf("%q: %v", s, ok)
		}
	}
	if n, ok := New("QRY", "7").TrID(); n != 7 || !ok {
		t.Error("TrID of a command")
	}
	if _, ok := New("PNG").TrID(); ok {
		t.Error("TrID of a command without one")
	}
	if n, ok := New("911", "4").ErrorNumber(); n != 911 || !ok {
		t.Error("error number")
	}
	if _, ok := New("PNG").ErrorNumber(); ok {
		t.Error("error number of a command")
	}
}

func TestParseMessages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		payload, mediaType, text string
	}{
		"as official clients write it": {"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nHello", "text/plain", "Hello"},
		"line feeds alone":             {"MIME-Version: 1.0\nContent-Type: text/plain\n\nHello\n", "text/plain", "Hello\n"},
		"odd case and blanks":          {"content-TYPE :  Text/Plain ;charset=UTF-8.0\r\n\r\nx", "text/plain", "x"},
		"no type":                      {"MIME-Version: 1.0\r\n\r\nx", "", "x"},
		"no empty line":                {"Content-Type: text/plain\r\nnothing", "text/plain", ""},
		"nothing at all":               {"", "", ""},
		"empty header":                 {"\r\nbody", "", "body"},
		"body with empty lines":        {"A: b\r\n\r\n\r\n\r\n", "", "\r\n\r\n"},
		"not UTF-8":                    {"Content-Type: text/plain\r\n\r\na\xE9b\x00c", "text/plain", "a\uFFFDb\uFFFDc"},
		"first of two types":           {"Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n", "a/b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := ParseMessage(test.payload)
			if m.MediaType() != test.mediaType || m.Text() != test.text {
				t.Errorf("type %q, text %q", m.MediaType(), m.Text())
			}
		})
	}
}

func TestCommandsAreLoggedWithoutSecrets(t *testing.T) {
	t.Parallel()
	for want, cmd := range map[string]Command{
		"USR 4 TWN S ***":                     New("USR", "4", "TWN", "S", "t=secret&p="),
		"USR 4 SSO S *** *** ***":             New("USR", "4", "SSO", "S", "secret", "secret", "secret"),
		"USR 4 SHA A ***":                     New("USR", "4", "SHA", "A", "secret"),
		"USR 4 MD5 I a@b":                     New("USR", "4", "MD5", "I", "a@b"),
		"USR 4 OK a@b Name":                   New("USR", "4", "OK", "a@b", "Name"),
		"USR 1 a@b ***":                       New("USR", "1", "a@b", "secret"),
		"ANS 1 a@b *** 17":                    New("ANS", "1", "a@b", "secret", "17"),
		"ANS 1 OK":                            New("ANS", "1", "OK"),
		"XFR 15 SB 10.0.0.7:1864 CKI ***":     New("XFR", "15", "SB", "10.0.0.7:1864", "CKI", "secret"),
		"RNG 17 10.0.0.7:1864 CKI *** a@b A":  New("RNG", "17", "10.0.0.7:1864", "CKI", "secret", "a@b", "A"),
		"MSG 3 N (6 bytes)":                   New("MSG", "3", "N").WithPayload("secret"),
		"NLN NLN a@b \uFFFD[31m\uFFFDx\uFFFD": New("NLN", "NLN", "a@b", "\x1b[31m\u009bx\xff"),
	} {
		if got := cmd.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestArgOutOfRangeIsEmpty(t *testing.T) {
	t.Parallel()
	cmd := New("CHG", "1", "NLN")
	if cmd.Arg(1) != "NLN" || cmd.Arg(2) != "" || cmd.Arg(-1) != "" {
		t.Error("Arg")
	}
}
