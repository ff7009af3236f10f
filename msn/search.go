package msn

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/wire"
)

// Query is what to search the directory for. Fields that are "" match anybody;
// both names are needed. A field has at most 256 bytes.
type Query struct{ FirstName, LastName, City, State, Country string }

// Person is one entry of the directory.
type Person struct{ FirstName, LastName, City, State, Country string }

const (
	// maxQueryField is the longest field of a Query or a Person in bytes; no name
	// of a person or a place is longer.
	maxQueryField = 256
	// maxPeople is how many people of one answer are taken. Servers refused with 301
	// what found more than a screen full.
	maxPeople = 500
)

// Search searches the directory (FND, protocol/07, section 4). Services have
// answered ErrSearchDisabled since 2003, and some answer nothing, which is the
// same error; the Client goes on either way. Nobody found is no error.
//
// The error is ErrArgument when a name is missing or a field too long,
// ErrSearchDisabled, any other *ServerError (201 for parameters that the server does
// not like, 301 for too many hits), wire.ErrProtocol for an answer that is none, or
// that of the connection.
func (c *Client) Search(ctx context.Context, q Query) ([]Person, error) {
	args, err := q.args()
	if err != nil {
		return nil, err
	}
	found := make(chan []Person, 1)
	err = c.conn.Await(ctx, func(result func(error)) {
		var people []Person
		lines := uint64(0)
		more := func(reply wire.Command) bool {
			person, total := parseFound(reply.Args[1:])
			if person != (Person{}) {
				people = append(people, person)
			}
			lines++
			return lines < min(total, maxPeople)
		}
		c.conn.Send(ns.Request{Command: wire.New("FND", args...), Wait: c.cfg.Timeouts.Silence, More: more, Done: func(_ wire.Command, err error) {
			switch {
			case err == ErrTimeout && len(people) > 0:
				err = nil // the server has counted wrong
			case errors.Is(err, ErrTimeout):
				err = fmt.Errorf("%w: %w", ErrSearchDisabled, err)
			}
			found <- people
			result(err)
		}})
	})
	if err != nil {
		return nil, err
	}
	return <-found, nil
}

// findFields are the names of the fields in FND, in the order in which they are sent.
var findFields = []string{"fname", "lname", "city", "state", "country"}

// args are the parameters of FND behind the TrID.
func (q Query) args() ([]string, error) {
	values := []string{q.FirstName, q.LastName, q.City, q.State, q.Country}
	for i, value := range values {
		if value == "" {
			values[i] = "*"
		}
		if i < 2 && values[i] == "*" {
			return nil, fmt.Errorf("%w: a search needs both names", ErrArgument)
		}
		if len(value) > maxQueryField {
			return nil, fmt.Errorf("%w: a field of more than %d bytes", ErrArgument, maxQueryField)
		}
		values[i] = findFields[i] + "=" + wire.Encode(strings.ToValidUTF8(values[i], "\uFFFD"))
	}
	return values, nil
}

// parseFound reads what stands behind the TrID in an answer to FND: "index total
// fname=… lname=… …", one line for each of total people, or "0 0" when nobody was
// found. total is 0 for a line that makes no sense too.
func parseFound(args []string) (person Person, total uint64) {
	if len(args) < 2 {
		return Person{}, 0
	}
	total, err := strconv.ParseUint(args[1], 10, 31)
	if err != nil || total == 0 {
		return Person{}, 0
	}
	for _, arg := range args[2:] {
		name, value, _ := strings.Cut(arg, "=")
		value = clean.Cut(wire.Decode(value), maxQueryField)
		switch strings.ToLower(name) {
		case "fname":
			person.FirstName = value
		case "lname":
			person.LastName = value
		case "city":
			person.City = value
		case "state":
			person.State = value
		case "country":
			person.Country = value
		}
	}
	return person, total
}
