package msntest_test

import (
	"fmt"
	"strings"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// SND, SDC and FND (protocol/07-misc-founding-spec.md, sections 3 and 4).

func TestMalformedInvitations(t *testing.T) {
	t.Parallel()
	const sdc = "SDC 7 a@b.example 0x0409 MSMSGS MSMSGS X X me 0\r\n"
	ask(t, []asked{
		{"SND without an address", 2, "SND 7", "503 7", true},
		{"SND of later dialects", 2, "SND 7 a@b.example 0x409 MSMSGS", "503 7", true},
		{"SND without the library", 3, "SND 7 a@b.example 0x409", "503 7", true},
		{"SND without the codebase", 4, "SND 7 a@b.example 0x409 MSMSGS", "503 7", true},
		{"SND to no address", 9, "SND 7 ab.example 0x409 MSMSGS MSMSGS", "503 7", true},
		{"SND to a line of no search", 9, "SND 7 1 0x409 MSMSGS MSMSGS", "503 7", true},
		{"SND with a locale in decimal", 9, "SND 7 a@b.example 1033 MSMSGS MSMSGS", "503 7", true},
		{"SND with an empty parameter", 9, "SND 7 a@b.example 0x409 MSMSGS ", "503 7", true},
		{"SDC before its time", 4, sdc, "", true},
		{"SDC", 5, sdc, "SDC 7 OK", false},
		{"SDC with another library", 5, strings.Replace(sdc, "MSMSGS", "OTHER", 1), "710 7", false},
		{"SDC with the library of later clients", 12, strings.Replace(sdc, "MSMSGS", "MSNMSGR", 1), "SDC 7 OK", false},
		{"SDC with another codebase", 5, strings.Replace(sdc, "MSMSGS X", "OTHER X", 1), "503 7", true},
		{"SDC of Windows Messenger", 5, strings.Replace(sdc, "MSMSGS X", "WindowsMessenger X", 1), "SDC 7 OK", false},
		{"SDC with other letters", 5, strings.Replace(sdc, "X X", "X Y", 1), "503 7", true},
		{"SDC without a name", 5, strings.Replace(sdc, " me", "", 1), "503 7", true},
		{"SDC with an empty name", 5, strings.Replace(sdc, " me", " ", 1), "503 7", true},
		{"SDC to no address", 5, strings.Replace(sdc, "a@b.example", "a@", 1), "503 7", true},
		{"SDC without a locale", 5, strings.Replace(sdc, "0x0409", "en", 1), "503 7", true},
	})
}

func TestInvitationsAreKept(t *testing.T) {
	t.Parallel()
	srv, ctx := friends(t), testContext(t)
	steps := []struct {
		d    wire.Dialect
		send string
		want msntest.Invitation
	}{
		{2, "SND 7 Dave@Example.NET", msntest.Invitation{To: "Dave@Example.NET", Verb: "SND"}},
		{3, "SND 7 d@example.net 0x409 MSMSGS", msntest.Invitation{To: "d@example.net", Locale: "0x409", Verb: "SND"}},
		{4, "SND 7 d@example.net 0x0409 MSMSGS MSMSGS", msntest.Invitation{To: "d@example.net", Locale: "0x0409", Verb: "SND"}},
		{5, "SDC 7 d@example.net 0x0409 MSMSGS MSMSGS X X example%20name 37\r\nThis will be added to the invitation.",
			msntest.Invitation{FromName: "example name", To: "d@example.net", Locale: "0x0409", Text: "This will be added to the invitation.", Verb: "SDC"}},
		{12, "SDC 7 d@example.net 0x0409 MSMSGS MSMSGS X X me 0\r\n", msntest.Invitation{FromName: "me", To: "d@example.net", Locale: "0x0409", Verb: "SDC"}},
	}
	for i, step := range steps {
		c := online(t, srv, step.d, alice)
		c.send(step.send)
		c.want(step.want.Verb + " 7 OK")
		step.want.From = alice
		if got, err := srv.AwaitInvitation(ctx, i+1); err != nil || got != step.want {
			t.Errorf("%s: %+v, %v", step.send, got, err)
		}
	}
	if got := srv.Invitations(); len(got) != len(steps) || got[1].Locale != "0x409" {
		t.Errorf("invitations %+v", got)
	}
}

func TestOnlyTheLastInvitationsAreKept(t *testing.T) {
	t.Parallel()
	srv, ctx := friends(t, msntest.WithRecordLimit(2)), testContext(t)
	c := online(t, srv, 2, alice)
	for i := range 3 {
		c.send(fmt.Sprintf("SND %d d%d@example.net", 7+i, i+1))
		c.want(fmt.Sprintf("SND %d OK", 7+i))
	}
	if got, err := srv.AwaitInvitation(ctx, 3); err != nil || got.To != "d3@example.net" {
		t.Errorf("third %+v, %v", got, err)
	}
	if got, err := srv.AwaitInvitation(ctx, 1); err == nil {
		t.Errorf("first %+v", got)
	}
	if got := srv.Invitations(); len(got) != 2 {
		t.Errorf("invitations %+v", got)
	}
}

func TestDirectorySearch(t *testing.T) {
	t.Parallel()
	bob := msntest.Person{FirstName: "Bob", LastName: "Builder", City: "New York", State: "NY", Country: "US", Address: "bob@example.net"}
	crowd := []msntest.Person{bob, {FirstName: "Bob", LastName: "Builder", City: "Paris", Country: "FR"}}
	for range 101 {
		crowd = append(crowd, msntest.Person{FirstName: "John", LastName: "Smith", City: "x", State: "x", Country: "US"})
	}
	ask(t, []asked{
		{"one hit", 5, "FND 7 fname=bob lname=BUILDER city=* state=* country=US", "FND 7 1 1 fname=Bob lname=Builder city=New%20York state=NY country=US", false},
		{"encoded city", 5, "FND 7 fname=Bob lname=Builder city=New%20York state=* country=*", "FND 7 1 1 ...", false},
		{"nobody", 5, "FND 7 fname=Eve lname=Builder city=* state=* country=*", "FND 7 0 0", false},
		{"no first name", 5, "FND 7 fname=* lname=Builder city=* state=* country=*", "201 7", false},
		{"no last name", 5, "FND 7 fname=Bob lname= city=* state=* country=*", "201 7", false},
		{"no country", 5, "FND 7 fname=Bob lname=Builder city=* state=*", "201 7", false},
		{"other order", 5, "FND 7 lname=Builder fname=Bob city=* state=* country=*", "201 7", false},
		{"too many", 5, "FND 7 fname=John lname=Smith city=* state=* country=US", "301 7", false},
	}, msntest.WithDirectory(crowd...))

	srv := friends(t, msntest.WithDirectory(crowd...))
	c := online(t, srv, 4, alice)
	c.send("FND 7 fname=Bob lname=Builder city=* state=* country=*", "SND 8 1 0x409 MSMSGS MSMSGS")
	c.want("FND 7 1 2 ...", "FND 7 2 2 fname=Bob lname=Builder city=Paris state= country=FR", "SND 8 OK")
	if got := srv.Invitations(); len(got) != 1 || got[0].To != bob.Address {
		t.Errorf("invitations %+v", got)
	}
}

func TestDirectorySearchIsSwitchedOff(t *testing.T) {
	t.Parallel()
	var tests []asked
	for d := wire.Dialect(2); d <= 12; d++ {
		tests = append(tests, asked{"FND", d, "FND 7 fname=A lname=B city=* state=* country=US", "502 7", false})
	}
	ask(t, tests)
}
