package bridge

import (
	"errors"
	"strings"
	"unicode"
)

// maxName is the longest name of a ghost in characters. Display names of MSN can
// have 387 bytes of anything.
const maxName = 100

// nameParams are the variables of displayname_template.
type nameParams struct{ Name, Account, Service string }

// formatName applies displayname_template. Its result is one clean line.
func (c *Config) formatName(params nameParams) (string, error) {
	params.Name = cleanName(params.Name)
	var b strings.Builder
	if err := c.displayname.Execute(&b, params); err != nil {
		return "", err
	}
	name := cleanName(b.String())
	if name == "" {
		return "", errors.New("the name comes out empty")
	}
	return name, nil
}

// cleanName makes a name that somebody chose fit to be shown: one line, without
// control characters and without the marks that would reorder the text around
// it, at most maxName characters. Letters that run right to left stay.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r), unicode.IsControl(r), r == unicode.ReplacementChar,
			unicode.Is(unicode.Co, r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > maxName {
		s = string(runes[:maxName-1]) + "…"
	}
	return s
}
