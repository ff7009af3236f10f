// Package screen is what the demo prints: in colour and with lines that change on a terminal, plain lines elsewhere.
package screen

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
	Green     = "\x1b[32m"
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

// Screen is the demo's output: in colour and with lines that change on a terminal, plain lines elsewhere. Its methods
// may be called from any goroutine.
type Screen struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	color    bool
	passing  bool      // the cursor is on a line that will be overwritten
	progress time.Time // when progress was last printed where it stays
}

// New writes to file. Colours are left out where NO_COLOR asks for that.
func New(file *os.File) *Screen {
	info, err := file.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	return &Screen{w: file, terminal: terminal, color: terminal && os.Getenv("NO_COLOR") == ""}
}

// Say prints a line.
func (s *Screen) Say(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.print(line)
}

// Heading prints what follows from here on.
func (s *Screen) Heading(text string) {
	s.Say("\n" + s.Paint(bold, text))
}

// Write shows progress: each line in the place of the one before on a terminal, a line now and then elsewhere.
func (s *Screen) Write(lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.SplitSeq(strings.TrimRight(string(lines), "\n"), "\n") {
		if s.terminal {
			fmt.Fprint(s.w, clearLine, s.Paint(dim, cut("  … "+line, lineWidth)))
			s.passing = true
		} else if time.Since(s.progress) >= quietTime {
			s.progress = time.Now()
			s.print("  … " + line)
		}
	}
	return len(lines), nil
}

// Step does a part of the setting up and prints what do says about it, with the time that it took.
func (s *Screen) Step(name string, do func() (string, error)) error {
	if s.terminal {
		_, _ = s.Write([]byte(name + "\n"))
	}
	begun := time.Now()
	result, err := do()
	if err != nil {
		return err
	}
	s.Say("  " + s.Paint(Green, "✓") + s.Paint(dim, Duration(time.Since(begun))) + "  " + pad(name, stepWidth) + result)
	return nil
}

// Fact prints something to use, under its name.
func (s *Screen) Fact(name, value string) {
	s.Say("    " + pad(name, stepWidth) + s.Paint(bold, value))
}

// Hop is something that went through the bridge.
type Hop struct {
	At      time.Time
	From    string
	To      string
	Typing  bool
	Text    string
	Took    time.Duration // 0 when it is not known
	Comment string        // what a reader should know about how it was done
}

// Hop prints a hop in a line, and its comment below. What is said comes last: its characters may have any width.
func (s *Screen) Hop(h Hop) {
	arrow, text, color := "──▶", oneLine(h.Text), blue
	if h.Typing {
		arrow, text = "┄┄▶", s.Paint(dim, "is typing …")
	}
	if strings.HasSuffix(h.From, "(MSN)") {
		color = magenta
	}
	took := strings.Repeat(" ", len(Duration(0)))
	if h.Took > 0 {
		took = Duration(h.Took)
	}
	route := pad(fmt.Sprintf("%s %s %s", h.From, arrow, h.To), routeWidth)
	s.Say("  " + s.Paint(dim, h.At.Format("15:04:05.000")) + s.Paint(Green, took) + "  " + s.Paint(color, route) + "  " + text)
	if h.Comment != "" {
		indent := len("  15:04:05.000") + len(Duration(0)) + 2
		s.Say(strings.Repeat(" ", indent) + s.Paint(dim, h.Comment))
	}
}

// Fail prints why the demo has failed.
func (s *Screen) Fail(err error) {
	s.Say("\n" + s.Paint(red, "The demo has failed.") + "\n" + err.Error())
}

// print writes a line, over one that was only passing.
func (s *Screen) print(line string) {
	if s.passing {
		fmt.Fprint(s.w, clearLine)
		s.passing = false
	}
	fmt.Fprintln(s.w, line)
}

func (s *Screen) Paint(color, text string) string {
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

// Duration writes a time so that times below each other can be compared at a glance.
func Duration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%5d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%5.1f s ", d.Seconds())
}
