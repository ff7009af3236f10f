package msntest

import (
	"strings"

	"matrix-msn/msn/wire"
)

// The payloads of UUX and UBX (protocol/03-presence.md, sections 6 and 7).

// dataFields are the elements of Data, in the order in which rewritten puts them.
var dataFields = []struct {
	name  string
	since wire.Dialect // from which on it is told, whether it is set or not
}{
	{"PSM", wire.FirstPersonal}, {"CurrentMedia", wire.FirstPersonal}, {"DDP", wire.FirstPrefixed},
	{"SignatureSound", wire.FirstEndpoints}, {"Scene", wire.FirstPrefixed}, {"ColorScheme", wire.FirstPrefixed},
}

// element returns what stands between the tags of an element, as it stands there.
func element(document, name string) (string, bool) {
	_, rest, found := strings.Cut(document, "<"+name+">")
	inner, _, closed := strings.Cut(rest, "</"+name+">")
	return inner, found && closed
}

// wraps reports whether a document is one element of that name.
func wraps(document, name string) bool {
	return strings.HasPrefix(document, "<"+name+">") && strings.HasSuffix(document, "</"+name+">")
}

// personalFor is the payload of UBX about a for one client: with the endpoints from
// MSNP16 on, and for the account's own clients what each endpoint told of itself.
func (s *Server) personalFor(to *session, a *Account) string {
	data := a.main().personal
	if s.is.rewritesPersonal {
		data = rewritten(data, to.dialect)
	}
	if to.dialect < wire.FirstEndpoints {
		return data
	}
	var b strings.Builder
	for _, ss := range a.endpoints {
		if ss.endpoint != "" {
			b.WriteString(`<EndpointData id="` + ss.endpoint + `"><Capabilities>` + s.capsAt(ss) + `</Capabilities></EndpointData>`)
		}
	}
	for _, ss := range a.endpoints {
		if ss.endpoint != "" && to.account == a {
			b.WriteString(`<PrivateEndpointData id="` + ss.endpoint + `">` + ss.private + `</PrivateEndpointData>`)
		}
	}
	if data == "" {
		data = emptyData
	}
	return strings.TrimSuffix(data, "</Data>") + b.String() + "</Data>"
}

// capsAt is what an endpoint can do. Before its first CHG it has none, or those of
// the account.
func (s *Server) capsAt(ss *session) string {
	if ss.status == "" && s.is.sharesCapabilities {
		return withoutExtended(ss.account.main().caps) + ":0"
	}
	return withExtended(ss.caps)
}

// rewritten is Data with all elements that the dialect has.
func rewritten(data string, to wire.Dialect) string {
	var b strings.Builder
	b.WriteString("<Data>")
	for i, f := range dataFields {
		if inner, ok := element(data, f.name); ok || to >= f.since {
			b.WriteString("<" + f.name + ">" + inner + "</" + f.name + ">")
		}
		if machine, ok := element(data, "MachineGuid"); i == 1 && ok && to >= wire.FirstSOAP {
			b.WriteString("<MachineGuid>" + machine + "</MachineGuid>")
		}
	}
	return b.String() + "</Data>"
}

// merged is Data with the elements of an older one that it does not have.
func merged(data, older string) string {
	inner := strings.TrimSuffix(data, "</Data>")
	for _, name := range []string{"PSM", "CurrentMedia", "MachineGuid", "DDP", "SignatureSound", "Scene", "ColorScheme"} {
		if _, ok := element(data, name); ok {
			continue
		}
		if old, ok := element(older, name); ok {
			inner += "<" + name + ">" + old + "</" + name + ">"
		}
	}
	return inner + "</Data>"
}

// withExtended is a capability number as MSNP16 and later write it.
func withExtended(caps string) string {
	if strings.Contains(caps, ":") {
		return caps
	}
	return caps + ":0"
}

// withoutExtended is a capability number as MSNP15 and older write it.
func withoutExtended(caps string) string {
	caps, _, _ = strings.Cut(caps, ":")
	return caps
}

// isCaps reports whether s is a capability number: two with a colon between from
// MSNP16 on.
func isCaps(s string, d wire.Dialect) bool {
	first, second, extended := strings.Cut(s, ":")
	return isNumber(first) && (!extended || d >= wire.FirstEndpoints && isNumber(second))
}
