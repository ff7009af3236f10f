package msn

import (
	"strconv"
	"strings"

	"matrix-msn/msn/wire"
)

// online applies ILN ("trid status account name [caps [object]]") and NLN, which
// has no TrID (protocol/03-presence.md, section 3).
func (b *book) online(cmd wire.Command) []Event {
	args := cmd.Args
	if cmd.Verb == "ILN" && len(args) > 0 {
		args = args[1:]
	}
	if len(args) < 2 {
		return nil
	}
	contact := b.open(args[1])
	if contact == nil {
		return nil
	}
	contact.Status = parseStatus(args[0])
	if name := argAt(args, 2); name != "" {
		contact.Name = decodeName(name)
	}
	contact.Capabilities = parseCapabilities(argAt(args, 3))
	contact.Object = parseObject(argAt(args, 4))
	return []Event{PresenceChanged{Contact: *contact, Initial: cmd.Verb == "ILN"}}
}

// offline applies FLN ("account …"). Name, picture and personal message stay as
// they were last seen.
func (b *book) offline(cmd wire.Command) []Event {
	contact := b.open(cmd.Arg(0))
	if contact == nil {
		return nil
	}
	contact.Status = Offline
	contact.Capabilities = 0
	return []Event{PresenceChanged{Contact: *contact}}
}

// personal applies UBX ("account", with a payload). It may come before anything
// else is known of the contact.
func (b *book) personal(cmd wire.Command) []Event {
	contact := b.open(cmd.Arg(0))
	if contact == nil || strings.Contains(cmd.Payload, "<!") {
		return nil
	}
	contact.Personal = keep(elementText(cmd.Payload, "PSM"), maxField)
	contact.Media = keep(elementText(cmd.Payload, "CurrentMedia"), maxField)
	return []Event{PersonalMessageChanged{Contact: *contact}}
}

// parseStatus reads a status of somebody who is online. A word that nobody knows
// still says that much.
func parseStatus(s string) Status {
	switch status := Status(s); status {
	case Online, Busy, Idle, BeRightBack, Away, OnThePhone, OutToLunch:
		return Status(strings.Clone(s))
	case Hidden, Offline:
		return Offline
	}
	return Online
}

// parseCapabilities reads a capability number; what later dialects put behind a
// colon is left out.
func parseCapabilities(s string) uint32 {
	s, _, _ = strings.Cut(s, ":")
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// parseObject reads an MSNObject. "0" and an element without attributes mean that
// there is none.
func parseObject(s string) string {
	object := wire.Decode(s)
	if len(object) > maxField {
		return "" // a part of it is of no use
	}
	object = keep(object, maxField)
	if object == "0" || strings.ReplaceAll(object, " ", "") == "<msnobj/>" {
		return ""
	}
	return object
}

// elementText returns the text of the first element called name. Servers write
// XML that is not well-formed into UBX (protocol/03-presence.md, section 6), so
// this is not parsed as XML: the text is what stands between the tags.
func elementText(doc, name string) string {
	_, rest, ok := strings.Cut(doc, "<"+name+">")
	if !ok {
		return ""
	}
	text, _, ok := strings.Cut(rest, "</"+name+">")
	if !ok {
		return ""
	}
	return unescapeXML(text)
}

// unescapeXML replaces the five entities of XML and numeric references. What is
// neither stays as it is.
func unescapeXML(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "&")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, rest, ok := strings.Cut(after, ";")
		char, known := entity(name)
		if !ok || !known {
			b.WriteByte('&')
			s = after
			continue
		}
		b.WriteRune(char)
		s = rest
	}
}

func entity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, ok := strings.CutPrefix(name, "#")
	if !ok {
		return 0, false
	}
	base := 10
	if hex, ok := strings.CutPrefix(strings.ToLower(digits), "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	if err != nil || n == 0 {
		return 0, false
	}
	return rune(n), true // WriteRune makes U+FFFD of what is no character
}
