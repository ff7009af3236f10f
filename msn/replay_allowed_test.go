package msn

import (
	"slices"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// recordedPassword is that of every account in the recordings of this
// repository.
const recordedPassword = "secret123"

// difference says why what this client sends may differ from what the recorded
// client sent in its place, or "" when it may not. This is the one list of
// allowed differences; beyond it verb and parameters must be equal, TrIDs apart.
func difference(d wire.Dialect, recorded, sent wire.Command) string {
	if recorded.Verb != sent.Verb {
		return ""
	}
	was, is := recorded.Args[min(1, len(recorded.Args)):], sent.Args[min(1, len(sent.Args)):]
	switch recorded.Verb {
	case "VER":
		if want := append(spoken(was), "CVR0"); slices.Equal(want, is) {
			return "this client offers the dialects it speaks, spelt as the specification does, and CVR0"
		}
	case "CVR":
		if d < 4 && len(was) > 6 && slices.Equal(was[:6], is) {
			return "CVR has six parameters to MSNP3 (protocol/07-misc-founding-spec.md, section 1); the recorded client sent more"
		}
		if d < 8 && len(was) > 7 && slices.Equal(was[:7], is) {
			return "CVR has seven parameters to MSNP7; the recorded client sent more"
		}
	case "USR":
		if len(was) == 3 && len(is) == 3 && was[0] == "MD5" && is[0] == "MD5" && was[1] == "S" && is[1] == "S" {
			return "the recorded client used another password"
		}
		if len(was) == 3 && len(is) == 3 && was[0] != is[0] && was[1] == "I" && is[1] == "I" && was[2] == is[2] {
			return "the recorded client asked for a security package that its dialect does not have"
		}
	case "SND":
		if len(was) > 0 && len(is) > 0 && was[0] == is[0] {
			return "SND has one to four parameters by dialect (protocol/07-misc-founding-spec.md, section 3); the recorded client took no heed"
		}
	case "ADL":
		if samePeople(recorded.Payload, sent.Payload) {
			return "the same people, in another order or with other quotation marks"
		}
	case "BLP":
		if len(was) == 1 && len(is) == 1 {
			return "this client leaves the setting as the address book has it"
		}
	case "PRP", "ADG", "REG", "REA", "SBP":
		if slices.EqualFunc(was, is, func(a, b string) bool { return wire.Decode(a) == wire.Decode(b) }) {
			return "letters beyond ASCII go as they are; the recorded client encoded them"
		}
	case "ADD":
		if len(was) >= 3 && len(is) == len(was) && slices.Equal(was[:2], is[:2]) && slices.Equal(was[3:], is[3:]) {
			return "a contact is put on a list by the name that is known; the recorded client gave another, or encoded it otherwise"
		}
	case "ADC":
		if len(was) == 3 && len(is) == 3 && slices.Equal(was[:2], is[:2]) && strings.HasPrefix(was[2], "F=") && strings.HasPrefix(is[2], "F=") {
			return "a contact is put on the list by the name that is known; the recorded client gave another, or encoded it otherwise"
		}
	case "UUX":
		if d >= wire.FirstEndpoints && strings.Contains(recorded.Payload, "EndpointData>") {
			return "what a place says of itself: capabilities and a name of its own"
		}
		if xmltext.Element(recorded.Payload, "PSM") == xmltext.Element(sent.Payload, "PSM") && xmltext.Element(recorded.Payload, "CurrentMedia") == "" {
			return "the same personal message without the number of a machine, or quoted otherwise"
		}
	case "SYN":
		if len(is) == len(was) {
			return "this client always asks for the whole list, the recorded one asked for changes"
		}
	case "CHG":
		switch {
		case d >= wire.FirstEndpoints && len(was) >= 2 && len(is) == 2 && was[0] == is[0] && strings.HasSuffix(is[1], ":32"):
			return "this client has no extended capabilities and no display picture"
		case len(was) >= 2 && len(is) == 2 && was[0] == is[0] && was[1] == "0":
			return "a capability number of 0 cannot be configured: it means the default"
		case len(was) == 3 && len(is) == 2 && slices.Equal(was[:2], is):
			return "this client has no display picture yet"
		case d < 8 && len(was) > 1 && slices.Equal(was[:1], is):
			return "CHG has no capability number before MSNP8; the recorded client sent one"
		case len(was) == 2 && len(is) == 2 && was[0] == is[0]:
			return "the recorded client changed its capability number in mid-session"
		}
	case "MSG":
		if len(was) == 1 && len(is) == 1 && sameMessage(recorded.Payload, sent.Payload) {
			return "this client always asks for an acknowledgement (A), its header has no fields that only name a program, and its nudges have the form of official clients"
		}
	case "QRY":
		if len(was) != 1 || len(is) != 1 {
			break
		}
		if was[0] != is[0] {
			return "the recorded client called itself another product"
		}
		if len(recorded.Payload) == 32 && strings.Trim(recorded.Payload, "0") == "" {
			return "the recorded client gave a wrong answer on purpose"
		}
	}
	return ""
}

// place says why a command of the recorded client is sent at another place by
// this one, or "".
func place(d wire.Dialect, verb string) string {
	if verb == "CVR" && d < 8 {
		return "CVR is optional to MSNP7 and official clients sent it after the first CHG; the recorded client sent it before signing in"
	}
	return ""
}

// never says why this client does not send a command that the recorded client
// sent, or "" when it has to.
func never(cmd wire.Command) string {
	switch cmd.Verb {
	case "PNG":
		return "the heartbeat follows a clock"
	case "LST", "LSG":
		return "this client asks for all lists at once"
	case "ADL", "RML", "FQY":
		return "told to the server when the address book changes, which a recorded client does by web services"
	case "UUN", "UUM":
		return "which place or contact it is for is not in the recorded client's lists as this interface has them"
	case "IMS", "GCF", "NOT", "IPG", "LKP":
		return "the interface has no such request"
	case "VER", "INF", "USR", "SYN":
		return "done once, while signing in"
	case "CHG":
		if status := Status(cmd.Arg(1)); !status.Settable() {
			return "no status that a user can have"
		}
	case "XFR":
		if cmd.Arg(1) != "SB" {
			return "asks for nothing but switchboards"
		}
	case "QRY":
		return "sent only in answer to CHL"
	case "MSG":
		return "messages go through switchboards"
	case "OUT", "CAL", "ANS", "CVR", "URL", "SND", "SDC", "FND", "PAG", "PGD",
		"ADD", "ADC", "REM", "REA", "SBP", "ADG", "RMG", "REG", "GTC", "BLP", "PRP", "UUX":
	default:
		return "no command of this protocol"
	}
	return ""
}

// spoken returns the dialects in a VER that this client speaks, in its spelling.
func spoken(names []string) []string {
	var known []string
	for _, name := range names {
		if d, ok := wire.ParseDialect(name); ok && d >= MinDialect && d <= MaxDialect {
			known = append(known, d.String())
		}
	}
	return known
}

// sameMessage compares what a reader of two messages would see.
func sameMessage(a, b string) bool {
	m, n := wire.ParseMessage(a), wire.ParseMessage(b)
	if isNudge(m) && isNudge(n) {
		return true
	}
	format := m.Header.Get("X-MMS-IM-Format")
	if len(format) > MaxFormat {
		format = ""
	}
	return m.MediaType() == n.MediaType() && clean.LF(m.Text()) == clean.LF(n.Text()) &&
		format == n.Header.Get("X-MMS-IM-Format") && m.Header.Get("TypingUser") == n.Header.Get("TypingUser")
}

// otherPassword reports whether a recorded MD5 proof was made with another
// password than the recordings of this repository have.
func otherPassword(salt, proof string) bool {
	return passport.MD5Response(salt, recordedPassword) != proof
}
