package people

import (
	"context"
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
)

const (
	// maxListHTML is how much of a list goes into one message, in bytes of HTML. An event has at
	// most 64 KiB; it holds the text too, and both grow when they are escaped.
	maxListHTML = 15 << 10
	// maxListed is how many contacts are listed at once.
	maxListed = 1000
)

// Contacts lists contacts.
func Contacts(c *call.Call) {
	c.TakeLogin()
	logins, ok := c.Logins(c.Given[call.LoginOption])
	if !ok {
		return
	}
	for _, login := range logins {
		if client := login.Session.Current(); strings.EqualFold(strings.TrimSpace(c.Text), "group") && client != nil {
			c.Tell("command.people.which_group", describeGroups(client.Groups(), client.Contacts()))
			continue
		}
		for _, part := range describeContacts(login, c.Ctx, parseFilter(c.Text)) {
			c.Send(part)
		}
	}
}

// Search looks for people on the contact list by a part of what they are called.
func Search(c *call.Call) {
	c.TakeLogin()
	if c.Text == "" {
		c.Tell("command.people.whom_write_search_and_a_part")
		return
	}
	Contacts(c)
}

// filter chooses contacts of the list. The zero value chooses all.
type filter struct {
	ranks []int  // of contactLine
	group string // its name, in lower case
	part  string // of a name or an address, in lower case
}

// all reports whether nobody is left out.
func (f filter) all() bool { return f.ranks == nil && f.group == "" && f.part == "" }

// ranksOf are the words behind the command that choose contacts by how they are.
var ranksOf = map[string][]int{
	"online": {rankOnline, rankAway}, "offline": {rankOffline}, "waiting": {rankWaiting}, "blocked": {rankBlocked},
}

// parseFilter reads what stands behind the command: a word of ranksOf, "group" and a name, or a
// part of names.
func parseFilter(text string) filter {
	word, rest := call.CutWord(strings.ToLower(text))
	switch {
	case ranksOf[word] != nil && rest == "":
		return filter{ranks: ranksOf[word]}
	case word == "group" && rest != "":
		return filter{group: rest}
	}
	return filter{part: strings.ToLower(strings.TrimSpace(text))}
}

// chooses reports whether a contact is among those that are asked for. groups are the names
// of those that it is in, in lower case.
func (f filter) chooses(contact *database.Contact, line contactLine, groups []string) bool {
	switch {
	case f.ranks != nil:
		return slices.Contains(f.ranks, line.rank)
	case f.group != "":
		return slices.Contains(groups, f.group)
	}
	return strings.Contains(strings.ToLower(names.Clean(contact.Name)), f.part) || strings.Contains(contact.Account, f.part)
}

// describeContacts returns the contacts that are asked for, in as many messages as it takes. Each
// leads to the Matrix user of the contact.
func describeContacts(l *call.Login, ctx context.Context, asked filter) []*event.MessageEventContent {
	contacts, err := l.Account.Contacts(ctx)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read contacts")
		return []*event.MessageEventContent{notice(reason.Of(reason.ErrContacts, reason.Request, l.Account.About("")).Sentence)}
	}
	client := l.Session.Current()
	named := make(map[string]string) // groups by ID, in lower case
	if client != nil {
		for _, group := range client.Groups() {
			named[group.ID] = strings.ToLower(names.Clean(group.Name))
		}
	}
	var lines []contactLine
	for _, contact := range contacts {
		var live msn.Contact
		if client != nil {
			live, _ = client.Contact(contact.Account)
		}
		var groups []string
		for _, id := range live.Groups {
			groups = append(groups, named[id])
		}
		if line, ok := lineFor(contact, live, client != nil); ok && asked.chooses(contact, line, groups) {
			line.link = l.Account.Bridge.Matrix.FormatGhostMXID(l.Account.GhostID(contact.Account)).URI().MatrixToURL()
			lines = append(lines, line)
		}
	}
	if client != nil && asked.all() {
		lines = append(lines, circleLines(client.Circles(), client.CarriesCircles())...)
	}
	slices.SortStableFunc(lines, func(a, b contactLine) int { return a.rank - b.rank })

	title := words.Text("command.people.contacts_of_at", l.Account.Identity.Account, l.Account.Service.Name)
	if client != nil {
		title += fmt.Sprintf(" over %v", client.Dialect())
	}
	switch {
	case client == nil:
		title += " " + words.Text("command.people.not_connected_as_last_seen")
	case len(lines) > 0:
		title += " " + words.Text("command.people.of_online", countOnline(lines), countListed(lines))
	}
	switch {
	case asked.group != "" && client != nil && !slices.Contains(slices.Collect(maps.Values(named)), asked.group):
		return []*event.MessageEventContent{notice(words.Text("command.people.there_is_no_such_group", describeGroups(client.Groups(), client.Contacts())))}
	case len(lines) == 0 && !asked.all():
		return []*event.MessageEventContent{notice(words.Text("command.people.nobody_on_the_list_is_like", title))}
	case len(lines) == 0:
		return []*event.MessageEventContent{notice(words.Text("command.people.the_list_is_empty", title))}
	}
	more := len(lines) - maxListed
	lines = lines[:min(len(lines), maxListed)]
	messages := listed(title, lines)
	if more > 0 {
		messages = append(messages, notice(words.Text("command.people.more_are_not_shown_contacts_with", more)))
	}
	return messages
}

func notice(text string) *event.MessageEventContent {
	return &event.MessageEventContent{MsgType: event.MsgNotice, Body: text, Mentions: &event.Mentions{}}
}

// listed makes a list with a title of lines, in as many messages as it takes.
func listed(title string, lines []contactLine) (messages []*event.MessageEventContent) {
	body, list := "**"+title+"**", "<strong>"+html.EscapeString(title)+"</strong><ul>"
	flush := func() {
		content := notice(strings.TrimPrefix(body, "\n"))
		content.Format, content.FormattedBody = event.FormatHTML, list+"</ul>"
		messages = append(messages, content)
		body, list = "", "<ul>"
	}
	for _, line := range lines {
		item := "<li>" + line.html() + "</li>"
		if len(list)+len(item) > maxListHTML {
			flush()
		}
		body, list = body+"\n* "+line.text, list+item
	}
	flush()
	return messages
}

// contactLine is one contact as the list shows it.
type contactLine struct {
	rank    int
	text    string
	name    string // what stands first behind the sign in text
	account string // what stands behind that, or "": clients would make a mail of it
	link    string // where the name leads to, or ""
}

// html is a line as HTML.
func (l contactLine) html() string {
	if l.link == "" {
		return html.EscapeString(l.text)
	}
	sign, after, _ := strings.Cut(l.text, " ")
	after = strings.TrimPrefix(after, l.name)
	linked := sign + ` <a href="` + html.EscapeString(l.link) + `">` + html.EscapeString(l.name) + "</a>"
	if between, rest, ok := strings.Cut(after, l.account); ok && l.account != "" {
		return linked + html.EscapeString(between) + "<code>" + html.EscapeString(l.account) + "</code>" + html.EscapeString(rest)
	}
	return linked + html.EscapeString(after)
}

// Ranks of contactLine: who can be talked to comes first.
const (
	rankOnline = iota
	rankAway
	rankOffline
	rankBlocked
	rankWaiting
	rankCircle
)

// networkNames are the other networks of contacts, by their numbers
// (protocol/00-overview.md, section 8).
var networkNames = map[int]string{2: words.Text("command.people.office_communicator"), 4: "telephone", 32: "Yahoo"}

// lineFor describes a contact on a list. live is what the session knows of them.
func lineFor(contact *database.Contact, live msn.Contact, connected bool) (contactLine, bool) {
	lists := msn.List(contact.Lists)
	line := contactLine{name: contact.Account}
	shown := contact.Account
	if clean := names.Clean(contact.Name); clean != "" && clean != contact.Account {
		line.name, line.account = names.Unlinked(clean), contact.Account
		shown = line.name + " (" + contact.Account + ")"
	}
	if network := networkNames[live.Network]; network != "" {
		shown += " on " + network
	}
	status := live.Status
	word, online := call.StatusWords[status]
	switch {
	case lists.Has(msn.ListBlock):
		line.rank, line.text = rankBlocked, "🚫 "+shown+": blocked"
	case lists.Has(msn.ListForward) && online && status == msn.Online:
		line.rank, line.text = rankOnline, "🟢 "+shown+": "+word
	case lists.Has(msn.ListForward) && online:
		line.rank, line.text = rankAway, "🟡 "+shown+": "+word
	case lists.Has(msn.ListForward) && !connected:
		line.rank, line.text = rankOffline, "⚪ "+shown
	case lists.Has(msn.ListForward):
		line.rank, line.text = rankOffline, "⚪ "+shown+": offline"
	case msn.Contact{Lists: lists}.WaitsForAnswer():
		line.rank, line.text = rankWaiting, words.Text("command.people.has_added_you_and_waits_for", shown)
	default:
		return contactLine{}, false
	}
	return line, true
}

// circleLines names the circles. carried tells whether the session carries what is said
// in them.
func circleLines(circles []msn.Circle, carried bool) (lines []contactLine) {
	for _, circle := range circles {
		name := names.Unlinked(names.Circle(circle))
		text := words.Text("command.people.a_circle_of_yours", name)
		if !circle.Member {
			text = words.Text("command.people.you_are_invited_into_this_circle", name)
		}
		switch {
		case !carried:
			text += words.Text("command.people.what_is_said_there_is_not")
		case !circle.Member:
			text += words.Text("command.people.circles_shows_how_to_answer")
		}
		lines = append(lines, contactLine{rank: rankCircle, text: text})
	}
	return lines
}

func countOnline(lines []contactLine) (n int) {
	for _, line := range lines {
		if line.rank <= rankAway {
			n++
		}
	}
	return n
}

func countListed(lines []contactLine) (n int) {
	for _, line := range lines {
		if line.rank <= rankOffline {
			n++
		}
	}
	return n
}
