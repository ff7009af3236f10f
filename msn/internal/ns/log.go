package ns

import (
	"context"
	"log/slog"
	"time"
)

const (
	// LogBurst is how many lines of one kind are logged in a LogPeriod.
	LogBurst = 5
	// LogPeriod is how often it is logged how many lines of a kind were left out.
	LogPeriod = time.Minute
)

// lines are the lines of one kind in a period.
type lines struct {
	level         slog.Level
	written, left int
	last          []any // of what was left out
}

// Warn logs what somebody else has brought about, who could do it again and again: of each
// kind LogBurst lines in a LogPeriod, and at its end one that counts the others. what is a
// constant that names the kind. It is called by the owner.
func (c *Conn) Warn(what string, args ...any) { c.logLine(slog.LevelWarn, what, args) }

// Note is Warn for what is no trouble.
func (c *Conn) Note(what string, args ...any) { c.logLine(slog.LevelInfo, what, args) }

func (c *Conn) logLine(level slog.Level, what string, args []any) {
	if !c.log.Enabled(context.Background(), level) {
		return
	}
	kind := c.lines[what]
	if kind == nil {
		if c.lines == nil {
			c.lines = make(map[string]*lines)
		}
		kind = &lines{level: level}
		c.lines[what] = kind
		c.After(LogPeriod, func() { c.endPeriod(what) })
	}
	if kind.written >= LogBurst {
		kind.left++
		kind.last = args
		return
	}
	kind.written++
	c.write(level, what, args)
}

// endPeriod logs the last of the lines that were left out, with how many more there were.
func (c *Conn) endPeriod(what string) {
	kind := c.lines[what]
	delete(c.lines, what)
	if kind != nil && kind.left > 0 {
		c.write(kind.level, what, append(kind.last[:len(kind.last):len(kind.last)], "left_out", kind.left-1))
	}
}

// endPeriods ends those of all kinds: no timer will.
func (c *Conn) endPeriods() {
	for what := range c.lines {
		c.endPeriod(what)
	}
}

func (c *Conn) write(level slog.Level, what string, args []any) {
	c.log.Log(context.Background(), level, what, append([]any{"account", c.account}, args...)...)
}
