package bridge

import (
	"errors"
	"strings"
	"unicode"

	"go.mau.fi/util/confusable"
)

// maxName is the longest name of a contact in characters. Display names of MSN can
// have 387 bytes of anything.
const maxName = 100

// nameParams are the variables of displayname_template.
type nameParams struct{ Name, Account, Service string }

// maxGhostName is the longest name of a ghost after displayname_template, which
// may add an account and words of the admin's.
const maxGhostName = 300

// formatName applies displayname_template. Its result is one clean line.
func (c *Config) formatName(params nameParams) (string, error) {
	var b strings.Builder
	if err := c.displayname.Execute(&b, params); err != nil {
		return "", err
	}
	name := shorten(oneLine(b.String()), maxGhostName)
	if name == "" {
		return "", errors.New("the name comes out empty")
	}
	return name, nil
}

// cleanName makes a name that somebody chose fit to be shown: one line of at most
// maxName characters, without control characters and others that cannot be seen.
// Letters that run right to left stay.
func cleanName(s string) string { return shorten(oneLine(s), maxName) }

func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200c' || r == '\u200d':
			return r // join letters of many scripts, and emoji
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	return strings.Trim(strings.Join(strings.Fields(s), " "), "\u200c\u200d ")
}

func shorten(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}

// looksLike reports whether people can take one name for the other.
func looksLike(a, b string) bool {
	return confusable.Skeleton(strings.ToLower(visible(a))) == confusable.Skeleton(strings.ToLower(visible(b)))
}

// visible leaves out what joins letters and cannot be seen itself.
func visible(s string) string {
	return strings.NewReplacer("\u200c", "", "\u200d", "", " ", "").Replace(s)
}
