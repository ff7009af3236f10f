// Package doctor looks for what keeps a bridge from working, before it is started and while it runs, and
// says of each thing in a sentence whether it is well, or what to do.
package doctor

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// Level is how bad a Finding is.
type Level uint8

// The levels. What is Bad keeps the bridge, or a part of it, from working; a Warning does not.
const (
	Fine Level = iota
	Warning
	Bad
)

// String is what is printed of a level.
func (l Level) String() string { return [...]string{"ok", "warn", "fail"}[l] }

// Finding is what was found of one thing. There are no secrets in it.
type Finding struct {
	Level Level
	About string // one word or two: config, database, service home
	Says  string // what there is, or what is wrong and what to do
}

// String is the line that is printed. Part of it is the word of servers: no control characters are in it.
func (f Finding) String() string {
	says := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.Join(strings.Fields(f.Says), " "))
	return fmt.Sprintf("%-4s  %-18s %s", f.Level, f.About, says)
}

// Write writes a line for each finding, and reports whether none of them is Bad.
func Write(w io.Writer, findings []Finding) (well bool, err error) {
	well = true
	for _, f := range findings {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return false, err
		}
		well = well && f.Level != Bad
	}
	return well, nil
}

// patience is how long one thing that is asked of another machine may take.
const patience = 15 * time.Second

// findings are gathered of one thing.
type findings struct {
	about string
	list  []Finding
}

func (f *findings) add(level Level, format string, args ...any) {
	f.list = append(f.list, Finding{level, f.about, fmt.Sprintf(format, args...)})
}
func (f *findings) fine(format string, args ...any) { f.add(Fine, format, args...) }
func (f *findings) warn(format string, args ...any) { f.add(Warning, format, args...) }
func (f *findings) bad(format string, args ...any)  { f.add(Bad, format, args...) }
