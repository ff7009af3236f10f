// Package msgconv converts text between Matrix and MSN: pure functions, without
// state and without network.
//
// One MSN message has one style (protocol/04-switchboard.md, section 3.1). Bold,
// italic, underline, strike-through and colour map both ways when they cover the
// whole message; where they cover a part, the text goes out plain.
package msgconv

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// style is what one MSN message as a whole looks like. The zero value is plain.
type style struct {
	bold, italic, underline, strike bool
	fixed                           bool   // a font whose letters are of one width
	colour                          string // "#rrggbb", or "" for the reader's own
	rightToLeft                     bool
}

// What is announced for outgoing text: fonts that every Windows has, with their pitch and family.
const (
	defaultFont, defaultPitch = "Microsoft%20Sans%20Serif", 22
	fixedFont, fixedPitch     = "Courier%20New", 31
)

// fixedFonts are fonts in which people write code.
var fixedFonts = []string{"courier", "courier new", "lucida console", "lucida sans typewriter", "consolas", "fixedsys", "terminal", "monospace", "andale mono", "dejavu sans mono", "monaco", "menlo"}

// parseStyle reads a value of X-MMS-IM-Format. What it does not understand it
// leaves out; it never fails.
func parseStyle(format string) style {
	var s style
	for field := range strings.SplitSeq(format, ";") {
		key, value, _ := strings.Cut(field, "=")
		value = strings.TrimSpace(value)
		switch strings.ToUpper(strings.TrimSpace(key)) {
		case "EF":
			effects := strings.ToUpper(value)
			s.bold = strings.Contains(effects, "B")
			s.italic = strings.Contains(effects, "I")
			s.underline = strings.Contains(effects, "U")
			s.strike = strings.Contains(effects, "S")
		case "FN":
			font, err := url.QueryUnescape(value)
			s.fixed = err == nil && slices.Contains(fixedFonts, strings.ToLower(strings.TrimSpace(font)))
		case "CO":
			s.colour = fromBGR(value)
		case "RL":
			s.rightToLeft = value == "1"
		}
	}
	return s
}

// fromBGR turns the hexadecimal blue-green-red of CO, leading zeros missing, into
// "#rrggbb". A colour that cannot be read on a light or on a dark background comes out as none:
// nobody knows which one the reader has. Black is among those, the default of every client.
func fromBGR(value string) string {
	n, err := strconv.ParseUint(value, 16, 32)
	if err != nil || n > 0xFFFFFF {
		return ""
	}
	red, green, blue := n&0xFF, n>>8&0xFF, n>>16
	if light := luminance(red, green, blue); contrast(light, 1) < readable || contrast(light, darkBackground) < readable {
		return ""
	}
	return fmt.Sprintf("#%02x%02x%02x", red, green, blue)
}

const (
	// darkBackground is the luminance of what clients call dark; white has 1.
	darkBackground = 0.01
	// readable is the least contrast with which large letters are for everybody (WCAG 2.1, 1.4.3). Half of
	// the colours that Messenger offers have it with both backgrounds: red, green, olive, teal, fuchsia and grey.
	readable = 3
)

// luminance returns how light a colour is, from 0 to 1, and contrast how much two of them
// differ, from 1 to 21 (WCAG 2.1).
func luminance(red, green, blue uint64) float64 {
	linear := func(channel uint64) float64 {
		c := float64(channel) / 255
		if c <= 0.03928 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(red) + 0.7152*linear(green) + 0.0722*linear(blue)
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// onWhite reports whether a colour "#rrggbb" can be read on white, which the windows of MSN are.
func onWhite(colour string) bool {
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	return err == nil && contrast(luminance(n>>16, n>>8&0xFF, n&0xFF), 1) >= readable
}

// toBGR undoes fromBGR. It is "0" or six digits: some clients take them two by two from the left.
func toBGR(colour string) string {
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil || len(colour) != len("#rrggbb") || n == 0 {
		return "0"
	}
	return fmt.Sprintf("%06x", n&0xFF<<16|n&0xFF00|n>>16)
}

// String returns the value of X-MMS-IM-Format.
func (s style) String() string {
	if s == (style{}) {
		return plainFormat // as nearly all texts have it
	}
	return s.format()
}

// plainFormat is the format of a text without a style.
var plainFormat = style{}.format()

func (s style) format() string {
	var effects strings.Builder
	for _, effect := range []struct {
		on   bool
		code byte
	}{{s.bold, 'B'}, {s.italic, 'I'}, {s.underline, 'U'}, {s.strike, 'S'}} {
		if effect.on {
			effects.WriteByte(effect.code)
		}
	}
	font, pitch := defaultFont, defaultPitch
	if s.fixed {
		font, pitch = fixedFont, fixedPitch
	}
	value := fmt.Sprintf("FN=%s; EF=%s; CO=%s; CS=0; PF=%d", font, effects.String(), toBGR(s.colour), pitch)
	if s.rightToLeft {
		value += "; RL=1"
	}
	return value
}
