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

// Waiting returns how many messages are incomplete, and may become whole yet.
func (j *Joiner) Waiting(now time.Time) int {
	j.expire(now)
	return len(j.messages)
}

// expire forgets messages that take too long, and reports whether there were any.
func (j *Joiner) expire(now time.Time) bool {
	before := len(j.messages)
	j.messages = slices.DeleteFunc(j.messages, func(a *assembly) bool { return now.Sub(a.began) > chunkTimeout })
	return len(j.messages) < before
}

// ErrGivenUp says that a message in parts was dropped: there is a gap in it, it has too many
// parts or too much text, it took too long, or too many others are incomplete.
var ErrGivenUp = errors.New("msn: message in parts given up")

// Join returns the message to deliver: m itself, or, with the last part of a
// message in parts, all of it (protocol/04-switchboard.md, section 3.2). It
// reports false when there is nothing to deliver. The error says that a message was given up,
// this one or another. Servers relay the parts in order, so that one out of its place is a gap.
func (j *Joiner) Join(from string, m wire.Message, now time.Time) (whole wire.Message, ok bool, err error) {
	id := m.Header.Get("Message-ID")
	if id == "" {
		return m, true, nil
	}
	if j.expire(now) {
		err = fmt.Errorf("%w: it took too long", ErrGivenUp)
	}
	if chunks := m.Header.Get("Chunks"); chunks != "" {
		total, small := clean.Small(chunks)
		if !clean.IsNumber(chunks) || small && total <= 1 {
			return m, true, err // a single part, or none that makes sense: what is there
		}
		if !small || total > maxChunks || len(m.Body) > maxChunkBytes {
			return wire.Message{}, false, fmt.Errorf("%w: %.20s parts, the first of %d bytes", ErrGivenUp, chunks, len(m.Body))
		}
		j.forget(from, id)
		if len(j.messages) >= maxAssemblies {
			j.messages = slices.Delete(j.messages, 0, 1)
			err = fmt.Errorf("%w: too many at a time", ErrGivenUp)
		}
		a := &assembly{from: from, id: id, header: m.Header, next: 1, total: total, began: now}
		a.body.WriteString(m.Body)
		j.messages = append(j.messages, a)
		return wire.Message{}, false, err
	}
	chunk := m.Header.Get("Chunk")
	if chunk == "" {
		return m, true, err
	}
	at := slices.IndexFunc(j.messages, func(a *assembly) bool { return a.from == from && a.id == id })
	number, ok := clean.Small(chunk)
	if at < 0 {
		return wire.Message{}, false, err
	}
	a := j.messages[at]
	if !ok || number != a.next || a.body.Len()+len(m.Body) > maxChunkBytes {
		j.forget(from, id)
		return wire.Message{}, false, ErrGivenUp
	}
	a.body.WriteString(m.Body)
	a.next++
	if a.next < a.total {
		return wire.Message{}, false, err
	}
	j.forget(from, id)
	return wire.Message{Header: a.header, Body: a.body.String()}, true, err
}

func (j *Joiner) forget(from, id string) {
	j.messages = slices.DeleteFunc(j.messages, func(a *assembly) bool { return a.from == from && a.id == id })
}
