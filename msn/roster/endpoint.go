package roster

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/xmltext"
)

// Endpoint is one of those at which the user's account is signed in, from MSNP16 on
// (protocol/03-presence.md, section 7).
type Endpoint struct {
	ID     string // GUID in braces, lower case
	Name   string // that the user or the client there gave it; any characters
	Status Status // Online when the endpoint does not tell
	Idle   bool
	Kind   EndpointKind
	Here   bool // this one

	extended uint32 // capabilities; of contacts only
}

// EndpointKind is what an endpoint is.
type EndpointKind int

// The kinds of endpoints.
const (
	EndpointComputer EndpointKind = 1
	EndpointWeb      EndpointKind = 2
	EndpointMobile   EndpointKind = 3
	EndpointXbox     EndpointKind = 4
)

const (
	// MaxEndpointName is the longest name of an endpoint, in bytes.
	MaxEndpointName = 128
	// maxEndpoints is how many endpoints are remembered; services allow some ten.
	maxEndpoints = 64
	// maxEndpointsDepth is how deep the elements of UBX may be nested; it is 3.
	maxEndpointsDepth = 16
)

// Endpoints returns where the account is signed in, this endpoint included. It is empty
// below MSNP16, where there is one.
func (b *Book) Endpoints() []Endpoint { return slices.Clone(b.endpoints) }

// EndpointCount returns how many endpoints the user, or a contact who has more than one,
// is known to have, given the account in lower case. It is 0 where that is not known.
func (b *Book) EndpointCount(account string) int {
	if account == b.self {
		return len(b.endpoints)
	}
	if n := len(b.places[account]); n > 1 {
		return n
	}
	return 0
}

// SpeaksLater reports whether somebody understands headers of version 2 in what Messengers say to each
// other (protocol/05-p2p.md), given the account in lower case, and the endpoint, or "" for one that
// is not known. Who does not say so does not.
func (b *Book) SpeaksLater(account, endpoint string) bool {
	for _, p := range b.places[account] {
		if p.id == endpoint {
			return p.extended&CanP2P2 != 0
		}
	}
	contact := b.known(account)
	return contact != nil && len(b.places[account]) == 0 && contact.Extended&CanP2P2 != 0
}

// ownEndpoints reads the endpoints from a UBX about the user.
func (b *Book) ownEndpoints(payload string) []event.Event {
	endpoints, err := parseEndpoints(payload)
	if err != nil || payload == "" {
		return nil
	}
	for i := range endpoints {
		endpoints[i].Here, endpoints[i].extended = endpoints[i].ID == b.endpoint, 0
	}
	if slices.Equal(endpoints, b.endpoints) {
		return nil
	}
	b.endpoints = endpoints
	return []event.Event{EndpointsChanged{Endpoints: slices.Clone(endpoints)}}
}

// place is an endpoint of a contact.
type place struct {
	id       string
	extended uint32 // capabilities
}

// placesOf keeps the endpoints of a contact, by the personal message that lists them.
func (b *Book) placesOf(account, payload string) {
	delete(b.places, account)
	endpoints, err := parseEndpoints(payload)
	if err != nil || len(endpoints) == 0 {
		return
	}
	places := make([]place, 0, len(endpoints))
	for _, e := range endpoints {
		places = append(places, place{strings.Clone(e.ID), e.extended})
	}
	lazy.Put(&b.places, account, places)
}

// parseEndpoints reads EndpointData and PrivateEndpointData. Other elements are passed
// over.
func parseEndpoints(payload string) ([]Endpoint, error) {
	d := xml.NewDecoder(strings.NewReader(xmltext.Clean(payload)))
	d.Strict = false
	var endpoints []Endpoint
	var at *Endpoint
	depth, field := 0, ""
	for {
		token, err := d.Token()
		if err == io.EOF {
			return endpoints, nil
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth > maxEndpointsDepth {
				return nil, errors.New("msn: endpoints: nested too deeply")
			}
			field = token.Name.Local
			if field == "EndpointData" || field == "PrivateEndpointData" {
				endpoints, at = endpointIn(endpoints, token)
			}
		case xml.CharData:
			if at != nil {
				at.set(field, strings.TrimSpace(string(token)))
			}
		case xml.EndElement:
			depth--
			field = ""
			if token.Name.Local == "EndpointData" || token.Name.Local == "PrivateEndpointData" {
				at = nil
			}
		}
	}
}

// endpointIn returns the endpoint that an element is about, which is added when it is new.
func endpointIn(endpoints []Endpoint, e xml.StartElement) ([]Endpoint, *Endpoint) {
	for _, a := range e.Attr {
		id := strings.ToLower(a.Value)
		if a.Name.Local != "id" || !clean.IsGUID(id) {
			continue
		}
		if i := slices.IndexFunc(endpoints, func(p Endpoint) bool { return p.ID == id }); i >= 0 {
			return endpoints, &endpoints[i]
		}
		if len(endpoints) < maxEndpoints {
			endpoints = append(endpoints, Endpoint{ID: id, Status: Online, Kind: EndpointComputer})
			return endpoints, &endpoints[len(endpoints)-1]
		}
	}
	return endpoints, nil
}

func (e *Endpoint) set(field, text string) {
	switch field {
	case "Capabilities":
		_, e.extended = parseCapabilities(text)
	case "EpName":
		e.Name = clean.Cut(text, MaxEndpointName)
	case "Idle":
		e.Idle = text == "true"
	case "ClientType":
		if n := parseNetwork(text); n != 0 {
			e.Kind = EndpointKind(n)
		}
	case "State":
		e.Status = parseStatus(text)
	}
}
