package service

import (
	"context"
	"strings"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// maxFound is how many people of the directory are listed.
const maxFound = 50

// Find searches the directory of members.
func Find(c *call.Call) {
	query, ok := parseQuery(c.Text)
	if !ok {
		c.Tell("command.service.write_find_bob_builder_city_state")
		return
	}
	login, client, ok := c.Session()
	if !ok {
		return
	}
	asking, cancel := context.WithTimeout(c.Ctx, session.RequestTimeout)
	defer cancel()
	people, err := client.Search(asking, query)
	about := login.Account.About(query.FirstName + " " + query.LastName)
	if err != nil {
		zerolog.Ctx(c.Ctx).Info().Err(err).Msg("The directory was not searched")
		sentence := reason.Of(err, reason.Search, about).Sentence
		c.Say("%s", sentence)
		return
	}
	if len(people) == 0 {
		c.Tell("command.service.has_nobody_of_that_name_in", about.Service)
		return
	}
	lines := []string{words.Text("command.service.has_in_its_directory", about.Service, len(people))}
	for i, person := range people {
		if i == maxFound {
			lines = append(lines, words.Text("command.service.and_more_narrow_it_down_with"))
			break
		}
		lines = append(lines, "• "+describePerson(person))
	}
	c.Say("%s", strings.Join(lines, "\n"))
}

func describePerson(p msn.Person) string {
	line := names.Unlinked(names.Clean(p.FirstName + " " + p.LastName))
	var places []string
	for _, place := range []string{p.City, p.State, p.Country} {
		if place = names.Unlinked(names.Clean(place)); place != "" {
			places = append(places, place)
		}
	}
	if len(places) > 0 {
		line += " (" + strings.Join(places, ", ") + ")"
	}
	return line
}

// parseQuery reads a first and a last name, and places with their names. The last
// name may have several words. It reports false when a name is missing.
func parseQuery(typed string) (q msn.Query, ok bool) {
	places := map[string]*string{"city": &q.City, "state": &q.State, "country": &q.Country}
	var names []string
	current := (*string)(nil) // the place that words are added to
	for _, word := range strings.Fields(typed) {
		name, value, marked := strings.Cut(word, "=")
		if place := places[strings.ToLower(name)]; marked && place != nil {
			*place, current = value, place
			continue
		}
		if current != nil {
			*current = strings.TrimSpace(*current + " " + word)
			continue
		}
		names = append(names, word)
	}
	if len(names) < 2 {
		return q, false
	}
	q.FirstName, q.LastName = names[0], strings.Join(names[1:], " ")
	return q, true
}
