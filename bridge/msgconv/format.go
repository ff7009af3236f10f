// Package msgconv converts text between Matrix and MSN: pure functions, without
// state and without network.
//
// One MSN message has one style (protocol/04-switchboard.md, section 3.1). Bold,
// italic, underline, strike-through and colour map both ways when they cover the
// whole message; where they cover a part, the text goes out plain.
package msgconv

import (
	"fmt"
	"strconv"
	"strings"
)

// style is what one MSN message as a whole looks like. The zero value is plain.
type style struct {
	bold, italic, underline, strike bool
	colour                          string // "#rrggbb", or "" for the reader's own
	rightToLeft                     bool
}

// defaultFont is announced for outgoing text: a font that every Windows has.
const defaultFont = "Microsoft%20Sans%20Serif"

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
		case "CO":
			s.colour = fromBGR(value)
		case "RL":
			s.rightToLeft = value == "1"
		}
	}
	return s
}

// fromBGR turns the hexadecimal blue-green-red of CO, leading zeros missing, into
// "#rrggbb". Black is the default colour of every client: it comes out as none,
// so that the text stays readable on a dark background.
func fromBGR(value string) string {
	n, err := strconv.ParseUint(value, 16, 32)
	if err != nil || n == 0 || n > 0xFFFFFF {
		return ""
	}
	return fmt.Sprintf("#%02x%02x%02x", n&0xFF, n>>8&0xFF, n>>16)
}

// toBGR undoes fromBGR.
func toBGR(colour string) string {
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil || len(colour) != len("#rrggbb") {
		return "0"
	}
	return strconv.FormatUint(n&0xFF<<16|n&0xFF00|n>>16, 16)
}

// String returns the value of X-MMS-IM-Format.
func (s style) String() string {
	var effects strings.Builder
	for _, effect := range []struct {
		on   bool
		code byte
	}{{s.bold, 'B'}, {s.italic, 'I'}, {s.underline, 'U'}, {s.strike, 'S'}} {
		if effect.on {
			effects.WriteByte(effect.code)
		}
	}
	value := fmt.Sprintf("FN=%s; EF=%s; CO=%s; CS=0; PF=22", defaultFont, effects.String(), toBGR(s.colour))
	if s.rightToLeft {
		value += "; RL=1"
	}
	return value
}
