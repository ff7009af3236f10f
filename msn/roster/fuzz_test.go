package roster

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/wire"
)

// Whatever a server says, in any order and any dialect, what is kept stays within the
// limits and is text, and events say their size.
func FuzzBook(f *testing.F) {
	withPayload := func(line, payload string) string { return fmt.Sprintf("%s %d\r\n%s", line, len(payload), payload) }
	const member = `<ml><d n="example.com"><c n="bob" l="8" t="1"/></d></ml>`
	for _, seed := range []string{
		"SYN 5 255\r\nLST 5 FL 255 1 2 bob@example.com Bob 0,3\r\nLST 5 RL 255 0 0",
		"SYN 5 255 2 1\r\nLSG 0 Other%20Contacts 0\r\nLST bob@example.com Bob 11 0\r\nBPR PHH 1",
		"SYN 5 0 0 1 1\r\nLSG Friends g\r\nLST N=bob@example.com F=Bob C=guid 11 1 g,h\r\nBPR MOB Y",
		"ADC 0 RL N=eve@example.com F=Eve\r\nADC 0 FL C=guid g\r\nREM 0 FL guid g\r\nREM 0 RL eve@example.com",
		"ADD 0 RL 258 eve@example.com Eve\r\nREM 0 RL 259 eve@example.com\r\nREA 0 1 me@example.com x\r\nSBP 0 guid MFN x",
		"LST N= F= C= \r\nLST\r\nLST 1\r\nLST a b c\r\nBPR\r\nBPR 1 2 3\r\nADD 0\r\nADC 0 RL\r\nREM\r\nRMG 0\r\nREG 0 1\r\nADG 0 1 2",
		"SYN 5 -1 99999999999999999999\r\nSYN\r\nLST a@b c 255 ,,,\r\nPRP\r\nPRP MFN\r\nLSG\r\nLSG 1",
		"ILN 9 NLN bob@example.com 1 Bob 12:48 %3Cmsnobj%2F%3E\r\nNLN BSY 1:bob@example.com Bob\r\nFLN 1:bob@example.com;via=9:x@live.com\r\nNLN NLN 1:bob@example.com;via=9:x@live.com Bob",
		withPayload("UBX bob@example.com 1", "<PSM>Hello &lt;</PSM>") + withPayload("UBX me@example.com 1", endpointData) + withPayload("UBX 1:me@example.com", endpointData),
		withPayload("ADL 0", member) + withPayload("RML 0", member),
		"PRP 5 PHM +1%20555\r\nPRP MFN " + strings.Repeat("%F0%9F%98%80", 300) + "\r\nNLN NLN bob@example.com " + strings.Repeat("%F0%9F%98%80", 300),
	} {
		for _, d := range []byte{2, 7, 8, 10, 12, 13, 14, 16, 18} {
			f.Add(d-byte(wire.MinDialect), seed)
		}
	}
	f.Fuzz(func(t *testing.T, dialect byte, lines string) {
		d := wire.MinDialect + wire.Dialect(dialect)%(wire.MaxDialect-wire.MinDialect+1)
		b, events := feed(t, d, lines)
		b.Complete()
		for _, e := range events {
			if e.Size() < event.Base {
				t.Errorf("%#v has the size %d", e, e.Size())
			}
		}
		texts := []string{b.OwnName()}
		for _, c := range b.All() {
			texts = append(texts, c.Account, c.Name, c.Object, c.Personal, c.Media, c.GUID)
			if len(c.Account) > clean.MaxAccount || len(c.Name) > clean.MaxName || len(c.Groups) > maxGroups || len(c.Properties) > maxProperties ||
				len(c.GUID) > clean.MaxName || max(len(c.Object), len(c.Personal), len(c.Media)) > clean.MaxField {
				t.Errorf("contact beyond the limits: %+v", c)
			}
			for key, value := range c.Properties {
				if texts = append(texts, value); len(key) != 3 || value == "" || len(value) > clean.MaxField {
					t.Errorf("property %q: %q", key, value)
				}
			}
			if texts = append(texts, c.Groups...); strings.ContainsAny(c.Account, " \r\n") || c.Status == "" {
				t.Errorf("contact that is no contact: %+v", c)
			}
		}
		for _, g := range b.Groups() {
			texts = append(texts, g.ID, g.Name)
		}
		for _, text := range texts {
			if !utf8.ValidString(text) {
				t.Errorf("%q is no text", text)
			}
		}
		if len(b.OwnName()) > clean.MaxName || b.Len() > MaxContacts || len(b.Groups()) > maxGroups {
			t.Errorf("beyond the limits: name %q, %d contacts, %d groups", b.OwnName(), b.Len(), len(b.Groups()))
		}
		checkEndpoints(t, b)
	})
}
