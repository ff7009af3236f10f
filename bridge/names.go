package bridge

import (
	"errors"
	"strings"
	"unicode"

	"go.mau.fi/util/confusable"

	"matrix-msn/database"
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

// look returns what a name looks like: people can take two names with the same
// look for each other.
func look(name string) string {
	return confusable.Skeleton(strings.ToLower(invisible.Replace(name)))
}

// invisible takes out what cannot be seen between letters.
var invisible = strings.NewReplacer("\u200c", "", "\u200d", "", " ", "")

// looks counts the names of a contact list by their look.
type looks map[string]int

func looksOf(contacts []*database.Contact) looks {
	all := make(looks, len(contacts))
	for _, contact := range contacts {
		if name := cleanName(contact.Name); name != "" {
			all[look(name)]++
		}
	}
	return all
}
