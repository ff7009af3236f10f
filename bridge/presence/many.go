package presence

// A ghost whom few know has its ties looked through. Of one whom many know each of them is told when its status changes, and what
// is asked for each must not take longer the more there are.

// maxListed is how many ties are looked through.
const maxListed = 32

// many is what is known of the ties of a ghost that has more.
type many struct {
	at     map[*login]int // where in the list the tie of each is
	rooms  int            // how many have a room
	latest tie            // the one with the latest news of the ghost, as it is or was; without a state when nobody sees it online
}

// sum looks at all ties: how many have a room, and which has the latest news among those who see the ghost online.
func sum(ties []tie) (rooms int, latest tie) {
	for _, t := range ties {
		if t.room {
			rooms++
		}
		if t.state != nil && t.order > latest.order {
			latest = t
		}
	}
	return rooms, latest
}

func (g *ghost) sum() (rooms int, latest tie) {
	if g.many != nil {
		return g.many.rooms, g.many.latest
	}
	return sum(g.ties)
}

// same returns a state as others see it already if they do, so that they share it.
func (g *ghost) same(state *State) *State {
	if g.many != nil {
		if latest := g.many.latest.state; latest != nil && *latest == *state {
			return latest
		}
		return state
	}
	for i := range g.ties {
		if t := &g.ties[i]; t.state != nil && *t.state == *state {
			return t.state
		}
	}
	return state
}

// joined notes that a tie was put at the end of the list.
func (g *ghost) joined() {
	switch last := len(g.ties) - 1; {
	case g.many != nil:
		g.many.at[g.ties[last].login] = last
	case len(g.ties) > maxListed:
		c := &many{at: make(map[*login]int, 2*maxListed)}
		for i, t := range g.ties {
			c.at[t.login] = i
		}
		c.rooms, c.latest = sum(g.ties)
		g.many = c
	}
}

// moved notes that a tie has changed.
func (g *ghost) moved(before, after tie) {
	c := g.many
	if c == nil {
		return
	}
	if before.room != after.room {
		if c.rooms--; after.room {
			c.rooms += 2
		}
	}
	switch {
	case after.state != nil && after.order > c.latest.order:
		c.latest = after
	case after.state == nil && c.latest.state != nil && c.latest.login == after.login:
		_, c.latest = sum(g.ties) // seldom: they are told in much the same order each time
	}
}

// drop forgets what a login has to do with a ghost.
func (g *ghost) drop(l *login) {
	t := g.tie(l)
	if t == nil {
		return
	}
	before := *t
	t.state, t.room = nil, false
	g.moved(before, *t)
	last := len(g.ties) - 1
	if c := g.many; c != nil {
		at := c.at[l]
		delete(c.at, l)
		if at != last {
			c.at[g.ties[last].login] = at
		}
		if last <= maxListed/2 {
			g.many = nil
		}
	}
	*t = g.ties[last]
	g.ties[last] = tie{}
	if g.ties = g.ties[:last]; last == 0 {
		g.ties = nil
	}
}
