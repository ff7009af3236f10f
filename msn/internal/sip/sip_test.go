package sip

import (
	"encoding/base64"
	"strings"
	"testing"
)

func call(message string) string {
	return `<sip e="base64" fid="1" i="0 &amp;4711"><msg>` + base64.StdEncoding.EncodeToString([]byte(message)) + `</msg></sip>`
}

func TestCallsAreDeclined(t *testing.T) {
	t.Parallel()
	c, ok := ParseCall(call("INVITE sip:alice@example.com SIP/2.0\r\nv: SIP/2.0/TLS 127.0.0.1\r\nVia: SIP/2.0/TCP other\r\nMax-Forwards: 70\r\n" +
		"f: <sip:bob@example.com>;tag=1\r\nt: <sip:alice@example.com>\r\ni: abc\r\nCSeq: 1 INVITE\r\nm: <sip:bob>\r\n\r\nv=0\r\ni=body\r\n"))
	want := "SIP/2.0 603 Decline\r\nv: SIP/2.0/TLS 127.0.0.1\r\nVia: SIP/2.0/TCP other\r\nf: <sip:bob@example.com>;tag=1\r\nt: <sip:alice@example.com>\r\n" +
		"i: abc\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
	if got := c.Decline(); !ok || c.ID != "0 &4711" || got != strings.Replace(call(want), `fid="1"`, `fid="0"`, 1) {
		t.Errorf("got %q", got)
	}
	for name, payload := range map[string]string{
		"empty": "", "no XML": "INVITE x", "an answer": call("SIP/2.0 200 OK\r\n\r\n"), "a BYE": call("BYE sip:x SIP/2.0\r\n\r\n"),
		"no base64": `<sip e="base64" fid="0" i="1"><msg>*</msg></sip>`, "another coding": `<sip e="hex" fid="0" i="1"><msg>00</msg></sip>`,
		"too long": call("INVITE " + strings.Repeat("x", maxCall)),
	} {
		if got, ok := ParseCall(payload); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func FuzzCall(f *testing.F) {
	f.Add(call("INVITE sip:x SIP/2.0\r\nVia: y\r\n\r\n"))
	f.Fuzz(func(t *testing.T, payload string) {
		if c, ok := ParseCall(payload); ok {
			if _, again := ParseCall(c.Decline()); again {
				t.Errorf("the answer to %q is a call", payload)
			}
		}
	})
}
