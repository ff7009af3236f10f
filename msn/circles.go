package msn

import (
	"slices"

	"matrix-msn/msn/soap"
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
