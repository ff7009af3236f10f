package slp

import (
	"slices"
	"strings"
	"time"
)

const (
	// maxAssemblies is how many messages of a Joiner may be incomplete.
	maxAssemblies = 4
	// joinTimeout is how long one may be.
	joinTimeout = time.Minute
)

// Joiner puts short messages together whose packets have a header of version 1. The zero value is
// ready.
type Joiner struct{ open []*assembly }

type assembly struct {
	session, id uint32
	total       uint64
	data        strings.Builder
	began       time.Time
}

// Join returns the message whose last packet p is. It reports false when more is to come, or when
// the message cannot be put together: its packets come in order on a switchboard, and what is
// repeated is passed over.
func (j *Joiner) Join(p Packet, now time.Time) (message string, ok bool) {
	if p.Control() || p.Total > MaxMessage {
		return "", false
	}
	if p.Offset == 0 && uint64(len(p.Data)) == p.Total {
		return p.Data, true
	}
	j.expire(now)
	at := slices.IndexFunc(j.open, func(a *assembly) bool { return a.session == p.Session && a.id == p.ID })
	if at >= 0 && p.Offset == 0 && p.Data != "" && p.Total != j.open[at].total { // another message with its number
		j.open = slices.Delete(j.open, at, at+1)
		at = -1
	}
	if at < 0 {
		if p.Offset != 0 || p.Data == "" {
			return "", false
		}
		if len(j.open) >= maxAssemblies {
			j.open = slices.Delete(j.open, 0, 1)
		}
		j.open = append(j.open, &assembly{session: p.Session, id: p.ID, total: p.Total, began: now})
		at = len(j.open) - 1
	}
	a := j.open[at]
	have := uint64(a.data.Len())
	if p.Total != a.total || p.Offset > have {
		j.open = slices.Delete(j.open, at, at+1)
		return "", false
	}
	if p.Offset+uint64(len(p.Data)) <= have {
		return "", false // a repeat
	}
	a.data.WriteString(p.Data[have-p.Offset:])
	if uint64(a.data.Len()) < a.total {
		return "", false
	}
	j.open = slices.Delete(j.open, at, at+1)
	return a.data.String(), true
}

// Waiting returns how many messages are incomplete, and may become whole yet.
func (j *Joiner) Waiting(now time.Time) int {
	j.expire(now)
	return len(j.open)
}

// expire forgets messages that take too long.
func (j *Joiner) expire(now time.Time) {
	j.open = slices.DeleteFunc(j.open, func(a *assembly) bool { return now.Sub(a.began) > joinTimeout })
}
