package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Command is one unit of the protocol: a line and, where it has one, its
// payload. A Command that was read shares one string between all its fields;
// clone what is kept for long.
type Command struct {
	// Verb is three capital letters or digits: a command, or the number of an
	// error.
	Verb string
	// Args are the parameters as they stand on the wire: the TrID first where
	// the command has one, percent-encoding untouched, empty ones kept. The
	// length of the payload is not among them.
	Args []string
	// Payload holds the bytes that follow the line. It is a string because it is
	// never changed; it need not be UTF-8.
	Payload string
	// HasPayload tells an empty payload (a length of 0 is sent) from none.
	HasPayload bool

	bareLF bool // read from a line that ended in LF alone
}

// New makes a command without payload.
func New(verb string, args ...string) Command {
	return Command{Verb: verb, Args: args}
}

// WithPayload returns c carrying payload.
func (c Command) WithPayload(payload string) Command {
	c.Payload, c.HasPayload = payload, true
	return c
}

// Arg returns parameter i, counted from 0, or "" when there are fewer.
func (c Command) Arg(i int) string {
	if i < 0 || i >= len(c.Args) {
		return ""
	}
	return c.Args[i]
}

// TrID returns the transaction ID in the first parameter: decimal, 0 to
// 4294967295. It reports false when the first parameter is none.
func (c Command) TrID() (uint32, bool) {
	if len(c.Args) == 0 {
		return 0, false
	}
	return ParseTrID(c.Args[0])
}

// ParseTrID reads a transaction ID: 1 to 10 decimal digits, 0 to 4294967295.
func ParseTrID(s string) (uint32, bool) {
	if len(s) == 0 || len(s) > 10 || !allDigits(s) {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

// ErrorNumber returns the number of an error line, for example 911. It reports
// false for any other command.
func (c Command) ErrorNumber() (int, bool) {
	if len(c.Verb) != 3 || !allDigits(c.Verb) {
		return 0, false
	}
	n, err := strconv.Atoi(c.Verb)
	return n, err == nil
}

// ErrUnsafe is wrapped by Append when a verb or a parameter cannot be sent
// without changing the meaning of the line.
var ErrUnsafe = errors.New("msn: cannot be sent as one command")

// Append encodes c at the end of dst and returns the longer slice. When c holds
// anything that would end the line early, add a parameter or exceed the limits
// of this package, dst is returned as it was with an error that wraps ErrUnsafe:
// no parameter, whatever it contains, makes a second command.
func Append(dst []byte, c Command) ([]byte, error) {
	if !isVerb(c.Verb) {
		return dst, fmt.Errorf("%w: verb %q", ErrUnsafe, c.Verb)
	}
	count := len(c.Args)
	if c.HasPayload {
		count++
	}
	if count > MaxParams {
		return dst, fmt.Errorf("%w: %s has %d parameters, more than %d", ErrUnsafe, c.Verb, count, MaxParams)
	}
	if len(c.Payload) > MaxPayload {
		return dst, fmt.Errorf("%w: %s payload of %d bytes, more than %d", ErrUnsafe, c.Verb, len(c.Payload), MaxPayload)
	}
	switch {
	case !c.HasPayload && c.Payload != "":
		return dst, fmt.Errorf("%w: %s has a payload that is not announced", ErrUnsafe, c.Verb)
	case !c.HasPayload && announces(c):
		return dst, fmt.Errorf("%w: %s announces a payload that it does not have", ErrUnsafe, c.Verb)
	case c.HasPayload && !takesPayload(c):
		return dst, fmt.Errorf("%w: %s never has a payload", ErrUnsafe, c.Verb)
	}
	start := len(dst)
	out := append(dst, c.Verb...)
	for i, arg := range c.Args {
		if !isParam(arg) {
			return dst, fmt.Errorf("%w: parameter %d of %s holds a space, a line end or NUL", ErrUnsafe, i, c.Verb)
		}
		out = append(out, ' ')
		out = append(out, arg...)
	}
	if c.HasPayload {
		out = append(out, ' ')
		out = strconv.AppendInt(out, int64(len(c.Payload)), 10)
	}
	if len(out)-start > MaxLine {
		return dst, fmt.Errorf("%w: %s line of %d bytes, more than %d", ErrUnsafe, c.Verb, len(out)-start, MaxLine)
	}
	if c.bareLF {
		out = append(out, '\n')
	} else {
		out = append(out, '\r', '\n')
	}
	return append(out, c.Payload...), nil
}

// isParam reports whether s can stand on a line as one parameter. NUL is no
// separator, but ends strings in clients and servers written in C.
func isParam(s string) bool {
	for i := 0; i < len(s); i++ {
		if b := s[i]; b <= ' ' && (b == ' ' || b == '\r' || b == '\n' || b == 0) {
			return false
		}
	}
	return true
}

// String returns c in a form that is safe to log: passwords, tickets and hashes
// are replaced by "***", a payload by its length, and control characters and
// bytes that are no UTF-8 by U+FFFD.
func (c Command) String() string {
	var b strings.Builder
	b.WriteString(c.Verb)
	secret := secretParams(c)
	for i, arg := range c.Args {
		b.WriteByte(' ')
		switch {
		case secret.has(i):
			b.WriteString("***")
		default:
			b.WriteString(strings.Map(printable, arg))
		}
	}
	if c.HasPayload {
		fmt.Fprintf(&b, " (%d bytes)", len(c.Payload))
	}
	return b.String()
}

// printable replaces what would disturb a terminal or a log file.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return unicode.ReplacementChar
	}
	return r
}

// span is a range of parameter positions.
type span struct{ from, to int }

func (s span) has(i int) bool { return i >= s.from && i < s.to }

// secretParams says which parameters of c admit their bearer to something: the
// proofs of USR (protocol/01-login.md) and the tickets of switchboards
// (protocol/04-switchboard.md, section 1).
func secretParams(c Command) span {
	all := len(c.Args)
	switch c.Verb {
	case "USR":
		if len(c.Args) > 3 && (c.Arg(2) == "S" || c.Arg(2) == "A") {
			return span{3, all} // login: USR trid TWN S ticket, USR trid SHA A ticket
		}
		if len(c.Args) == 3 && c.Arg(1) != "OK" {
			return span{2, all} // switchboard: USR trid account ticket
		}
	case "ANS":
		if c.Arg(1) != "OK" {
			return span{2, 3}
		}
	case "XFR":
		if c.Arg(1) == "SB" {
			return span{4, 5}
		}
	case "RNG":
		return span{3, 4}
	}
	return span{}
}

func isVerb(s string) bool {
	if len(s) != 3 {
		return false
	}
	if allDigits(s) {
		return true
	}
	for i := 0; i < len(s); i++ {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
