package window

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Limits of what is kept for a page that was cut off. One that missed more is given everything anew.
const (
	maxEntries      = 512
	maxJournalBytes = 1 << 20
)

// entry is a change, as pages are told of it.
type entry struct {
	Kind string `json:"kind"`
	Data any    `json:"data"`
}

// journal is the last of what has changed, numbered from 1.
type journal struct {
	epoch   string // of this window: numbers of another one mean nothing
	entries []string
	last    uint64 // the number of the last one
	bytes   int
	changed chan struct{} // closed and replaced with each entry
}

func newJournal() journal {
	return journal{epoch: rand.Text(), changed: make(chan struct{})}
}

func (j *journal) add(kind string, data any) {
	text := encode(entry{kind, data})
	j.entries, j.bytes, j.last = append(j.entries, text), j.bytes+len(text), j.last+1
	for len(j.entries) > maxEntries || j.bytes > maxJournalBytes && len(j.entries) > 0 {
		j.bytes -= len(j.entries[0])
		j.entries[0] = ""
		j.entries = j.entries[1:]
	}
	close(j.changed)
	j.changed = make(chan struct{})
}

// after returns what came behind a number, unless some of that is not kept any more.
func (j *journal) after(n uint64) (entries []string, ok bool) {
	first := j.last - uint64(len(j.entries)) + 1
	if n > j.last || n+1 < first {
		return nil, false
	}
	return j.entries[n+1-first:], true
}

// id is how a page names a place in the journal.
func (j *journal) id(n uint64) string { return j.epoch + "." + strconv.FormatUint(n, 10) }

// place reads an id.
func (j *journal) place(id string) (n uint64, ok bool) {
	epoch, number, ok := strings.Cut(id, ".")
	if !ok || epoch != j.epoch {
		return 0, false
	}
	n, err := strconv.ParseUint(number, 10, 64)
	return n, err == nil && n <= j.last
}

// encode writes a value in one line.
func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("window: %T has no JSON: %v", value, err)) // all of ours have
	}
	return string(text)
}
