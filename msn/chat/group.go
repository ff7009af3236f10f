package chat

import (
	"maps"
	"slices"
)

// group is what is known of the people of a group chat, besides who is in its sessions. The zero value is one
// without anybody.
type group struct {
	rung        bool                     // others have opened it, and nobody has named it
	members     []string                 // besides the user, in order of coming
	departed    map[string]bool          // members who have left by themselves and have not come since
	invitations map[string][]func(error) // who waits for a member to come
}

// has reports whether somebody is a member.
func (g *group) has(account string) bool { return slices.Contains(g.members, account) }

// include makes somebody a member, if there is room for one more.
func (g *group) include(account string) {
	if !g.has(account) && len(g.members) < MaxMembers {
		g.members = append(g.members, account)
	}
}

// depart notes that a member has left by themselves.
func (g *group) depart(account string) {
	if !g.has(account) {
		return
	}
	if g.departed == nil {
		g.departed = make(map[string]bool)
	}
	g.departed[account] = true
}

// arrive notes that somebody has come.
func (g *group) arrive(account string) { delete(g.departed, account) }

// missing returns how many of the members are not among people, sorted. It reports false when these are not
// the members, without those who have left.
func (g *group) missing(people []string) (n int, ok bool) {
	members := slices.Sorted(slices.Values(g.members))
	if slices.Equal(members, people) {
		return 0, true
	}
	stayed := slices.DeleteFunc(members, func(member string) bool { return g.departed[member] })
	return len(g.members) - len(stayed), slices.Equal(stayed, people)
}

// await has result called when somebody comes who was invited, or does not.
func (g *group) await(account string, result func(error)) {
	if g.invitations == nil {
		g.invitations = make(map[string][]func(error))
	}
	g.invitations[account] = append(g.invitations[account], result)
}

// awaited returns who was invited and has not come yet, sorted.
func (g *group) awaited() []string { return slices.Sorted(maps.Keys(g.invitations)) }

// answer tells those who wait for somebody what became of the call.
func (g *group) answer(account string, err error) {
	waiting := g.invitations[account]
	delete(g.invitations, account)
	for _, result := range waiting {
		result(err)
	}
}

// fail tells all who wait for somebody that they do not come.
func (g *group) fail(err error) {
	for _, account := range g.awaited() {
		g.answer(account, err)
	}
}
