package people

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

const groupUsage = "command.people.write_group_to_see_your_groups"

// Group lists the groups of the contact list, or changes them.
func Group(c *call.Call) {
	login, client, ok := c.Session()
	if !ok {
		return
	}
	do, rest := call.CutWord(c.Text)
	switch strings.ToLower(do) {
	case "":
		c.Say("%s", describeGroups(client.Groups(), client.Contacts()))
	case "add":
		addGroup(c, login, client, rest)
	case "remove", "rename", "put", "take":
		changeGroup(c, login, client, strings.ToLower(do), rest)
	default:
		c.Say("%s", words.Text(groupUsage))
	}
}

// sortedGroups returns groups in the order of their numbers.
func sortedGroups(groups []msn.Group) []msn.Group {
	slices.SortFunc(groups, func(a, b msn.Group) int { return strings.Compare(a.ID, b.ID) })
	return groups
}

// describeGroups lists groups with their numbers, and how many are in each.
func describeGroups(groups []msn.Group, contacts []msn.Contact) string {
	if len(groups) == 0 {
		return words.Text("command.people.your_contact_list_has_no_groups")
	}
	var b strings.Builder
	b.WriteString(words.Text("command.people.your_groups"))
	for i, group := range sortedGroups(groups) {
		members := 0
		for _, contact := range contacts {
			if slices.Contains(contact.Groups, group.ID) {
				members++
			}
		}
		fmt.Fprintf(&b, "\n%d. %s: %s", i+1, names.Clean(group.Name), words.Count("command.people.contacts", members))
	}
	b.WriteString("\n" + words.Text("command.people.contacts_group_and_a_name_shows"))
	return b.String()
}

func addGroup(c *call.Call, login *call.Login, client *msn.Client, name string) {
	name = names.Clean(name)
	changeGroups(c, login, name, words.Text("command.people.there_is_a_group_now_group", names.Own(name)),
		func(ctx context.Context) error {
			_, err := client.AddGroup(ctx, name)
			return err
		})
}

// changeGroup does something with a group that is named by its number, or by its name.
func changeGroup(c *call.Call, login *call.Login, client *msn.Client, do, text string) {
	group, rest, ok := cutGroup(client.Groups(), text)
	if !ok {
		c.Tell("command.people.there_is_no_such_group", words.Text(groupUsage))
		return
	}
	called := names.Own(names.Clean(group.Name))
	switch do {
	case "remove":
		if rest != "" {
			c.Tell("command.people.nothing_can_stand_behind_the_group", words.Text(groupUsage))
			return
		}
		changeGroups(c, login, called, words.Text("command.people.the_group_is_gone_its_contacts", called),
			func(ctx context.Context) error { return client.RemoveGroup(ctx, group.ID) })
	case "rename":
		name := names.Clean(rest)
		changeGroups(c, login, called, words.Text("command.people.the_group_is_called_now", called, names.Own(name)),
			func(ctx context.Context) error { return client.RenameGroup(ctx, group.ID, name) })
	default:
		c.Text = rest
		account, more, ok := whom(c, login, words.Text(groupUsage))
		switch {
		case !ok:
			return
		case more != "":
			c.Tell("command.people.nothing_can_stand_behind_the_address", words.Text(groupUsage))
			return
		}
		who := login.Account.Person(c.Ctx, account).Name
		if do == "put" {
			changeGroups(c, login, who, words.Text("command.people.is_in_the_group_now", who, called),
				func(ctx context.Context) error { return client.JoinGroup(ctx, account, group.ID) })
			return
		}
		changeGroups(c, login, who, words.Text("command.people.is_not_in_the_group_any", who, called),
			func(ctx context.Context) error { return client.LeaveGroup(ctx, account, group.ID) })
	}
}

// changeGroups makes a change and says what became of it.
func changeGroups(c *call.Call, login *call.Login, name, done string, do func(context.Context) error) {
	if c.Tries(reason.Groups, login.Account.About(name), do) {
		c.Say("%s", done)
	}
}

// cutGroup takes a group off the beginning of a text: by its number, or by its name, of which
// the longest counts that fits. A number is one, also where a group is called so.
func cutGroup(groups []msn.Group, text string) (group msn.Group, rest string, ok bool) {
	groups = sortedGroups(groups)
	word, rest := call.CutWord(text)
	if n, err := strconv.Atoi(word); err == nil {
		if n < 1 || n > len(groups) {
			return msn.Group{}, "", false
		}
		return groups[n-1], rest, true
	}
	longest := 0
	for _, g := range groups {
		name := names.Clean(g.Name)
		if len(name) <= longest || len(text) < len(name) || !strings.EqualFold(text[:len(name)], name) {
			continue
		}
		if behind := text[len(name):]; behind == "" || behind[0] == ' ' {
			group, rest, ok, longest = g, strings.TrimSpace(behind), true, len(name)
		}
	}
	return group, rest, ok
}
