package wire

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"matrix-msn/msn/internal/xmltext"
)

// Limits of the payload of ADL, RML and FQY (protocol/02-contacts.md,
// section 5.1). Servers refuse, or close the connection at, more.
const (
	MaxMembers       = 150
	MaxMembersLength = 7500
	// maxParsedMembers is how many are read of one payload: a server may list
	// more than a client may.
	maxParsedMembers = 10000
	// maxMembersDepth is how deep elements may be nested; MSNP21 has 4.
	maxMembersDepth = 16
)

// Member is one person in the payload of ADL, RML and FQY.
type Member struct {
	Account string // "bob@example.com", or "tel:+15551112222"
	Lists   uint8  // bits of the roster lists; 0 when the payload does not say
	Network int    // 1 is MSN; 0 when the payload does not say
	Name    string // display name, encoded as in parameters; in what servers send
}

// FormatMembers makes payloads of a list of people: as many as the limits ask for,
// each complete in itself. initial marks the list that is sent at sign-in. Without
// people there is one payload when initial, which says so, and none otherwise.
// Accounts without "@" that are no phone numbers are left out.
func FormatMembers(members []Member, initial bool) []string {
	open, end := "<ml>", "</ml>"
	if initial {
		open = `<ml l="1">`
	}
	var payloads []string
	for rest := members; len(rest) > 0 || initial && payloads == nil; {
		body, taken := formatSome(rest, MaxMembersLength-len(open)-len(end))
		rest = rest[taken:]
		if body != "" || len(rest) == 0 && payloads == nil && initial {
			payloads = append(payloads, open+body+end)
		}
	}
	return payloads
}

// formatSome writes the first members, as many as go into so many bytes.
func formatSome(members []Member, room int) (body string, taken int) {
	var b strings.Builder
	domain := "" // of the element that is open
	count := 0
	for ; taken < len(members) && count < MaxMembers; taken++ {
		m := members[taken]
		entry, in, ok := formatMember(m)
		if !ok {
			continue
		}
		open, end := closing(domain), ""
		if in == domain {
			open = ""
		} else {
			open += opening(in)
		}
		end = closing(in)
		if b.Len()+len(open)+len(entry)+len(end) > room {
			if count == 0 {
				continue // one that fits nowhere
			}
			break
		}
		b.WriteString(open + entry)
		domain = in
		count++
	}
	b.WriteString(closing(domain))
	return b.String(), taken
}

// phones is the domain of telephone numbers.
const phones = "tel:"

// formatMember returns a member's element and the domain it belongs to.
func formatMember(m Member) (entry, domain string, ok bool) {
	name := m.Account
	if strings.HasPrefix(m.Account, phones) {
		domain = phones
	} else if name, domain, ok = strings.Cut(m.Account, "@"); !ok || name == "" || domain == "" {
		return "", "", false
	}
	var b strings.Builder
	b.WriteString(`<c n="` + xmltext.Escape(name) + `"`)
	if m.Lists != 0 {
		b.WriteString(` l="` + strconv.Itoa(int(m.Lists)) + `"`)
	}
	if m.Network != 0 && domain != phones {
		b.WriteString(` t="` + strconv.Itoa(m.Network) + `"`)
	}
	if m.Name != "" {
		b.WriteString(` f="` + xmltext.Escape(m.Name) + `"`)
	}
	b.WriteString("/>")
	return b.String(), domain, true
}

func opening(domain string) string {
	if domain == phones {
		return "<t>"
	}
	return `<d n="` + xmltext.Escape(domain) + `">`
}

func closing(domain string) string {
	switch domain {
	case "":
		return ""
	case phones:
		return "</t>"
	}
	return "</d>"
}

// ErrMembers says that a payload is no list of people.
var ErrMembers = errors.New("msn: not a list of people")

// ParseMembers reads the payload of ADL, RML and FQY, either side's. Unknown
// elements and attributes are passed over. The error wraps ErrMembers; what was read
// before the mistake is returned with it.
func ParseMembers(payload string) ([]Member, error) {
	if strings.Contains(payload, "<!") {
		return nil, fmt.Errorf("%w: a document type, comment or CDATA section", ErrMembers)
	}
	d := xml.NewDecoder(strings.NewReader(xmltext.Clean(payload)))
	d.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	var members []Member
	var domain string
	depth := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			return members, nil
		}
		if err != nil {
			return members, fmt.Errorf("%w: %v", ErrMembers, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth > maxMembersDepth {
				return members, fmt.Errorf("%w: nested too deeply", ErrMembers)
			}
			switch token.Name.Local {
			case "d":
				domain = attribute(token, "n")
			case "t":
				domain = phones
			case "c":
				if m, ok := parseMember(token, domain); ok && len(members) < maxParsedMembers {
					members = append(members, m)
				}
			}
		case xml.EndElement:
			depth--
		}
	}
}

func parseMember(c xml.StartElement, domain string) (Member, bool) {
	name := attribute(c, "n")
	m := Member{Account: name + "@" + domain, Name: attribute(c, "f")}
	if domain == phones {
		m.Account = phones + strings.TrimPrefix(name, phones)
	}
	m.Lists, m.Network = uint8(number(c, "l", 8)), int(number(c, "t", 16))
	return m, name != "" && domain != "" && utf8.ValidString(m.Account)
}

// number reads a number of so many bits, 0 if it is not a number.
func number(e xml.StartElement, name string, bits int) uint64 {
	n, err := strconv.ParseUint(attribute(e, name), 10, bits)
	if err != nil {
		return 0
	}
	return n
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}
