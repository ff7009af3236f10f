package msn

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/wire"
)

// Place is one of the places where the user's account is signed in, from MSNP16 on
// (protocol/03-presence.md, section 7).
type Place struct {
	ID     string // GUID in braces, lower case
	Name   string // that the user or the client there gave it; any characters
	Status Status // Online when the place does not tell
	Idle   bool
	Kind   PlaceKind
	Here   bool // this Client
}

// PlaceKind is what a place is.
type PlaceKind int

// The kinds of places.
const (
	PlaceComputer PlaceKind = 1
	PlaceWeb      PlaceKind = 2
	PlaceMobile   PlaceKind = 3
	PlaceXbox     PlaceKind = 4
)

const (
	// maxPlaces is how many places are remembered; services allow some ten.
	maxPlaces = 64
	// maxPlaceName is the longest name of a place, in bytes.
	maxPlaceName = 128
	// maxPlacesDepth is how deep the elements of UBX may be nested; it is 3.
	maxPlacesDepth = 16
)

// PlacesChanged says that the places where the user is signed in are others now.
type PlacesChanged struct{ Places []Place }

func (PlacesChanged) isEvent() {}

// Places returns where the account is signed in, this Client included. It is empty
// below MSNP16, where there is one place.
func (c *Client) Places() (places []Place) {
	c.query(func() { places = slices.Clone(c.book.places) })
	return places
}

// SignOutPlace signs the account out at another place (UUN). The server does not
// tell whether that place obeys; PlacesChanged follows when it does. The error is
// ErrDialect below MSNP16, and ErrArgument for a place that is not there or is
// this one.
func (c *Client) SignOutPlace(ctx context.Context, id string) error {
	return c.await(ctx, func(result func(error)) {
		i := slices.IndexFunc(c.book.places, func(p Place) bool { return p.ID == id && !p.Here })
		switch {
		case c.dialect < wire.FirstPlaces:
			result(ErrDialect)
		case i < 0:
			result(fmt.Errorf("%w: no other place %q", ErrArgument, id))
		default:
			c.dismiss(id, result)
		}
	})
}

// Types of UUN and UBN, and what stands in those that end a place.
const (
	noteSignOut  = "4"
	noteSignOut2 = "8"
	goAway       = "goawyplzthxbye"
	getOut       = "gtfo"
)

func (c *Client) dismiss(id string, result func(error)) {
	cmd := wire.New("UUN", c.account+";"+id, noteSignOut).WithPayload(goAway)
	c.requestCommand(cmd, func(_ wire.Command, err error) {
		if errors.Is(err, ErrTimeout) {
			err = nil // not every server acknowledges it
		}
		result(err)
	})
}

// note handles UBN: a note of another place of the user's.
func (c *Client) note(cmd wire.Command) {
	account, ok := parseAccount(cmd.Arg(0))
	if !ok || account != c.self || cmd.Arg(1) != noteSignOut && cmd.Arg(1) != noteSignOut2 {
		return
	}
	if text := strings.TrimSpace(cmd.Payload); strings.HasPrefix(text, goAway) || strings.HasPrefix(text, getOut) {
		c.end(&OutError{Reason: "OTH"})
	}
}

// ownPlaces reads the places from a UBX about the user.
func (b *book) ownPlaces(payload string) []Event {
	places, err := parsePlaces(payload)
	if err != nil || payload == "" {
		return nil
	}
	for i := range places {
		places[i].Here = places[i].ID == b.place
	}
	if slices.Equal(places, b.places) {
		return nil
	}
	b.places = places
	return []Event{PlacesChanged{Places: slices.Clone(places)}}
}

// parsePlaces reads EndpointData and PrivateEndpointData. Other elements are passed
// over.
func parsePlaces(payload string) ([]Place, error) {
	d := xml.NewDecoder(strings.NewReader(xmltext.Clean(payload)))
	d.Strict = false
	var places []Place
	var at *Place
	depth, field := 0, ""
	for {
		token, err := d.Token()
		if err == io.EOF {
			return places, nil
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth > maxPlacesDepth {
				return nil, errors.New("msn: places: nested too deeply")
			}
			field = token.Name.Local
			if field == "EndpointData" || field == "PrivateEndpointData" {
				places, at = placeIn(places, token)
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

// placeIn returns the place that an element is about, which is added when it is new.
func placeIn(places []Place, e xml.StartElement) ([]Place, *Place) {
	for _, a := range e.Attr {
		id := strings.ToLower(a.Value)
		if a.Name.Local != "id" || !isGUID(id) {
			continue
		}
		if i := slices.IndexFunc(places, func(p Place) bool { return p.ID == id }); i >= 0 {
			return places, &places[i]
		}
		if len(places) < maxPlaces {
			places = append(places, Place{ID: id, Status: Online, Kind: PlaceComputer})
			return places, &places[len(places)-1]
		}
	}
	return places, nil
}

func (p *Place) set(field, text string) {
	switch field {
	case "EpName":
		p.Name = keep(text, maxPlaceName)
	case "Idle":
		p.Idle = text == "true"
	case "ClientType":
		if n := parseNetwork(text); n != 0 {
			p.Kind = PlaceKind(n)
		}
	case "State":
		p.Status = parseStatus(text)
	}
}

// isGUID reports whether s is a GUID in braces.
func isGUID(s string) bool {
	if len(s) != 38 || s[0] != '{' || s[37] != '}' {
		return false
	}
	for i, r := range []byte(s[1:37]) {
		switch i {
		case 8, 13, 18, 23:
			if r != '-' {
				return false
			}
		default:
			if !(r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F') {
				return false
			}
		}
	}
	return true
}

// NewMachineGUID makes a GUID for Config.MachineGUID.
func NewMachineGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	h := hex.EncodeToString(b[:])
	return strings.ToUpper("{" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:] + "}")
}

// placeCommands are what a place says of itself at sign-in, from MSNP16 on.
func (c *Client) placeCommands() []wire.Command {
	return []wire.Command{
		wire.New("UUX").WithPayload("<EndpointData><Capabilities>" + c.capabilities() + "</Capabilities></EndpointData>"),
		wire.New("UUX").WithPayload("<PrivateEndpointData><EpName>" + xmltext.Escape(keep(c.cfg.PlaceName, maxPlaceName)) + "</EpName><Idle>false</Idle>" +
			"<ClientType>1</ClientType><State>" + string(c.cfg.Status) + "</State></PrivateEndpointData>"),
	}
}
