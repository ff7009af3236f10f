package plus

import (
	"regexp"
	"strings"
)

// StripMessage is Strip for what somebody says. People talk of "a[i]", prices and the index of an
// array: a code goes when another one closes it, and none does inside of an address.
func StripMessage(text string) string {
	if strings.ContainsAny(text, controls) {
		text = stripControls(text)
	}
	if strings.Contains(text, dot) {
		dots, paired := dotPairs(text)
		text = cut(text, dots, paired)
	}
	if strings.Contains(text, "[") {
		tags, paired := tagPairs(text)
		text = cut(text, tags, paired)
		text = sound.ReplaceAllString(text, "♫ $1")
	}
	return text
}

// span is a part of a text.
type span struct{ from, to int }

// cut returns a text without some of its parts: the marked ones.
func cut(text string, parts []span, marked []bool) string {
	var out strings.Builder
	done := 0
	for i, part := range parts {
		if marked[i] {
			out.WriteString(text[done:part.from])
			done = part.to
		}
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// codes returns where a text has what matches, but for addresses.
func codes(text string, code *regexp.Regexp) (found []span) {
	begin, end, address := 0, 0, false // of the word that was looked at last
	for _, at := range code.FindAllStringIndex(text, -1) {
		for at[0] >= end { // words are looked at once each
			begin = end
			if end = strings.IndexAny(text[begin:], " \t\r\n"); end < 0 {
				end = len(text)
			} else {
				end += begin + 1
			}
			address = strings.Contains(text[begin:end], "://")
		}
		if !address {
			found = append(found, span{at[0], at[1]})
		}
	}
	return found
}

// tag is one of the codes in brackets.
var tag = regexp.MustCompile(styled.String() + "|" + painted.String())

// tagPairs returns the codes in brackets, and which of them are a pair that opens and closes.
func tagPairs(text string) (tags []span, paired []bool) {
	tags = codes(text, tag)
	paired = make([]bool, len(tags))
	var open [256][]int // by the letter
	for i, t := range tags {
		letter := text[t.from+1] | 0x20 // small
		if text[t.from+1] != '/' {
			open[letter] = append(open[letter], i)
			continue
		}
		letter = text[t.from+2] | 0x20
		if last := len(open[letter]) - 1; last >= 0 {
			paired[i], paired[open[letter][last]] = true, true
			open[letter] = open[letter][:last]
		}
	}
	return tags, paired
}

// anyDot is a code that begins with a dot, or what ends all of them.
var anyDot = regexp.MustCompile(dotted.String() + "|" + dottedEnd.String())

// dotPairs returns the codes with a dot, and which of them are closed: by what ends all of them, or,
// in the same line, a style by itself. A colour begins where another one ends.
func dotPairs(text string) (dots []span, paired []bool) {
	dots = codes(text, anyDot)
	paired = make([]bool, len(dots))
	var open [256]int // a style by its sign, as one more than its place, which is 0 for none
	var all []int     // what is open
	read := 0         // up to where line ends were looked for
	for i, d := range dots {
		if strings.IndexByte(text[read:d.from], '\n') >= 0 {
			open = [256]int{}
		}
		read = d.from
		switch code := text[d.from:d.to]; {
		case code == dot+"$": // without a colour it is none
		case code == dot+"0":
			if len(all) == 0 || d.to < len(text) && text[d.to] >= '0' && text[d.to] <= '9' {
				continue
			}
			paired[i] = true
			for _, begun := range all {
				paired[begun] = true
			}
			all, open = all[:0], [256]int{}
		default:
			sign := code[len(dot)]
			if begun := open[sign]; sign != '$' && begun > 0 {
				paired[i], paired[begun-1] = true, true
				open[sign] = 0
				continue
			}
			open[sign] = i + 1
			all = append(all, i)
		}
	}
	return dots, paired
}
