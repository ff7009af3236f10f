package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestPeopleOfAGroupChat(t *testing.T) {
	t.Parallel()
	var g group
	for _, account := range []string{"c", "b", "c", "d"} {
		g.include(account)
	}
	g.depart("x") // nobody who was there
	g.depart("d")
	if !slices.Equal(g.members, []string{"c", "b", "d"}) || g.has("x") {
		t.Errorf("the members are %v", g.members)
	}
	for people, want := range map[string]int{"b c d": 0, "b c": 1, "b": -1, "b c x": -1} {
		n, ok := g.missing(strings.Fields(people))
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("of %s %d are missing, %t", people, n, ok)
		}
	}
	g.arrive("d")
	if _, ok := g.missing([]string{"b", "c"}); ok {
		t.Error("who has come again may be missing")
	}
	for n := range 2 * MaxMembers {
		g.include(fmt.Sprint(n))
	}
	if len(g.members) != MaxMembers {
		t.Errorf("there are %d members", len(g.members))
	}
}

func TestInvitationsAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	var g group
	var heard []string
	hear := func(who string) func(error) {
		return func(err error) { heard = append(heard, fmt.Sprintf("%s: %v", who, err)) }
	}
	g.answer("b", nil) // nobody waits
	g.await("c", hear("c"))
	g.await("b", hear("b"))
	g.await("b", hear("b too"))
	if got := g.awaited(); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("waited for are %v", got)
	}
	g.answer("b", nil)
	g.fail(errors.New("no"))
	g.fail(errors.New("again"))
	if want := []string{"b: <nil>", "b too: <nil>", "c: no"}; !slices.Equal(heard, want) {
		t.Errorf("heard %q", heard)
	}
}
