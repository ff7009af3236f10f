package wire

import (
	"io"
	"strings"
	"testing"
)

// benchmarkMessage is a text MSG as a switchboard relays it, 160 bytes in all.
func benchmarkMessage(tb testing.TB) string {
	tb.Helper()
	payload := "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n" +
		"X-MMS-IM-Format: FN=Arial; EF=; CO=0; CS=0; PF=0\r\n\r\n"
	payload += strings.Repeat("x", 123-len(payload))
	unit, err := Append(nil, New("MSG", "alice@example.com", "Alice%20A").WithPayload(payload))
	if err != nil {
		tb.Fatal(err)
	}
	if len(unit) != 160 {
		tb.Fatalf("%d bytes", len(unit))
	}
	return string(unit)
}

// repeat reads the same text for ever.
type repeat struct {
	text string
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

// parsed is what a receiver takes out of a text message.
type parsed struct {
	account, name, mediaType, format, text string
}

func parseText(r *Reader) (parsed, error) {
	cmd, err := r.Read()
	if err != nil {
		return parsed{}, err
	}
	m := ParseMessage(cmd.Payload)
	return parsed{
		account:   cmd.Arg(0),
		name:      cmd.Arg(1),
		mediaType: m.MediaType(),
		format:    m.Header.Get("X-MMS-IM-Format"),
		text:      m.Text(),
	}, nil
}

// BenchmarkReadMSG reads and parses a text message of 160 bytes on one core:
// command, header, media type, style and text. The aim is a million a second.
func BenchmarkReadMSG(b *testing.B) {
	unit := benchmarkMessage(b)
	r := NewReader(&repeat{text: unit}, FromServer)
	b.SetBytes(int64(len(unit)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := parseText(r)
		if err != nil || p.mediaType != "text/plain" {
			b.Fatal(p, err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// maxReadAllocs is how many allocations reading and parsing a text message may
// take: one for the bytes of the command, one for its parameters, one spare.
const maxReadAllocs = 3

func TestReadMSGAllocations(t *testing.T) {
	r := NewReader(&repeat{text: benchmarkMessage(t)}, FromServer)
	var err error
	allocs := testing.AllocsPerRun(1000, func() {
		var p parsed
		if p, err = parseText(r); err == nil && (p.text == "" || p.format == "") {
			t.Error("nothing parsed")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if allocs > maxReadAllocs {
		t.Errorf("%v allocations for a text message, more than %d", allocs, maxReadAllocs)
	}
}

// BenchmarkAppend encodes the same message into a buffer that is used again.
func BenchmarkAppend(b *testing.B) {
	unit := benchmarkMessage(b)
	cmd, err := NewReader(strings.NewReader(unit), FromServer).Read()
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 256)
	b.SetBytes(int64(len(unit)))
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = Append(buf[:0], cmd); err != nil {
			b.Fatal(err)
		}
	}
	if string(buf) != unit {
		b.Fatalf("encoded %q", buf)
	}
}

var _ io.Reader = (*repeat)(nil)
