package browser

import (
	"maps"
	"testing"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn/msntest"
)

const msnPassword = "correct horse"

// people are somebody on Matrix with an MSN account, and a contact of hers on MSN, for one test alone.
type people struct {
	t *testing.T
	// alice is her Matrix account as a program has it, beside the browser.
	alice        *stack.User
	bob          *stack.Person
	aliceAccount string
	bobAccount   string
}

// newPeople makes them. They are called after the test, as their names stand in lists that all share.
func newPeople(t *testing.T, name string) *people {
	t.Helper()
	p := &people{t: t, aliceAccount: "alice-" + name + "@example.com", bobAccount: "bob-" + name + "@example.com"}
	home.AddPerson(p.aliceAccount, msnPassword, "Alice")
	home.AddPerson(p.bobAccount, msnPassword, "Bob")
	home.Befriend(p.aliceAccount, p.bobAccount)
	var err error
	if p.bob, err = home.SignIn(t.Context(), p.bobAccount, msnPassword); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.bob.Close() })
	if _, err := p.bob.Client.SetPicture(t.Context(), msntest.Portrait("Bob")); err != nil {
		t.Fatal(err)
	}
	if p.alice, err = parts.Dendrite.NewUser(t.Context(), "alice-"+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.alice.Close)
	return p
}

// hears waits until Bob has heard a text from Alice.
func (p *people) hears(mark stack.Mark, text string) {
	p.t.Helper()
	if _, err := p.bob.WaitEventAfter(p.t.Context(), mark, "the text from Matrix", stack.HeardText(p.aliceAccount, text)); err != nil {
		p.t.Fatal(err)
	}
}

// says has Bob say something to Alice.
func (p *people) says(text string) {
	p.t.Helper()
	if err := p.bob.Say(p.t.Context(), p.aliceAccount, text); err != nil {
		p.t.Fatal(err)
	}
}

// encrypting returns settings with those by which a bridge encrypts all that it can.
func encrypting(settings map[string]any) map[string]any {
	settings = maps.Clone(settings)
	settings["encryption.allow"], settings["encryption.default"] = true, true
	return settings
}
