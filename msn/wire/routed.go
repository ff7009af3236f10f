package wire

import (
	"strconv"
	"strings"
)

// Routed is the payload of PUT, NFY, DEL and SDG from MSNP18 on
// (protocol/04-switchboard.md, sections 4 and 5): three blocks of header lines, each
// with an empty line behind it, and a body.
type Routed struct {
	Routing     Header // "Routing: 1.0", To, From
	Reliability Header // "Reliability: 1.0"
	Content     Header // of the body: Messaging, Publication or Notification
	Body        string
}

// ParseRouted splits a payload. The body is all that follows the third block, whatever
// Content-Length says: a server is known that counts characters there.
//
// Servers read the routing block to see who is speaking where, and relay what the
// sender wrote. So that nobody is taken for somebody else by what one reader sees and
// another does not, it reports false when that block is anything but lines of
// "Name: value" in printable ASCII, each name once, with CR LF behind them.
func ParseRouted(payload string) (r Routed, ok bool) {
	routing, rest, ok := strings.Cut(payload, "\r\n\r\n")
	if !ok || !strings.HasPrefix(routing, "Routing:") || !plainHeader(routing) {
		return Routed{}, false
	}
	reliability := ParseMessage(rest)
	content := ParseMessage(reliability.Body)
	return Routed{Routing: Header(routing + "\r\n"), Reliability: reliability.Header, Content: content.Header, Body: content.Body}, true
}

// plainHeader reports whether a block can be read in one way only.
func plainHeader(block string) bool {
	seen := make(map[string]bool)
	for line := range strings.SplitSeq(block, "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		for i := range len(name) {
			if c := name[i] | 0x20; (c < 'a' || c > 'z') && name[i] != '-' {
				return false
			}
		}
		for i := range len(value) {
			if value[i] < ' ' || value[i] > '~' {
				return false
			}
		}
		if name = strings.ToLower(name); !ok || name == "" || seen[name] {
			return false
		}
		seen[name] = true
	}
	return true
}

// Payload returns r as it is sent, with the Content-Length of its body.
func (r Routed) Payload() string {
	content := Message{Header: r.Content.With("Content-Length", strconv.Itoa(len(r.Body))), Body: r.Body}
	return string(r.Routing) + "\r\n" + string(r.Reliability) + "\r\n" + content.Payload()
}

// Address is where a Routed comes from or goes to.
type Address struct {
	Network int    // protocol/00-overview.md, section 8; 0 when the address names none
	Account string // lower case
	// Endpoint is the GUID of the endpoint in braces, in lower case, and Path the part of a
	// circle, such as "IM". Either may be "".
	Endpoint, Path string
}

// ParseAddress reads "network:account[;epid={GUID}][;path=IM]". What it does not know
// is passed over.
func ParseAddress(s string) Address {
	account, rest, _ := strings.Cut(s, ";")
	var a Address
	if network, name, ok := strings.Cut(account, ":"); ok {
		if n, err := strconv.ParseUint(network, 10, 8); err == nil {
			a.Network, account = int(n), name
		}
	}
	a.Account = strings.ToLower(account)
	for parameter := range strings.SplitSeq(rest, ";") {
		switch name, value, _ := strings.Cut(parameter, "="); name {
		case "epid":
			a.Endpoint = strings.ToLower(value)
		case "path":
			a.Path = value
		}
	}
	return a
}

// String returns the address as it is written.
func (a Address) String() string {
	s := a.Account
	if a.Network != 0 {
		s = strconv.Itoa(a.Network) + ":" + s
	}
	if a.Endpoint != "" {
		s += ";epid=" + a.Endpoint
	}
	if a.Path != "" {
		s += ";path=" + a.Path
	}
	return s
}
