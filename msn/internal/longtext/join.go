package longtext

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

// maxChunks and maxChunkBytes bound a message that comes in parts, maxAssemblies how many
// such messages may be incomplete, and chunkTimeout how long.
const (
	maxChunks     = 256
	maxChunkBytes = 256 << 10
	maxAssemblies = 4
	chunkTimeout  = time.Minute
)

// assembly is a message that comes in parts.
type assembly struct {
	from, id string
	header   wire.Header
	body     strings.Builder
	next     int // the part that is to come
	total    int
	began    time.Time
}

// Joiner joins the messages that come in parts. The zero value is ready.
type Joiner struct{ messages []*assembly }

// Waiting returns how many messages are incomplete.
func (j *Joiner) Waiting() int { return len(j.messages) }

// ErrGivenUp says that a message in parts was dropped: there is a gap in it, it has too many
// parts or too much text.
var ErrGivenUp = errors.New("msn: message in parts given up")

// Join returns the message to deliver: m itself, or, with the last part of a
// message in parts, all of it (protocol/04-switchboard.md, section 3.2). It
// reports false when there is nothing to deliver; the error says then that a message was
// given up, and is nil otherwise. Parts of a message that takes longer than a minute are
// forgotten.
func (j *Joiner) Join(from string, m wire.Message, now time.Time) (whole wire.Message, ok bool, err error) {
	id := m.Header.Get("Message-ID")
	if id == "" {
		return m, true, nil
	}
	j.messages = slices.DeleteFunc(j.messages, func(a *assembly) bool { return now.Sub(a.began) > chunkTimeout })
	if chunks := m.Header.Get("Chunks"); chunks != "" {
		total, ok := clean.Small(chunks)
		if !ok || total <= 1 {
			return m, true, nil // a single part, or none that makes sense: what is there
		}
		if total > maxChunks {
			return wire.Message{}, false, fmt.Errorf("%w: %d parts", ErrGivenUp, total)
		}
		j.forget(from, id)
		if len(j.messages) >= maxAssemblies {
			j.messages = j.messages[1:]
		}
		a := &assembly{from: from, id: id, header: m.Header, next: 1, total: total, began: now}
		a.body.WriteString(m.Body)
		j.messages = append(j.messages, a)
		return wire.Message{}, false, nil
	}
	chunk := m.Header.Get("Chunk")
	if chunk == "" {
		return m, true, nil
	}
	at := slices.IndexFunc(j.messages, func(a *assembly) bool { return a.from == from && a.id == id })
	number, ok := clean.Small(chunk)
	if at < 0 {
		return wire.Message{}, false, nil
	}
	a := j.messages[at]
	if !ok || number != a.next || a.body.Len()+len(m.Body) > maxChunkBytes {
		j.forget(from, id)
		return wire.Message{}, false, ErrGivenUp
	}
	a.body.WriteString(m.Body)
	a.next++
	if a.next < a.total {
		return wire.Message{}, false, nil
	}
	j.forget(from, id)
	return wire.Message{Header: a.header, Body: a.body.String()}, true, nil
}

func (j *Joiner) forget(from, id string) {
	j.messages = slices.DeleteFunc(j.messages, func(a *assembly) bool { return a.from == from && a.id == id })
}
