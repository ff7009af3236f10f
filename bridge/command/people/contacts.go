package people

import (
	"context"
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
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
		for _, part := range describeContacts(login, c.Ctx, parseFilter(c.Text)) {
			c.ReplyAdvanced(part, false, true)
		}
	}
}

// Search looks for people on the contact list by a part of what they are called.
func Search(c *call.Call) {
	c.TakeLogin()
	if c.Text == "" {
		c.Say("Whom? Write `search` and a part of a name or an address. `contacts` lists everybody.")
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

// describeContacts returns the contacts that are asked for as HTML, in as many messages as
// it takes.
func describeContacts(l *call.Login, ctx context.Context, asked filter) []string {
	contacts, err := l.Account.Contacts(ctx)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read contacts")
		return []string{reason.Of(reason.ErrContacts, reason.Request, l.Account.About("")).Sentence}
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
			lines = append(lines, line)
		}
	}
	if client != nil && asked.all() {
		lines = append(lines, circleLines(client.Circles(), client.CarriesCircles())...)
	}
	slices.SortStableFunc(lines, func(a, b contactLine) int { return a.rank - b.rank })

	title := fmt.Sprintf("Contacts of %s at %s", l.Account.Identity.Account, l.Account.Service.Name)
	if client != nil {
		title += fmt.Sprintf(" over %v", client.Dialect())
	}
	switch {
	case client == nil:
		title += " (not connected: as last seen)"
	case len(lines) > 0:
		title += fmt.Sprintf(" (%d of %d online)", countOnline(lines), countListed(lines))
	}
	switch {
	case len(lines) == 0 && !asked.all():
		return []string{html.EscapeString(title) + ": nobody on the list is like that."}
	case len(lines) == 0:
		return []string{html.EscapeString(title) + ": the list is empty."}
	}
	more := len(lines) - maxListed
	lines = lines[:min(len(lines), maxListed)]
	messages := listHTML(title, lines)
	if more > 0 {
		messages = append(messages, fmt.Sprintf("%d more are not shown. <code>!contacts</code> with a part of a name finds them.", more))
	}
	return messages
}

// listHTML makes a list with a title of lines, in as many messages as it takes.
func listHTML(title string, lines []contactLine) (messages []string) {
	list := "<strong>" + html.EscapeString(title) + "</strong><ul>"
	for _, line := range lines {
		item := "<li>" + html.EscapeString(line.text) + "</li>"
		if len(list)+len(item) > maxListHTML {
			messages = append(messages, list+"</ul>")
			list = "<ul>"
		}
		list += item
	}
	return append(messages, list+"</ul>")
}

// contactLine is one contact as the list shows it.
type contactLine struct {
	rank int
	text string
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
var networkNames = map[int]string{2: "Office Communicator", 4: "telephone", 32: "Yahoo"}

// lineFor describes a contact on a list. live is what the session knows of them.
func lineFor(contact *database.Contact, live msn.Contact, connected bool) (contactLine, bool) {
	lists := msn.List(contact.Lists)
	name := contact.Account
	if clean := names.Clean(contact.Name); clean != "" && clean != contact.Account {
		name = names.Unlinked(clean) + " (" + contact.Account + ")"
	}
	if network := networkNames[live.Network]; network != "" {
		name += " on " + network
	}
	status := live.Status
	word, online := call.StatusWords[status]
	switch {
	case lists.Has(msn.ListBlock):
		return contactLine{rankBlocked, "🚫 " + name + ": blocked"}, true
	case lists.Has(msn.ListForward) && online && status == msn.Online:
		return contactLine{rankOnline, "🟢 " + name + ": " + word}, true
	case lists.Has(msn.ListForward) && online:
		return contactLine{rankAway, "🟡 " + name + ": " + word}, true
	case lists.Has(msn.ListForward) && !connected:
		return contactLine{rankOffline, "⚪ " + name}, true
	case lists.Has(msn.ListForward):
		return contactLine{rankOffline, "⚪ " + name + ": offline"}, true
	case msn.Contact{Lists: lists}.WaitsForAnswer():
		return contactLine{rankWaiting, "❔ " + name + ": has added you, and waits for an answer"}, true
	}
	return contactLine{}, false
}

// circleLines names the circles. carried tells whether the session carries what is said
// in them.
func circleLines(circles []msn.Circle, carried bool) (lines []contactLine) {
	for _, circle := range circles {
		name := names.Unlinked(names.Circle(circle))
		text := "👥 " + name + ": a circle of yours"
		if !circle.Member {
			text = "👥 " + name + ": you are invited into this circle"
		}
		switch {
		case !carried:
			text += ". What is said there is not carried: that takes MSNP18"
		case !circle.Member:
			text += ". `!circles` shows how to answer"
		}
		lines = append(lines, contactLine{rankCircle, text})
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
