package msgconv

import (
	"strings"

	"matrix-msn/bridge/emoticon"
)

// How texts become lines: blanks that are one, what stands before each line, and emoji.

// flush writes what stands before the next text: the ends of lines, and what a line begins
// with.
func (w *writer) flush() {
	if !w.inLine && w.out.Len() == 0 {
		w.gap = 0
	}
	for w.gap > 0 {
		w.out.WriteByte('\n')
		w.inLine = false
		if w.gap--; w.gap > 0 {
			w.beginLine(true)
		}
	}
	if !w.inLine {
		w.beginLine(false)
		w.inLine, w.blank = true, false
	}
	if w.blank {
		w.out.WriteByte(' ')
		w.blank = false
	}
	w.after = false
}

// beginLine writes what a line begins with. An empty one has what the open blocks have begun, without
// the blanks at its end.
func (w *writer) beginLine(empty bool) {
	blanks := 0 // which are written when something follows
	for i := range w.prefixes {
		p := &w.prefixes[i]
		next := p.rest
		if !p.begun {
			if empty {
				continue
			}
			next, p.begun = p.first, true
		}
		if !empty {
			w.out.WriteString(next)
			continue
		}
		shown := strings.TrimRight(next, " ")
		if shown != "" {
			for ; blanks > 0; blanks-- {
				w.out.WriteByte(' ')
			}
			w.out.WriteString(shown)
		}
		blanks += len(next) - len(shown)
	}
}

// say writes a text of the document.
func (w *writer) say(text string, s style) {
	if w.emoticons && w.verbatim == 0 {
		text = emoticon.FromEmojiBehind(w.beside(), text)
	}
	if w.pre > 0 {
		w.lines(text, s)
		return
	}
	w.words(text, s)
}

// beside returns what was written right before the next text: nothing is where a blank, a line end or
// a sign comes first.
func (w *writer) beside() string {
	if w.blank || w.gap > 0 || w.waiting > 0 || !w.inLine {
		return ""
	}
	written := w.out.String()
	return written[max(len(written)-maxBeside, 0):]
}

// maxBeside is how much is looked at of what stands before a text, in bytes: more than any emoticon has.
const maxBeside = 16

// words writes a text in which any number of blanks and line ends is one blank.
func (w *writer) words(text string, s style) {
	for i := 0; i < len(text); {
		if isHTMLBlank(text[i]) {
			w.blank = w.inLine && w.gap == 0
			i++
			continue
		}
		end := i + 1 // of words with one blank between them, which are written as they are
		for end < len(text) && (!isHTMLBlank(text[end]) || text[end] == ' ' && end+1 < len(text) && !isHTMLBlank(text[end+1])) {
			end++
		}
		w.flush()
		w.put(text[i:end], s)
		i = end
	}
}

// lines writes a text whose blanks and line ends count.
func (w *writer) lines(text string, s style) {
	if w.cells > 0 {
		w.words(text, s)
		return
	}
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			w.gap++
		}
		if line = strings.TrimSuffix(line, "\r"); line != "" {
			w.flush()
			w.put(line, s)
		}
	}
}

// put writes what stands in one line.
func (w *writer) put(text string, s style) {
	if w.waiting > 0 {
		for i := range w.open {
			if e := &w.open[i]; e.waits {
				w.out.WriteString(e.sign)
				e.waits = false
			}
		}
		w.waiting = 0
	}
	w.out.WriteString(text)
	if !w.styled {
		w.styled, w.uniform, w.common = true, true, s
	} else if s != w.common {
		w.uniform = false
	}
}
