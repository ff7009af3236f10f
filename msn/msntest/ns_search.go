package msntest

import (
	"strconv"
	"strings"

	"matrix-msn/msn/wire"
)

// FND: the search of the directory (protocol/07-misc-founding-spec.md, section 4),
// which was switched off for every dialect in 2003.

// Person is an entry of the directory.
type Person struct {
	FirstName, LastName, City, State, Country string
	// Address is where an invitation by the number of a hit goes (SND).
	Address string
}

// maxHits is how many people FND may find before it answers 301.
const maxHits = 100

// searchFields are the parameters of FND, in their order.
var searchFields = []struct {
	name string
	of   func(Person) string
}{
	{"fname", func(p Person) string { return p.FirstName }},
	{"lname", func(p Person) string { return p.LastName }},
	{"city", func(p Person) string { return p.City }},
	{"state", func(p Person) string { return p.State }},
	{"country", func(p Person) string { return p.Country }},
}

func (s *Server) fnd(c *conn, trid string, cmd wire.Command) {
	if s.opt.directory == nil {
		if s.is.refusesSearch {
			c.fail("502", trid)
		}
		return
	}
	query := cmd.Args[1:]
	if !goodQuery(query) {
		c.fail("201", trid)
		return
	}
	var hits []Person
	for _, p := range s.opt.directory {
		if p.matches(query) {
			hits = append(hits, p)
		}
	}
	c.session.found = hits
	switch {
	case len(hits) > maxHits:
		c.session.found = nil
		c.fail("301", trid)
	case len(hits) == 0:
		c.reply("FND", trid, "0", "0")
	}
	for i, p := range c.session.found {
		args := []string{trid, strconv.Itoa(i + 1), strconv.Itoa(len(hits))}
		for _, f := range searchFields {
			args = append(args, f.name+"="+s.encode(f.of(p)))
		}
		c.reply("FND", args...)
	}
}

// goodQuery reports whether all fields are there, and both names are names.
func goodQuery(query []string) bool {
	if len(query) != len(searchFields) {
		return false
	}
	for i, f := range searchFields {
		value, ok := strings.CutPrefix(query[i], f.name+"=")
		if !ok || value == "" || i < 2 && value == "*" {
			return false
		}
	}
	return true
}

func (p Person) matches(query []string) bool {
	for i, f := range searchFields {
		value := wire.Decode(strings.TrimPrefix(query[i], f.name+"="))
		if value != "*" && !strings.EqualFold(value, f.of(p)) {
			return false
		}
	}
	return true
}
