// Package emoticon translates between the emoticons of MSN, which are plain text such as ":)" and
// "(Y)", and emoji. It is pure: no state and no network.
//
// MSN shows a code wherever it stands, also inside of words and addresses. People who read a text
// in Matrix would not forgive that: what may be code, a link, a list or part of a word stays
// as it is.
package emoticon

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// ToEmoji returns the text of an MSN message with emoji in the place of emoticons. A text that
// holds none comes back as it is. It takes time in proportion to the length of the text.
func ToEmoji(text string) string {
	if !holdsCode(text) {
		return text
	}
	var out strings.Builder
	out.Grow(len(text) + len(text)/8) // most emoji take more than what stands for them
	lists := listsOf(text)
	fences := strings.Contains(text, fence)
	fenced, read := false, 0 // in code between two fences
	for line := range strings.Lines(text) {
		read += len(line)
		if fences && strings.Count(line, fence)%2 == 1 && (fenced || strings.Contains(text[read:], fence)) {
			fenced = !fenced
			out.WriteString(line)
			continue
		}
		if fenced || !holdsCode(line) || looksLikeCode(line) {
			out.WriteString(line)
			continue
		}
		translate(&out, line, lists)
	}
	return out.String()
}

// fence is what people write before and behind code of several lines.
const fence = "```"

// at returns the code that begins at a place in a text, the longest of several.
func at(text string, i int) (c code, ok bool) {
	if i+1 >= len(text) || codes[text[i]] == nil {
		return c, false
	}
	for _, c := range codes[text[i]][text[i+1]] {
		if strings.HasPrefix(text[i:], c.text) {
			return c, true
		}
	}
	return c, false
}

func holdsCode(text string) bool {
	for i := range len(text) {
		if _, ok := at(text, i); ok {
			return true
		}
	}
	return false
}

// translate writes a line with emoji. lists is what numbers lists in the text.
func translate(out *strings.Builder, line string, lists lists) {
	first := lead(line)
	quoted := false // between backticks
	begin := 0      // of the word that i stands in
	// The end of the word that was looked at last, and whether it stays as it is.
	end, stays := 0, false
	done := 0 // up to where out is written, which is right behind the last emoticon
	for i := 0; i < len(line); {
		if !counts[line[i]] {
			i++
			continue
		}
		c, ok := at(line, i)
		if ok && i >= end {
			end, stays = word(line, begin)
		}
		if ok && !quoted && !stays && (done == i && i > 0 || mayBegin(line, i, c)) && mayEnd(line, i, c) && !isListMark(line, i, c, lists, i == first) && !isSymbol(line, i, c) {
			out.WriteString(line[done:i])
			out.WriteString(c.emoji)
			i += len(c.text)
			done = i
			continue
		}
		switch {
		case line[i] == '`':
			quoted = !quoted && strings.IndexByte(line[i+1:], '`') >= 0
		case isBlank(line[i]):
			begin = i + 1
		}
		i++
	}
	out.WriteString(line[done:])
}

// Word returns the end of the word that begins at a place of a text, and reports whether it is an address,
// in which nothing stands for anything else.
func Word(text string, begin int) (end int, address bool) {
	if isBlank(text[begin]) {
		return begin + 1, false
	}
	return word(text, begin)
}

// word returns the end of the word that begins at a place, and reports whether it is an address.
func word(line string, begin int) (end int, address bool) {
	end = begin
	for end < len(line) && !isBlank(line[end]) {
		end++
	}
	w := line[begin:end]
	return end, strings.Contains(w, "://") || hasPrefixFold(w, "www.") || hasPrefixFold(w, "mailto:") || isMail(w)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// isMail reports whether a word looks like an e-mail address or a Matrix ID.
func isMail(w string) bool {
	name, host, ok := strings.Cut(w, "@")
	return ok && name != "" && host != "" && isLetter(name[len(name)-1]) && isLetter(host[0])
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isLetter(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// runeBefore and runeAfter return the characters beside a place, 0 for none.
func runeBefore(line string, i int) rune {
	if i == 0 {
		return 0
	}
	r, _ := utf8.DecodeLastRuneInString(line[:i])
	return r
}

func runeAfter(line string, i int) rune {
	if i >= len(line) {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(line[i:])
	return r
}

// Faces that people write behind a word without a blank.
var faces = map[string]bool{":)": true, ":-)": true, ";)": true, ";-)": true, ":(": true, ":-(": true, ":'(": true, ":^)": true}

// mayBegin reports whether a code may begin at a place, by what stands before it.
func mayBegin(line string, i int, c code) bool {
	switch r := runeBefore(line, i); {
	case r == 0 || unicode.IsSpace(r):
		return true
	case unicode.IsDigit(r):
		return false
	case unicode.IsLetter(r):
		return faces[c.text]
	default:
		// Signs that end a sentence, or stand between two; not those of code and quotes.
		return strings.ContainsRune(".,!?…-–—)*~>“”«»", r) || r > unicode.MaxLatin1 && !unicode.IsPunct(r)
	}
}

// mayEnd reports whether a code may end where it does, by what stands behind it.
func mayEnd(line string, i int, c code) bool {
	end := i + len(c.text)
	r := runeAfter(line, end)
	switch {
	case r == 0 || unicode.IsSpace(r):
		return true
	case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
		return faces[c.text] && strings.HasSuffix(c.text, ")")
	}
	if _, more := at(line, end); more {
		return true
	}
	// A face with more mouths, as in ":)))" and ":DDD", and what ends a sentence.
	return strings.ContainsRune(".,!?…-–—)(*~<:;“”«»", r) || r > unicode.MaxLatin1
}

// What is in lines of code, and hardly in what people say.
// They stand without their first byte, by it.
var signsOfCode = [256][]string{'=': {"=", ">"}, '!': {"="}, '&': {"&"}, '(': {");"}, ':': {":", "="}, '<': {"/"}, '/': {">"}, '+': {"="}, '$': {"(", "{"}}

// codeBytes are the bytes with which signs of code begin, and braces, which may be one.
var codeBytes = func() (is [256]bool) {
	for c, rest := range signsOfCode {
		is[c] = rest != nil || c == '{' || c == '}'
	}
	return is
}()

// looksLikeCode reports whether a line may be one of a program.
func looksLikeCode(line string) bool {
	trimmed := strings.TrimRight(line, " \t\r\n")
	if trimmed != "" && strings.HasSuffix(trimmed, ";") || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t") {
		return true
	}
	braces := false
	for i := range len(trimmed) {
		c := trimmed[i]
		if !codeBytes[c] {
			continue
		}
		for _, rest := range signsOfCode[c] {
			if strings.HasPrefix(trimmed[i+1:], rest) {
				return true
			}
		}
		braces = braces || c == '{' || c == '}'
	}
	if braces {
		bare := strings.ReplaceAll(strings.ReplaceAll(trimmed, "({)", ""), "(})", "")
		return strings.ContainsAny(bare, "{}")
	}
	return false
}

// zeroWidthJoiner makes one emoji of several.
const zeroWidthJoiner = '\u200d'

// FromEmoji returns a text with the emoticons of MSN in the place of the emoji that it has one
// for. Addresses stay as they are. A text that holds none of those emoji comes back as it is.
func FromEmoji(text string) string { return FromEmojiBehind("", text) }

// FromEmojiBehind is FromEmoji for a text that stands right behind what was written before: clients of
// MSN read both as one.
func FromEmojiBehind(before, text string) string {
	var out strings.Builder
	done := 0              // up to where out is written
	end, stays := 0, false // of the word that was looked at last
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if !begins[r] || runeBefore(text, i) == zeroWidthJoiner {
			i += size
			continue
		}
		if i >= end {
			end, stays = wordAround(text, i, end)
		}
		cluster := text[i : i+size]
		emoji := cluster
		if i+size < len(text) && text[i+size] >= utf8.RuneSelf { // what makes one of several is no ASCII
			cluster, _, _, _ = uniseg.FirstGraphemeClusterInString(text[i:], -1)
			emoji = plain(cluster)
		}
		if written, ok := written[emoji]; ok && !stays {
			if done == 0 {
				out.Grow(len(text))
			}
			out.WriteString(text[done:i])
			tail := out.String()
			if len(tail) < maxCode {
				tail = before + tail
			}
			if merges(tail, written) {
				out.WriteByte(' ')
			}
			out.WriteString(written)
			done = i + len(cluster)
		}
		i += len(cluster)
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// merges reports whether a code would not be read as that behind a text: another one that begins in the
// text reaches into it, as ":(" does in ":(Y)". Nobody tells an emoticon behind a colon, either.
func merges(before, code string) bool {
	before = before[max(len(before)-maxCode, 0):]
	if strings.HasSuffix(before, ":") {
		return true
	}
	both := before + code
	for i := range len(before) {
		if other, ok := at(both, i); ok && i+len(other.text) > len(before) {
			return true
		}
	}
	return false
}

// wordAround returns the end of the word in which i stands, and reports whether it is an address.
// No word begins before from.
func wordAround(text string, i, from int) (end int, address bool) {
	begin := i
	for begin > from && !isBlank(text[begin-1]) {
		begin--
	}
	return word(text, begin)
}

// plain returns an emoji without the colour of its skin and its sex, and without what only says
// that it is shown as a picture.
func plain(emoji string) string {
	emoji = strings.Map(func(r rune) rune {
		if r == '\ufe0f' || r == '\ufe0e' || r >= '\U0001f3fb' && r <= '\U0001f3ff' {
			return -1
		}
		return r
	}, emoji)
	for _, sex := range []string{"\u200d♀", "\u200d♂"} {
		emoji = strings.TrimSuffix(emoji, sex)
	}
	return emoji
}
