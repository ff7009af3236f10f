package screen

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestScreenIsPlainWithoutATerminal(t *testing.T) {
	var buf bytes.Buffer
	out := &Screen{w: &buf}
	out.Heading("Heading")
	_, _ = out.Write([]byte("compiling\n"))
	_, _ = out.Write([]byte("compiling more at once\n"))
	if err := out.Step("part", func() (string, error) { return "is up", nil }); err != nil {
		t.Fatal(err)
	}
	out.Fact("name", "value")
	out.Hop(Hop{At: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), From: "Bob (MSN)", To: "Alice (Matrix)", Text: "Hi", Took: 34 * time.Millisecond, Comment: "so"})
	out.Fail(errors.New("why"))
	if strings.Contains(buf.String(), "\x1b") || strings.Contains(buf.String(), "\r") {
		t.Errorf("terminal sequences in %q", buf.String())
	}
	if strings.Contains(buf.String(), "at once") {
		t.Error("progress fills the output")
	}
	for _, want := range []string{
		"\nHeading\n", "  … compiling\n", "  ✓    0 ms  part          is up\n", "name          value\n",
		"  03:04:05.006   34 ms  Bob (MSN) ──▶ Alice (Matrix)      Hi\n                        so\n", "failed.\nwhy\n",
	} {
		if !strings.Contains(buf.String(), want) {
			t.Errorf("no %q in\n%s", want, buf.String())
		}
	}
}

func TestScreenOverwritesProgressOnATerminal(t *testing.T) {
	var buf bytes.Buffer
	out := &Screen{w: &buf, terminal: true, color: true}
	_, _ = out.Write([]byte("compiling " + strings.Repeat("x", 200) + "\n"))
	out.Say("done")
	progress, after, found := strings.Cut(strings.TrimPrefix(buf.String(), clearLine), clearLine)
	if !found || after != "done\n" {
		t.Errorf("got %q", buf.String())
	}
	if n := len([]rune(strings.TrimSuffix(strings.TrimPrefix(progress, dim), reset))); n > lineWidth {
		t.Errorf("a line of %d characters would wrap", n)
	}
}

func TestHopPrintsAnyTextInALine(t *testing.T) {
	var buf bytes.Buffer
	out := &Screen{w: &buf}
	out.Hop(Hop{From: "Alice (Matrix)", To: "Bob (MSN)", Text: "one\ntwo\x1b[2J\rthree\n"})
	if !strings.HasSuffix(buf.String(), "  one ⏎ two[2Jthree\n") {
		t.Errorf("printed %q", buf.String())
	}
}

func TestStepFailsWithoutSayingThatItIsDone(t *testing.T) {
	var buf bytes.Buffer
	out := &Screen{w: &buf}
	broken := errors.New("broken")
	if err := out.Step("part", func() (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if buf.Len() != 0 {
		t.Errorf("printed %q", buf.String())
	}
}

func TestDurationsAlign(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                       "    0 ms",
		34 * time.Millisecond:   "   34 ms",
		999 * time.Millisecond:  "  999 ms",
		1500 * time.Millisecond: "  1.5 s ",
		95 * time.Second:        " 95.0 s ",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
