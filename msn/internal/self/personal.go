package self

import (
	"context"
	"unicode/utf8"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/wire"
)

// MaxPersonal is the longest personal message in characters: official clients let nobody
// write more (protocol/03-presence.md, section 6).
const MaxPersonal = 129

// SetPersonal sets the personal message that contacts see below the user's name (UUX), one
// line, and returns when the server has taken it; "" takes it away. It holds for this session:
// the next one begins with what the server keeps, which may be nothing.
//
// The error is errs.ErrDialect below MSNP11, and errs.ErrTooLong.
func (s *Self) SetPersonal(ctx context.Context, text string) error {
	text = clean.Line(text)
	switch {
	case s.conn.Dialect() < wire.FirstPersonal:
		return errs.ErrDialect
	case utf8.RuneCountInString(text) > MaxPersonal:
		return errs.ErrTooLong
	}
	// Media are named too: services take what is left out for what was there before. What
	// else official clients put here is about the machine, and nobody's business.
	payload := "<Data><PSM>" + xmltext.Escape(text) + "</PSM><CurrentMedia></CurrentMedia></Data>"
	return s.conn.Call(ctx, wire.New("UUX").WithPayload(payload), func(wire.Command) error { return nil })
}
