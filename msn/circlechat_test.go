package msn_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"matrix-msn/msn"
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
	if err := a.InviteToCircle(t.Context(), id, other, "come in"); err != nil {
		t.Fatalf("invite: %v", err)
	}
	if circle := a.circleOf("the invitation", id, func(msn.Circle) bool { return true }); !slices.ContainsFunc(circle.Members, func(m msn.CircleMember) bool { return m.Account == other && m.Invited }) {
		t.Errorf("with the invitation it is %+v", circle)
	}
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
