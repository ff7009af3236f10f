package msn_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// circleOf waits until a user's circle is as wanted. id may be "" for any.
func (u *user) circleOf(what, id string, wanted func(msn.Circle) bool) msn.Circle {
	u.t.Helper()
	for {
		for _, circle := range u.Circles() {
			if (id == "" || circle.ID == id) && wanted(circle) {
				return circle
			}
		}
		wait(u, what, anyOf[msn.CirclesChanged])
	}
}

// circleName is the name of the circle of shareCircle.
const circleName = "Kroužek & <přátel>"

// shareCircle has a make a circle, invite b, talk with them there, and b leave.
func shareCircle(t *testing.T, a, b *user) {
	t.Helper()
	own, other := strings.ToLower(a.Account()), strings.ToLower(b.Account())
	id, name := "", circleName
	for _, circle := range a.Circles() {
		if circle.Name == name && circle.Admin {
			id = circle.ID // services let nobody leave their own
		}
	}
	if id == "" {
		var err error
		if id, err = a.CreateCircle(t.Context(), name); err != nil {
			t.Fatalf("create: %v", err)
		}
	}
	if circle := a.circleOf("the new circle", id, func(msn.Circle) bool { return true }); circle.Name != name || !circle.Member {
		t.Errorf("the new circle is %+v", circle)
	}
	// Only who has shown the server their ticket of circles is told of an invitation.
	// The ticket went out at the sign-in: an answer to what went out later is after it.
	if _, err := b.ServiceURL(t.Context(), msn.URLInbox, ""); errors.Is(err, msn.ErrClosed) {
		t.Fatalf("ask for a page: %v", err)
	}
	if err := a.InviteToCircle(t.Context(), id, other, "come in"); err != nil {
		t.Fatalf("invite: %v", err)
	}
	a.circleOf("the invitation", id, func(c msn.Circle) bool {
		return c.Complete && slices.ContainsFunc(c.Members, func(m msn.CircleMember) bool { return m.Account == other && m.Invited })
	})
	if circle := b.circleOf("to be invited", id, func(msn.Circle) bool { return true }); circle.Member || circle.Name != name {
		t.Errorf("the invitation is into %+v", circle)
	}
	if err := b.CircleChat(id).SendText(t.Context(), "too early", ""); !errors.Is(err, msn.ErrCircle) {
		t.Errorf("who was not let in yet writes: %v", err)
	}
	if err := b.AnswerCircle(t.Context(), id, true); err != nil {
		t.Fatalf("accept: %v", err)
	}
	b.circleOf("to be a member", id, func(c msn.Circle) bool { return c.Member })
	inCircle := func(from, to *user, text string) msn.TextReceived {
		t.Helper()
		if err := from.CircleChat(id).SendText(t.Context(), text, ""); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got := to.waitText(strings.ReplaceAll(text, "\r\n", "\n"))
		if got.From != strings.ToLower(from.Account()) || got.Conversation.Circle() != id || got.FromName != from.DisplayName() {
			t.Errorf("it came as %+v", got)
		}
		return got
	}
	inCircle(b, a, "first ♥\nsecond line")
	inCircle(a, b, strings.Repeat("ž", 600))
	if err := a.CircleChat(id).SendTyping(t.Context()); err != nil {
		t.Error(err)
	}
	if typing := wait(b, "typing", anyOf[msn.TypingReceived]); typing.From != own || typing.Conversation.Circle() != id {
		t.Errorf("typing %+v", typing)
	}
	if people := b.CircleChat(id).Participants(); !slices.Equal(people, []string{own}) {
		t.Errorf("there are %q", people)
	}
	if err := b.LeaveCircle(t.Context(), id); err != nil {
		t.Fatalf("leave: %v", err)
	}
	if slices.ContainsFunc(b.Circles(), func(c msn.Circle) bool { return c.ID == id }) {
		t.Error("who left has the circle still")
	}
	if err := b.CircleChat(id).SendText(t.Context(), "too late", ""); !errors.Is(err, msn.ErrCircle) {
		t.Errorf("who has left writes: %v", err)
	}
}

func TestCirclesInBothKindsOfServers(t *testing.T) {
	for compat, name := range map[msntest.Compat]string{msntest.Historic: "historic", msntest.Escargot: "escargot"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newService(t, msntest.WithCompat(compat))
			shareCircle(t, signIn(t, webConfig(srv, alice, 18)), signIn(t, webConfig(srv, bob, 18)))
		})
	}
}

// What the user says at one place comes to the others, once, and who is in a circle at
// sign-in hears at once.
func TestCircleAtTwoPlaces(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	id := srv.AddCircle("Walkers", alice, bob)
	first, second, b := signIn(t, webConfig(srv, alice, 18)), signIn(t, webConfig(srv, alice, 18)), signIn(t, webConfig(srv, bob, 18))
	var sent []func() error
	for _, u := range []*user{first, second, b} {
		sent = append(sent, u.CircleChat(id).StartText(t.Context(), "here I am", ""))
	}
	for _, wait := range sent {
		// Who has written has come in, and hears what follows.
		if err := wait(); err != nil {
			t.Fatal(err)
		}
	}
	sent = nil
	for _, said := range []struct {
		by     *user
		text   string
		toOwn  *user
		others []*user
	}{
		{first, "from the first place", second, []*user{b}},
		{second, "from the second place", first, []*user{b}},
		{b, "from bob", nil, []*user{first, second}},
	} {
		sent = append(sent, said.by.CircleChat(id).StartText(t.Context(), said.text, ""))
		for _, other := range said.others {
			if got := other.waitText(said.text); got.Conversation.Circle() != id {
				t.Errorf("it came as %+v", got)
			}
		}
		if said.toOwn != nil {
			got := wait(said.toOwn, "one's own text", func(e msn.TextSent) bool { return e.Text == said.text })
			if got.Conversation.Circle() != id {
				t.Errorf("it came as %+v", got)
			}
		}
	}
	for _, wait := range sent {
		if err := wait(); err != nil {
			t.Error(err)
		}
	}
	srv.RenameCircle(id, "Runners")
	first.circleOf("the new name", id, func(c msn.Circle) bool { return c.Name == "Runners" })
}

func TestInvitationIntoACircleIsDeclined(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	id := srv.AddCircle("Walkers", bob)
	srv.InviteToCircle(id, alice)
	a := signIn(t, webConfig(srv, alice, 18))
	if err := a.LeaveCircle(t.Context(), id); !errors.Is(err, msn.ErrArgument) {
		t.Errorf("who is only invited leaves: %v", err)
	}
	if err := a.AnswerCircle(t.Context(), id, false); err != nil {
		t.Fatal(err)
	}
	if list := a.Circles(); len(list) != 0 {
		t.Errorf("circles %+v", list)
	}
	if err := a.AnswerCircle(t.Context(), id, true); !errors.Is(err, msn.ErrArgument) {
		t.Errorf("an invitation that is answered: %v", err)
	}
}

func TestCirclesThatCannotBeChanged(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	id := srv.AddCircle("Walkers", alice)
	a := signIn(t, webConfig(srv, alice, 18))
	for _, test := range []struct {
		what string
		err  error
		want error
	}{
		{"invite into an unknown circle", a.InviteToCircle(t.Context(), "x", bob, ""), msn.ErrCircle},
		{"invite nobody", a.InviteToCircle(t.Context(), id, "nobody", ""), msn.ErrArgument},
		{"invite an account that is none", a.InviteToCircle(t.Context(), id, "stranger@example.com", ""), msn.ErrNoSuchContact},
		{"invite with a long message", a.InviteToCircle(t.Context(), id, bob, strings.Repeat("x", msn.MaxRequest+1)), msn.ErrTooLong},
		{"leave one's own", a.LeaveCircle(t.Context(), id), msn.ErrBusy},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: %v", test.what, test.err)
		}
	}
	for range 2 { // who is invited already is no error
		if err := a.InviteToCircle(t.Context(), id, bob, ""); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", " ", strings.Repeat("x", msn.MaxCircleName+1)} {
		if _, err := a.CreateCircle(t.Context(), name); !errors.Is(err, msn.ErrArgument) {
			t.Errorf("a circle called %q: %v", name, err)
		}
	}
	for _, d := range []wire.Dialect{12, 16} {
		b := signIn(t, webConfig(srv, bob, d))
		if _, err := b.CreateCircle(t.Context(), "x"); !errors.Is(err, msn.ErrDialect) {
			t.Errorf("%v: %v", d, err)
		}
	}
}
