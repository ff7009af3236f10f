package browser

import (
	"bytes"
	"maps"
	"testing"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
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

// newPeople makes them. Their accounts are called after the test, as all tests share the
// service; others are accounts that know both.
func newPeople(t *testing.T, name string, others ...string) *people {
	t.Helper()
	aliceName, bobName := "alice", "bob"
	if name != "" {
		aliceName, bobName = aliceName+"-"+name, bobName+"-"+name
	}
	p := &people{t: t, aliceAccount: aliceName + "@example.com", bobAccount: bobName + "@example.com"}
	home.AddPerson(p.aliceAccount, msnPassword, "Alice")
	home.AddPerson(p.bobAccount, msnPassword, "Bob")
	home.Befriend(append(others, p.aliceAccount, p.bobAccount)...)
	var err error
	if p.bob, err = home.SignIn(t.Context(), p.bobAccount, msnPassword); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.bob.Close() })
	if _, err := p.bob.Client.SetPicture(t.Context(), msntest.Portrait("Bob")); err != nil {
		t.Fatal(err)
	}
	if p.alice, err = parts.Homeserver.NewUser(t.Context(), aliceName); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.alice.Close)
	if err := p.alice.Client.SetDisplayName(t.Context(), "Alice"); err != nil {
		t.Fatal(err)
	}
	uploaded, err := p.alice.Client.UploadBytes(t.Context(), msntest.Portrait("Alice"), "image/png")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.alice.Client.SetAvatarURL(t.Context(), uploaded.ContentURI); err != nil {
		t.Fatal(err)
	}
	return p
}

// signInAlice signs her in with a client of her own, for tests that need no bridge.
func (p *people) signInAlice() *stack.Person {
	p.t.Helper()
	alice, err := home.SignIn(p.t.Context(), p.aliceAccount, msnPassword)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = alice.Close() })
	return alice
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

// following returns settings by which people on MSN see the picture that somebody has in Matrix.
func following(settings map[string]any) map[string]any {
	settings = maps.Clone(settings)
	settings["network.follow_picture"] = true
	return settings
}

// encrypting returns settings with those by which a bridge encrypts all that it can.
func encrypting(settings map[string]any) map[string]any {
	settings = maps.Clone(settings)
	settings["encryption.allow"], settings["encryption.default"] = true, true
	return settings
}

// givesPicture has Bob send a picture, and returns when the bridge has it.
func (p *people) givesPicture(name string) {
	p.t.Helper()
	picture := msntest.Landscape("Bob")
	err := p.bob.Client.SendFile(p.t.Context(), p.aliceAccount, msn.File{Name: name, Size: uint64(len(picture))}, bytes.NewReader(picture), nil)
	if err != nil {
		p.t.Fatal(err)
	}
}
