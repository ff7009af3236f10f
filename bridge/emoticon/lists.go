package emoticon

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// letterSet are letters and digits, a bit each.
type letterSet uint64

func bitOf(c byte) letterSet {
	switch {
	case c >= '0' && c <= '9':
		return 1 << (c - '0')
	case c >= 'a' && c <= 'z':
		return 1 << (c - 'a' + 11) // not beside the digits: "9" is no neighbour of "a"
	case c >= 'A' && c <= 'Z':
		return 1 << (c - 'A' + 38)
	}
	return 0
}

// lists is what stands in brackets in a text, as "(a)" and "(b)" in lists.
type lists struct {
	letters letterSet
	begins  letterSet // of those, what begins a line
	run     letterSet // and what follows each other from "(a)" or "(A)" on
	roman   bool      // there is a "(ii)", beside which "(i)" is a number
	ten     bool      // there is a "(ix)" or an "(xi)", beside which "(x)" is one
	twenty  bool      // and so on for "(xx)"
}

func listsOf(text string) (l lists) {
	if strings.IndexByte(text, '(') < 0 {
		return l
	}
	for line := range strings.Lines(text) {
		first := lead(line)
		for i := 0; i+2 < len(line); i++ {
			if line[i] != '(' {
				continue
			}
			if line[i+2] != ')' {
				l.number(line[i+1:])
				continue
			}
			bit := bitOf(line[i+1])
			if l.letters |= bit; i == first && goesOn(line, i+len("(a)")) {
				l.begins |= bit
			}
		}
	}
	for _, a := range "aA" {
		for letter := byte(a); l.letters&bitOf(letter) != 0; letter++ {
			l.run |= bitOf(letter)
		}
	}
	return l
}

// number notes that a text begins with a Roman number of several letters, as it stands in brackets.
func (l *lists) number(text string) {
	number, _, ok := strings.Cut(text[:min(len(text), len("xxi)"))], ")")
	if !ok {
		return
	}
	switch number {
	case "ii", "II":
		l.roman = true
	case "ix", "IX", "xi", "XI":
		l.ten = true
	case "xix", "XIX", "xxi", "XXI":
		l.twenty = true
	}
}

// lead returns where the text of a line begins: behind what marks an item or a quote.
func lead(line string) int {
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		mark := i + size // where a mark may end
		switch {
		case unicode.IsSpace(r) || strings.ContainsRune(">\"'“”„«»‘’", r):
			i = mark
			continue
		case r >= '0' && r <= '9':
			for mark < len(line) && line[mark] >= '0' && line[mark] <= '9' {
				mark++
			}
			if mark >= len(line) || line[mark] != '.' && line[mark] != ')' {
				return i
			}
			mark++
		case !strings.ContainsRune("-*+•–—", r):
			return i
		}
		if mark >= len(line) || !isBlank(line[mark]) {
			return i
		}
		i = mark
	}
	return len(line)
}

// goesOn reports whether a blank and a word stand at a place.
func goesOn(line string, i int) bool {
	return i < len(line) && isBlank(line[i]) && strings.TrimSpace(line[i:]) != ""
}

// Letters and digits with which lists begin, or that stand in brackets for other reasons.
const falseFriends = "abcein68x"

// Letters of which two that follow each other make a list wherever they stand: further down the
// alphabet people write kisses and hearts side by side.
const firstLetters = "abcde0123456789"

// isListMark reports whether a code numbers something: its neighbour does so too, or it stands
// first in a line, before a text, and is one with which lists begin.
func isListMark(line string, i int, c code, l lists, first bool) bool {
	if c.text == "(xx)" {
		return l.twenty
	}
	if len(c.text) != len("(a)") || c.text[0] != '(' {
		return false
	}
	letter := c.text[1]
	bit := bitOf(letter)
	if bit == 0 {
		return c.text == "(*)" && first && goesOn(line, i+len(c.text))
	}
	small := letter | ' '
	switch {
	case (bit<<1|bit>>1)&l.run != 0 && bit&l.run != 0:
		return true
	case strings.IndexByte(firstLetters, small) >= 0 && (bit<<1|bit>>1)&l.letters != 0:
		return true
	case small == 'i' && l.roman, small == 'x' && l.ten:
		return true
	case !first || !goesOn(line, i+len(c.text)):
		return false
	}
	return (bit<<1|bit>>1)&l.begins != 0 || strings.IndexByte(falseFriends, small) >= 0
}

// isSymbol reports whether a letter in brackets is what it is in print and in formulas: "(c)" before a
// year or a name, "(r)" behind one, and what a function is of.
func isSymbol(line string, i int, c code) bool {
	if len(c.text) != len("(a)") || c.text[0] != '(' || bitOf(c.text[1]) == 0 {
		return false
	}
	before, space := wordBefore(line, i)
	switch small := c.text[1] | ' '; {
	case strings.HasSuffix(before, "="):
		return true
	case space && len(before) == 1 && isLetter(before[0]) && !strings.Contains(wordsOfOne, strings.ToLower(before)):
		return true
	case small == 'c':
		return strings.EqualFold(before, "copyright") || beginsName(line[i+len(c.text):])
	case small == 'r':
		r, _ := utf8.DecodeRuneInString(before)
		return unicode.IsUpper(r) && space
	}
	return false
}

// wordsOfOne are letters that are words of a language: "I (l) you" is said, and "f (x)" is written.
const wordsOfOne = "aeiouy"

// maxWord is how much of a word is looked at.
const maxWord = 32

// wordBefore returns the end of the word that stands before a place in a line, and reports whether blanks
// are between.
func wordBefore(line string, i int) (word string, space bool) {
	end := i
	for end > 0 && i-end < maxWord && isBlank(line[end-1]) {
		end--
	}
	begin := end
	for begin > 0 && end-begin < maxWord && !isBlank(line[begin-1]) {
		begin--
	}
	return line[begin:end], end < i
}

// beginsName reports whether a text begins, behind a blank, with a year or with a word in capitals.
func beginsName(text string) bool {
	if text == "" || text[0] != ' ' {
		return false
	}
	text = strings.TrimLeft(text[:min(len(text), maxWord)], " ")
	if len(text) >= len("2026") && strings.Trim(text[:4], "0123456789") == "" {
		return len(text) == 4 || !isLetter(text[4])
	}
	r, _ := utf8.DecodeRuneInString(text)
	return unicode.IsUpper(r)
}
