package longtext

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

const maxText = 48 << 10

var now = time.Date(2009, 2, 14, 0, 0, 0, 0, time.UTC)

func TestTextsAreCut(t *testing.T) {
	format := "FN=" + strings.Repeat("x", clean.MaxFormat-3)
	for name, text := range map[string]string{
		"short": "hello", "around the limit": strings.Repeat("a", 1600),
		"euros": strings.Repeat("€", 2000), "emoji": strings.Repeat("🙂", 3000), "line ends": strings.Repeat("a\n", 3000),
		"only line ends": strings.Repeat("\n", 2500), "longest": strings.Repeat("x", maxText), "longest of lines": strings.Repeat("\n", maxText),
	} {
		for _, chunks := range []bool{false, true} {
			payloads, chunked := Cut(text, format, chunks)
			var whole strings.Builder
			for i, payload := range payloads {
				if len(payload) > wire.MaxSwitchboardPayload {
					t.Errorf("%s: payload of %d bytes", name, len(payload))
				}
				m := wire.ParseMessage(payload)
				if !utf8.ValidString(m.Body) || strings.HasSuffix(m.Body, "\r") {
					t.Errorf("%s: a character or line end was cut", name)
				}
				if !chunked && m.Header.Get("X-MMS-IM-Format") != format {
					t.Errorf("%s: message %d has no style", name, i)
				}
				whole.WriteString(m.Body)
			}
			if clean.LF(whole.String()) != text {
				t.Errorf("%s: the text is another one after cutting", name)
			}
			if chunked != (chunks && len(payloads) > 1) {
				t.Errorf("%s: chunked %v with %d payloads", name, chunked, len(payloads))
			}
		}
	}
	for i := 1400; i < 1700; i++ {
		payloads, _ := Cut(strings.Repeat("a", i), "", false)
		if whole := len(wire.Message{Header: header("")}.Payload()) + i; (whole <= wire.MaxSwitchboardPayload) != (len(payloads) == 1) {
			t.Errorf("%d bytes make %d messages", i, len(payloads))
		}
	}
}

func TestChunksAreJoined(t *testing.T) {
	text := strings.Repeat("ä€🙂 word\n", 400)
	payloads, chunked := Cut(text, "FN=Arial", true)
	if !chunked {
		t.Fatal("not chunked")
	}
	j := &Joiner{}
	for i, payload := range payloads {
		m, ok, _ := j.Join("bob@example.com", wire.ParseMessage(payload), now)
		if ok != (i == len(payloads)-1) {
			t.Fatalf("part %d: %v", i, ok)
		}
		if ok && (clean.LF(m.Text()) != text || m.Header.Get("X-MMS-IM-Format") != "FN=Arial" || m.MediaType() != "text/plain") {
			t.Errorf("joined %q", m)
		}
	}
	if len(j.messages) != 0 {
		t.Error("parts are left over")
	}
}

func TestChunksThatAreBroken(t *testing.T) {
	first := func(id, chunks string) wire.Message {
		return wire.Message{Header: wire.Header("Content-Type: text/plain\r\n").With("Message-ID", id).With("Chunks", chunks), Body: "a"}
	}
	part := func(id, n string) wire.Message {
		return wire.Message{Header: wire.Header("").With("Message-ID", id).With("Chunk", n), Body: "b"}
	}
	for name, test := range map[string]struct {
		messages []wire.Message
		want     []string // bodies that are delivered
	}{
		"in order":              {[]wire.Message{first("1", "2"), part("1", "1")}, []string{"ab"}},
		"a gap":                 {[]wire.Message{first("1", "3"), part("1", "2"), part("1", "1")}, nil},
		"twice the same":        {[]wire.Message{first("1", "3"), part("1", "1"), part("1", "1"), part("1", "2")}, nil},
		"without the first":     {[]wire.Message{part("1", "1")}, nil},
		"of another message":    {[]wire.Message{first("1", "2"), part("2", "1"), part("1", "1")}, []string{"ab"}},
		"two at a time":         {[]wire.Message{first("1", "2"), first("2", "2"), part("2", "1"), part("1", "1")}, []string{"ab", "ab"}},
		"begun again":           {[]wire.Message{first("1", "2"), first("1", "2"), part("1", "1")}, []string{"ab"}},
		"one part":              {[]wire.Message{first("1", "1")}, []string{"a"}},
		"no number":             {[]wire.Message{first("1", "x")}, []string{"a"}},
		"too many":              {[]wire.Message{first("1", "257"), part("1", "1")}, nil},
		"more than any":         {[]wire.Message{first("1", "99999999999"), part("1", "1")}, nil},
		"a GB of parts":         {[]wire.Message{first("1", "1000000000"), part("1", "1"), part("1", "2")}, nil},
		"none":                  {[]wire.Message{first("1", "0")}, []string{"a"}},
		"a negative number":     {[]wire.Message{first("1", "-3")}, []string{"a"}},
		"the first again":       {[]wire.Message{first("1", "2"), part("1", "0"), part("1", "1")}, nil},
		"one that is below":     {[]wire.Message{first("1", "2"), part("1", "-1"), part("1", "1")}, nil},
		"a part of no number":   {[]wire.Message{first("1", "2"), part("1", "x"), part("1", "1")}, nil},
		"one too many":          {[]wire.Message{first("1", "2"), part("1", "1"), part("1", "2")}, []string{"ab"}},
		"backwards":             {[]wire.Message{part("1", "2"), part("1", "1"), first("1", "3")}, nil},
		"mixed with whole ones": {[]wire.Message{first("1", "2"), {Header: "Content-Type: text/plain\r\n", Body: "x"}, part("1", "1")}, []string{"x", "ab"}},
		"too many messages": {[]wire.Message{first("1", "2"), first("2", "2"), first("3", "2"), first("4", "2"), first("5", "2"),
			part("1", "1"), part("5", "1")}, []string{"ab"}},
		"an ID and nothing else": {[]wire.Message{{Header: wire.Header("").With("Message-ID", "1"), Body: "x"}}, []string{"x"}},
	} {
		j := &Joiner{}
		var got []string
		for _, m := range test.messages {
			if whole, ok, _ := j.Join("bob@example.com", m, now); ok {
				got = append(got, whole.Body)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: delivered %q, want %q", name, got, test.want)
		}
		if len(j.messages) > maxAssemblies {
			t.Errorf("%s: %d messages are kept", name, len(j.messages))
		}
	}
	j := &Joiner{}
	_, _, _ = j.Join("bob@example.com", first("1", "250"), now)
	big := part("1", "1")
	big.Body = strings.Repeat("x", maxChunkBytes)
	if _, ok, _ := j.Join("bob@example.com", big, now); ok || len(j.messages) != 0 {
		t.Error("more than maxChunkBytes is kept")
	}
	big = first("1", "2")
	big.Body = strings.Repeat("x", maxChunkBytes+1)
	if _, ok, err := j.Join("bob@example.com", big, now); ok || !errors.Is(err, ErrGivenUp) || len(j.messages) != 0 {
		t.Errorf("more than maxChunkBytes is kept of the first part: %v", err)
	}
	_, _, _ = j.Join("bob@example.com", first("1", "2"), now)
	if _, ok, _ := j.Join("carol@example.com", part("1", "1"), now); ok {
		t.Error("somebody else ends a message")
	}
	if j.Waiting(now) != 1 {
		t.Error("nothing is waited for")
	}
	if _, ok, err := j.Join("bob@example.com", part("1", "1"), now.Add(2*chunkTimeout)); ok || !errors.Is(err, ErrGivenUp) {
		t.Errorf("a part that comes too late is taken: %v", err)
	}
	_, _, _ = j.Join("bob@example.com", first("1", "2"), now)
	if j.Waiting(now.Add(2*chunkTimeout)) != 0 {
		t.Error("what comes too late is waited for")
	}
	for i := range maxAssemblies {
		_, _, _ = j.Join("bob@example.com", first(fmt.Sprint(i), "2"), now)
	}
	if _, _, err := j.Join("bob@example.com", first("one more", "2"), now); !errors.Is(err, ErrGivenUp) {
		t.Errorf("one that makes room is given up without a word: %v", err)
	}
}
