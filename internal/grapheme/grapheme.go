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
// with a whole cluster, unless the first cluster alone is longer than n: then it ends with a
// whole code point, of which there is at least one. The head of a text of at most n bytes
// is all of it.
func Cut(s string, n int) (head, rest string) {
	switch {
	case len(s) <= n:
		return s, ""
	case n <= 0:
		return "", s
	}
	at := boundary(s, n)
	if at == 0 {
		at = codePoint(s, n)
	}
	if at == 0 { // not even one fits
		_, at = utf8.DecodeRuneInString(s)
	}
	return s[:at], s[at:]
}

// Limit returns the beginning of s of at most n bytes that ends with a whole cluster.
func Limit(s string, n int) string {
	switch {
	case len(s) <= n:
		return s
	case n <= 0:
		return ""
	}
	return s[:boundary(s, n)]
}

// codePoint returns the end of the last code point that ends at n or before.
func codePoint(s string, n int) int {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

// boundary returns the end of the last cluster that ends at n or before, which is less than
// the length of s. In a cluster that is longer than any in use that is the end of a code
// point.
func boundary(s string, n int) int {
	end := codePoint(s, n)
	start, seen := around(s, end)
	at, state := start, -1
	for at < end {
		cluster, _, _, next := uniseg.StepString(seen[at-start:], state)
		if at+len(cluster) > end {
			break
		}
		at, state = at+len(cluster), next
	}
	if end-at > longest {
		return end
	}
	return at
}

// around returns what of s is read to find the last cluster that ends at end or before, and where that begins. It is never more than a
// few times longest: one who reads a cluster without end to its end for each cut takes time with the square of the text.
func around(s string, end int) (start int, seen string) {
	// Clusters are found from their beginning only: begin where one surely begins before
	// the cut, between two ASCII characters.
	start = end
	for start > 0 && end-start < 2*longest && !(s[start] < utf8.RuneSelf && s[start-1] < utf8.RuneSelf && s[start] != '\n') {
		start = codePoint(s, start-1)
	}
	// What is behind the cut matters no further than a cluster that is kept whole reaches.
	return start, s[start:min(end+2*longest, len(s))]
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
