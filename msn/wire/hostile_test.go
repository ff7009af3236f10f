package wire

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// The rows of the list of hostile input that concern framing.

func TestMegabyteWithoutLineEndIsRefused(t *testing.T) {
	t.Parallel()
	source := &countingReader{r: strings.NewReader("NLN " + strings.Repeat("x", 1<<20))}
	_, err := NewReader(source, FromServer).Read()
	if !errors.Is(err, ErrProtocol) {
		t.Fatalf("got %v", err)
	}
	if source.n > 2*MaxLine {
		t.Errorf("%d bytes were read before giving up", source.n)
	}
}

func TestBadPayloadLengthsAreRefused(t *testing.T) {
	t.Parallel()
	for _, length := range []string{"-1", "+5", "2147483648", "9223372036854775808", "18446744073709551617",
		"1000000000", "0x10", "1e3", "1.5", "", "5x", "٣", fmt.Sprint(MaxPayload + 1)} {
		for _, line := range []string{"MSG a@b A ", "NOT ", "ADL 0 ", "GCF 0 ", "UBX a@b ", "UUX 5 "} {
			r := NewReader(strings.NewReader(line+length+"\r\nxxxxx"), FromServer)
			if cmd, err := r.Read(); !errors.Is(err, ErrProtocol) {
				t.Errorf("%s%q: read %v, %v", line, length, cmd, err)
			}
		}
	}
}

func TestTenThousandParametersAreRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"NLN" + strings.Repeat(" ", 8000), // within the line limit
		"NLN" + strings.Repeat(" x", 10000),
	} {
		if _, err := readAll(line+"\r\n", FromServer, 8); !errors.Is(err, ErrProtocol) {
			t.Errorf("line of %d bytes: %v", len(line), err)
		}
	}
	most := "VER" + strings.Repeat(" x", MaxParams) + "\r\n"
	if cmds, err := readAll(most, FromServer, 8); err != nil || len(cmds[0].Args) != MaxParams {
		t.Errorf("as many as allowed: %v", err)
	}
}

func TestDeclaredButUnsentPayloadTakesNoMemory(t *testing.T) {
	const connections = 200
	var before, after runtime.MemStats
	readers := make([]*Reader, connections)
	writers := make([]*io.PipeWriter, connections)
	done := make(chan struct{})
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range readers {
		var pr *io.PipeReader
		pr, writers[i] = io.Pipe()
		readers[i] = NewReader(pr, FromServer)
		go func() {
			_, _ = readers[i].Read()
			done <- struct{}{}
		}()
		if _, err := fmt.Fprintf(writers[i], "MSG a@b A %d\r\nx", MaxPayload); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / connections
	if each > firstGrow+16<<10 {
		t.Errorf("%d bytes each for a payload that was only announced", each)
	}
	for i := range writers {
		_ = writers[i].Close()
		<-done
	}
}

func TestEndlessNonsenseIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty lines":                    "\r\n",
		"words":                          "hello world\r\n",
		"lines after an unknown command": "ABC 1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := &countingReader{r: &repeat{text: text}}
			r := NewReader(source, FromServer)
			var err error
			for range 3 {
				if _, err = r.Read(); err != nil {
					break
				}
			}
			if !errors.Is(err, ErrProtocol) {
				t.Fatalf("got %v", err)
			}
			if source.n > MaxSkip+2*readerSize {
				t.Errorf("%d bytes were read before giving up", source.n)
			}
		})
	}
}

func TestNothingInAParameterMakesASecondCommand(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"a b", "a\r\nOUT", "a\nOUT", "a\rOUT", "\x00", " ", "\r", "\n", "x\x00y"} {
		if out, err := Append([]byte("kept"), New("REA", "5", "a@b", bad)); !errors.Is(err, ErrUnsafe) || string(out) != "kept" {
			t.Errorf("%q: %q, %v", bad, out, err)
		}
		if out, err := Append(nil, New("REA"+bad)); !errors.Is(err, ErrUnsafe) || len(out) != 0 {
			t.Errorf("verb with %q: %q, %v", bad, out, err)
		}
		encoded, err := Append(nil, New("REA", "5", "a@b", Encode(bad)))
		if err != nil {
			t.Errorf("%q encoded: %v", bad, err)
		}
		if cmds, err := readAll(string(encoded), FromClient, 8); err != nil || len(cmds) != 1 || Decode(cmds[0].Arg(2)) != bad {
			t.Errorf("%q encoded was read as %v, %v", bad, cmds, err)
		}
	}
}

func TestNoCommandTakesTheNextForItsPayload(t *testing.T) {
	t.Parallel()
	for name, cmd := range map[string]Command{
		"MSG without payload":               New("MSG", "5", "N", "3"),
		"MSG with a word":                   New("MSG", "5", "N"),
		"page to a number without payload":  New("PAG", "5", "100"),
		"ADL that announces":                New("ADL", "5", "100"),
		"error that announces":              New("241", "5", "100"),
		"payload of a command without":      New("CHG", "5", "NLN").WithPayload("OUT\r\n"),
		"payload of an unknown command":     New("FOO", "5").WithPayload("OUT\r\n"),
		"payload that is not announced":     {Verb: "MSG", Args: []string{"5", "N"}, Payload: "x"},
		"more payload than may be read":     New("MSG", "5", "N").WithPayload(strings.Repeat("x", MaxPayload+1)),
		"line longer than may be read":      New("REA", "5", strings.Repeat("x", MaxLine)),
		"more parameters than may be read":  New("VER", make([]string, MaxParams+1)...),
		"as many, and the payload's length": New("MSG", make([]string, MaxParams)...).WithPayload("x"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := Append(nil, cmd); !errors.Is(err, ErrUnsafe) || len(out) != 0 {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

func TestNoHeaderValueMakesASecondField(t *testing.T) {
	t.Parallel()
	m := Message{Header: Header("").With("P4-Context", "a\r\nContent-Type: text/html\r\n\r\nbody\nX: y"), Body: "b"}
	parsed := ParseMessage(m.Payload())
	if parsed.Body != "b" || parsed.Header.Get("Content-Type") != "" || parsed.Header.Get("X") != "" {
		t.Errorf("%q", m.Payload())
	}
}

// countingReader counts what was taken from it.
type countingReader struct {
	r io.Reader
	n int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
