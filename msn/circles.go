package msn

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// Circle is a persistent group of MSNP18 that the user belongs to or is invited
// into.
type Circle struct {
	ID    string // "00000000-0000-0000-0009-xxxxxxxxxxxx@live.com"
	Name  string // any characters
	Admin bool
	// Member tells whether the user has accepted.
	Member bool
}

// CirclesChanged says that the user's circles are others now.
type CirclesChanged struct{ Circles []Circle }

func (CirclesChanged) isEvent() {}

// Circles returns the user's circles. There are none below MSNP16.
func (c *Client) Circles() (circles []Circle) {
	c.query(func() { circles = slices.Clone(c.book.circles) })
	return circles
}

func circles(list []soap.Circle) (circles []Circle) {
	for _, c := range list {
		if len(circles) >= maxGroups {
			break
		}
		circles = append(circles, Circle{ID: keep(c.ID+"@"+c.Host, maxAccount), Name: keep(c.Name, maxName),
			Admin: c.Role == "Admin", Member: c.State == "Accepted"})
	}
	return circles
}

// networkCircle is the network of circles (protocol/00-overview.md, section 8).
const networkCircle = 9

// enterCircles shows the server the ticket of the user's circles and puts them on the
// lists, so that it tells of them, in MSNP18 (protocol/04-switchboard.md, section 5).
// That it refuses is no reason not to sign in.
func (r *soapRoster) enterCircles(ctx context.Context, s *signIn, ticket string) error {
	var members []wire.Member
	for _, circle := range r.book.circles {
		if circle.Member {
			members = append(members, wire.Member{Account: circle.ID, Lists: uint8(ListForward | ListAllow), Network: networkCircle})
		}
	}
	if r.client.dialect < wire.FirstPrefixed || ticket == "" || len(members) == 0 {
		return nil
	}
	_, err := s.exchange(ctx, "USR", "SHA", "A", base64.StdEncoding.EncodeToString([]byte(ticket)))
	for _, payload := range wire.FormatMembers(members, false) {
		if err == nil {
			_, err = s.exchangeCommand(ctx, wire.New("ADL").WithPayload(payload))
		}
	}
	if _, refused := errors.AsType[*ServerError](err); refused || errors.Is(err, wire.ErrUnsafe) {
		r.client.log.Warn("circles not entered", "account", r.client.account, "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("circles: %w", err)
	}
	return nil
}

// circleNews handles NFY: what is published in a circle. Who is in it and what they
// say is not followed; a circle that is not known is looked up in the address book.
func (c *Client) circleNews(cmd wire.Command) {
	for line := range strings.Lines(cmd.Payload) {
		from, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "From: "+fmt.Sprint(networkCircle)+":")
		if !ok {
			continue
		}
		known := slices.ContainsFunc(c.book.circles, func(circle Circle) bool { return strings.EqualFold(circle.ID, from) })
		if !known && c.roster != nil {
			c.roster.refresh()
		}
		return
	}
}
