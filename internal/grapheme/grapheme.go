// Package grapheme cuts texts where people see the end of a character: never inside
// an emoji that consists of several code points, nor between a letter and its accent.
package grapheme

import (
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// longest is the longest cluster that is kept whole, in bytes. The longest emoji in use
// has 35; somebody who stacks accents on a letter without end gets it cut.
const longest = 128

// Cut cuts s in two. The head is valid UTF-8 as far as s is, has at most n bytes and ends
// with a whole cluster, unless the first cluster alone is longer than n, or than any in
// use: then it ends with a whole code point. The head of a text of at most n bytes is all
// of it.
func Cut(s string, n int) (head, rest string) {
	if len(s) <= n {
		return s, ""
	}
	if n <= 0 {
		return "", s
	}
	end := n
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	// Clusters are found from their beginning only: begin where one surely begins
	// before the cut, at an ASCII character that is no part of a cluster.
	start := end
	for start > 0 && end-start < 2*longest && !(s[start] < utf8.RuneSelf && s[start-1] < utf8.RuneSelf && s[start] != '\n') {
		start--
		for start > 0 && !utf8.RuneStart(s[start]) {
			start--
		}
	}
	at, state := start, -1
	for at < end {
		cluster, _, _, next := uniseg.StepString(s[at:], state)
		if at+len(cluster) > end {
			break
		}
		at, state = at+len(cluster), next
	}
	if at == 0 || end-at > longest {
		at = end
	}
	if at == 0 { // not even one code point fits
		_, at = utf8.DecodeRuneInString(s)
	}
	return s[:at], s[at:]
}

// Limit returns the beginning of s of at most n bytes, as Cut does; a first code point
// that is longer than n is left out.
func Limit(s string, n int) string {
	head, _ := Cut(s, n)
	if len(head) > n {
		return ""
	}
	return head
}

// Split cuts s into pieces of at most n bytes each, as Cut does. There is at least one
// piece, which is empty when s is.
func Split(s string, n int) []string {
	var pieces []string
	for {
		head, rest := Cut(s, n)
		pieces = append(pieces, head)
		if rest == "" {
			return pieces
		}
		s = rest
	}
}

// First returns the first n characters of s, as people count them, and whether that is
// all of it.
func First(s string, n int) (head string, all bool) {
	at, state := 0, -1
	for range n {
		if at == len(s) {
			return s, true
		}
		cluster, _, _, next := uniseg.StepString(s[at:], state)
		at, state = at+len(cluster), next
	}
	return s[:at], at == len(s)
}
