package bridge

import (
	"context"
	"fmt"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/commands"

	"matrix-msn/msn"
)

// maxFound is how many people of the directory are listed.
const maxFound = 50

// fnFind searches the directory of members.
func (c *Connector) fnFind(ce *commands.Event) {
	given := make(options)
	query, ok := parseQuery(given.take(typedArguments(ce), loginOption))
	if !ok {
		say(ce, "Write `!find Bob Builder`; `city=…`, `state=…` and `country=…` behind the names narrow it down.")
		return
	}
	client, session, ok := c.sessionFor(ce, given[loginOption])
	if !ok {
		return
	}
	asking, cancel := context.WithTimeout(ce.Ctx, requestTimeout)
	defer cancel()
	people, err := session.Search(asking, query)
	about := client.subject(query.FirstName + " " + query.LastName)
	if err != nil {
		zerolog.Ctx(ce.Ctx).Info().Err(err).Msg("The directory was not searched")
		_, sentence := explain(err, searchFailures, about)
		say(ce, "%s", sentence)
		return
	}
	if len(people) == 0 {
		say(ce, "%s has nobody of that name in its directory.", about.service)
		return
	}
	lines := []string{fmt.Sprintf("%s has %d in its directory:", about.service, len(people))}
	for i, person := range people {
		if i == maxFound {
			lines = append(lines, "… and more. Narrow it down with city=…, state=… or country=….")
			break
		}
		lines = append(lines, "• "+describePerson(person))
	}
	say(ce, "%s", strings.Join(lines, "\n"))
}

func describePerson(p msn.Person) string {
	line := cleanName(p.FirstName + " " + p.LastName)
	var places []string
	for _, place := range []string{p.City, p.State, p.Country} {
		if place = cleanName(place); place != "" {
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
