package msn_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// The user arranges their contact list: groups, names of contacts and settings, which the
// service keeps.
func TestContactListIsArrangedInAllDialects(t *testing.T) {
	inAllDialects(t, func(t *testing.T, srv *msntest.Server, d wire.Dialect) {
		arrange(t, signIn(t, webConfig(srv, alice, d)), bob, func() *user { return signIn(t, webConfig(srv, alice, d)) })
	})
}

// arrange arranges the contact list of a, on which somebody is. again signs a in once more.
func arrange(t *testing.T, a *user, account string, again func() *user) {
	t.Helper()
	if a.Dialect() >= wire.FirstGroups {
		arrangeGroups(t, a, account)
	} else if _, err := a.AddGroup(t.Context(), "Sailing"); !errors.Is(err, msn.ErrDialect) {
		t.Errorf("a group without groups: %v", err)
	}
	before := a.Privacy()
	for _, on := range []bool{!before.Everybody, before.Everybody, before.Everybody} {
		if err := a.SetEverybody(t.Context(), on); err != nil || a.Privacy().Everybody != on {
			t.Errorf("everybody %v: %v, %+v", on, err, a.Privacy())
		}
	}
	for _, on := range []bool{before.Asks, !before.Asks} {
		if err := a.SetAsks(t.Context(), on); err != nil || a.Privacy().Asks != on {
			t.Errorf("asks %v: %v, %+v", on, err, a.Privacy())
		}
	}
	if err := a.SetNick(t.Context(), "nobody@example.com", "Nemo"); !errors.Is(err, msn.ErrNotListed) || !errors.Is(err, msn.ErrArgument) {
		t.Errorf("the name of a stranger: %v", err)
	}
	if err := a.SetNick(t.Context(), account, strings.Repeat("♥", 130)); !errors.Is(err, msn.ErrTooLong) {
		t.Errorf("a long name: %v", err)
	}
	if err := a.SetNick(t.Context(), account, "Bobby ♥"); err != nil {
		t.Errorf("name: %v", err)
	}
	called := func(u *user) string {
		contact, _ := u.Contact(account)
		if u.Dialect() >= wire.FirstSOAP {
			return contact.Nick
		}
		return contact.Name
	}
	if got := called(a); got != "Bobby ♥" {
		t.Errorf("called %q", got)
	}
	own := a.DisplayName()
	for name, want := range map[string]error{" ": msn.ErrArgument, strings.Repeat("♥", 130): msn.ErrTooLong} {
		if err := a.SetDisplayName(t.Context(), name); !errors.Is(err, want) {
			t.Errorf("own name %q: %v", name, err)
		}
	}
	if err := a.SetDisplayName(t.Context(), "Sailor ♥"); err != nil || a.DisplayName() != "Sailor ♥" {
		t.Errorf("own name: %v, %q", err, a.DisplayName())
	}
	wait(a, "the own name", func(e msn.NameChanged) bool { return e.Name == "Sailor ♥" })
	a.quit()
	b := again()
	if got := b.DisplayName(); got != "Sailor ♥" {
		t.Errorf("after another sign-in called %q", got)
	}
	if err := b.SetDisplayName(t.Context(), own); err != nil {
		t.Errorf("own name: %v", err)
	}
	if got := called(b); b.Dialect() >= wire.FirstSOAP && got != "Bobby ♥" {
		t.Errorf("after another sign-in called %q", got)
	}
	if got := b.Privacy(); got.Asks == before.Asks || got.Everybody != before.Everybody {
		t.Errorf("after another sign-in the settings are %+v, were %+v", got, before)
	}
	if err := b.SetAsks(t.Context(), before.Asks); err != nil {
		t.Error(err)
	}
	if err := b.SetNick(t.Context(), account, ""); err != nil {
		t.Errorf("without a name: %v", err)
	}
	if got := called(b); got == "Bobby ♥" {
		t.Errorf("called %q", got)
	}
	b.quit()
}

func arrangeGroups(t *testing.T, a *user, account string) {
	t.Helper()
	in := func(id string) bool {
		contact, _ := a.Contact(account)
		return slices.Contains(contact.Groups, id)
	}
	named := func(id string) string {
		for _, g := range a.Groups() {
			if g.ID == id {
				return g.Name
			}
		}
		return ""
	}
	id, err := a.AddGroup(t.Context(), " Sailing & ♥ ")
	if err != nil || named(id) != "Sailing & ♥" {
		t.Fatalf("group %q, %v, all are %+v", id, err, a.Groups())
	}
	wait(a, "the new group", func(e msn.GroupsChanged) bool {
		return slices.ContainsFunc(e.Groups, func(g msn.Group) bool { return g.ID == id })
	})
	for name, want := range map[string]error{"SAILING & ♥": msn.ErrGroupExists, " ": msn.ErrArgument, strings.Repeat("♥", 21): msn.ErrTooLong} {
		if _, err := a.AddGroup(t.Context(), name); !errors.Is(err, want) {
			t.Errorf("group %q: %v", name, err)
		}
	}
	for range 2 {
		if err := a.JoinGroup(t.Context(), account, id); err != nil || !in(id) {
			t.Errorf("join: %v", err)
		}
	}
	if err := a.RenameGroup(t.Context(), id, "Rowing"); err != nil || named(id) != "Rowing" {
		t.Errorf("rename: %v, %+v", err, a.Groups())
	}
	for range 2 {
		if err := a.LeaveGroup(t.Context(), account, id); err != nil || in(id) {
			t.Errorf("leave: %v", err)
		}
	}
	if err := a.JoinGroup(t.Context(), account, id); err != nil {
		t.Errorf("join: %v", err)
	}
	if err := a.RemoveGroup(t.Context(), id); err != nil || named(id) != "" || in(id) {
		t.Errorf("remove: %v, %+v", err, a.Groups())
	}
	if contact, _ := a.Contact(account); !contact.Lists.Has(msn.ListForward) {
		t.Error("the contact went with the group")
	}
	for what, err := range map[string]error{
		"remove": a.RemoveGroup(t.Context(), id), "rename": a.RenameGroup(t.Context(), id, "x"),
		"join": a.JoinGroup(t.Context(), account, id), "leave": a.LeaveGroup(t.Context(), account, id),
	} {
		if !errors.Is(err, msn.ErrNoGroup) {
			t.Errorf("%s without a group: %v", what, err)
		}
	}
	if err := fillGroups(t, a); !errors.Is(err, msn.ErrManyGroups) {
		t.Errorf("too many groups: %v", err)
	}
}

// fillGroups makes groups until that is refused, removes them, and returns the refusal.
func fillGroups(t *testing.T, a *user) error {
	t.Helper()
	var made []string
	defer func() {
		for _, id := range made {
			if err := a.RemoveGroup(t.Context(), id); err != nil {
				t.Errorf("remove: %v", err)
			}
		}
	}()
	for i := range msn.MaxGroups + 1 {
		id, err := a.AddGroup(t.Context(), fmt.Sprintf("Group %d", i))
		if err != nil {
			return err
		}
		made = append(made, id)
	}
	return nil
}
