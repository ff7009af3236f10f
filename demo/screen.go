package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Terminal sequences; they are only written to a terminal.
const (
	reset     = "\x1b[0m"
	bold      = "\x1b[1m"
	dim       = "\x1b[2m"
	red       = "\x1b[31m"
	green     = "\x1b[32m"
	blue      = "\x1b[34m"
	magenta   = "\x1b[35m"
	clearLine = "\r\x1b[K"
)

// The widths of columns, in characters.
const (
	stepWidth  = 14 // the name of a step
	routeWidth = 32 // who says something to whom
	lineWidth  = 78 // a line that is overwritten; a longer one would wrap and stay
)

// quietTime is the least time between two lines of progress where they cannot be overwritten.
const quietTime = 10 * time.Second

// screen is the demo's output: in colour and with lines that change on a terminal, plain lines elsewhere. Its methods
// may be called from any goroutine.
type screen struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	color    bool
	passing  bool      // the cursor is on a line that will be overwritten
	progress time.Time // when progress was last printed where it stays
}

// newScreen writes to file. Colours are left out where NO_COLOR asks for that.
func newScreen(file *os.File) *screen {
	info, err := file.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	return &screen{w: file, terminal: terminal, color: terminal && os.Getenv("NO_COLOR") == ""}
}

// say prints a line.
func (s *screen) say(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.print(line)
}

// heading prints what follows from here on.
func (s *screen) heading(text string) {
	s.say("\n" + s.paint(bold, text))
}

// Write shows progress: each line in the place of the one before on a terminal, a line now and then elsewhere.
func (s *screen) Write(lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.SplitSeq(strings.TrimRight(string(lines), "\n"), "\n") {
		if s.terminal {
			fmt.Fprint(s.w, clearLine, s.paint(dim, cut("  … "+line, lineWidth)))
			s.passing = true
		} else if time.Since(s.progress) >= quietTime {
			s.progress = time.Now()
			s.print("  … " + line)
		}
	}
	return len(lines), nil
}

// step does a part of the setting up and prints what do says about it, with the time that it took.
func (s *screen) step(name string, do func() (string, error)) error {
	if s.terminal {
		_, _ = s.Write([]byte(name + "\n"))
	}
	begun := time.Now()
	result, err := do()
	if err != nil {
		return err
	}
	s.say("  " + s.paint(green, "✓") + s.paint(dim, duration(time.Since(begun))) + "  " + pad(name, stepWidth) + result)
	return nil
}

// fact prints something to use, under its name.
func (s *screen) fact(name, value string) {
	s.say("    " + pad(name, stepWidth) + s.paint(bold, value))
}

// hop is something that went through the bridge.
type hop struct {
	at      time.Time
	from    string
	to      string
	typing  bool
	text    string
	took    time.Duration // 0 when it is not known
	comment string        // what a reader should know about how it was done
}

// hop prints a hop in a line, and its comment below. What is said comes last: its characters may have any width.
func (s *screen) hop(h hop) {
	arrow, text, color := "──▶", oneLine(h.text), blue
	if h.typing {
		arrow, text = "┄┄▶", s.paint(dim, "is typing …")
	}
	if strings.HasSuffix(h.from, "(MSN)") {
		color = magenta
	}
	took := strings.Repeat(" ", len(duration(0)))
	if h.took > 0 {
		took = duration(h.took)
	}
	route := pad(fmt.Sprintf("%s %s %s", h.from, arrow, h.to), routeWidth)
	s.say("  " + s.paint(dim, h.at.Format("15:04:05.000")) + s.paint(green, took) + "  " + s.paint(color, route) + "  " + text)
	if h.comment != "" {
		indent := len("  15:04:05.000") + len(duration(0)) + 2
		s.say(strings.Repeat(" ", indent) + s.paint(dim, h.comment))
	}
}

// fail prints why the demo has failed.
func (s *screen) fail(err error) {
	s.say("\n" + s.paint(red, "The demo has failed.") + "\n" + err.Error())
}

// print writes a line, over one that was only passing.
func (s *screen) print(line string) {
	if s.passing {
		fmt.Fprint(s.w, clearLine)
		s.passing = false
	}
	fmt.Fprintln(s.w, line)
}

func (s *screen) paint(color, text string) string {
	if !s.color {
		return text
	}
	return color + text + reset
}

// oneLine makes any text safe to print in a line: marks for line ends, and no sequences that a terminal would obey.
func oneLine(text string) string {
	text = strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", " ⏎ ")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}

// pad fills text up with blanks to the width in characters. A longer text stays as it is.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// cut shortens text to the width in characters.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

// duration writes a time so that times below each other can be compared at a glance.
func duration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%5d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%5.1f s ", d.Seconds())
}
