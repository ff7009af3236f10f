package bridge

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/event"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// byListDialect runs a test with each way of keeping a contact list.
func byListDialect(t *testing.T, test func(t *testing.T, b *testBridge)) {
	t.Helper()
	for _, dialect := range []wire.Dialect{2, 8, 10, 12, 13, 15, 18} {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			srv := newTestServer(t, msntest.WithDialects(dialect))
			if dialect < wire.FirstSOAP {
				test(t, newTestBridge(t, srv))
				return
			}
			test(t, newTestBridge(t, srv, speaking(srv, dialect.String())))
		})
	}
}

// The contact list is changed by commands, and each says what was done.
func TestContactListIsChangedByCommands(t *testing.T) {
	t.Parallel()
	byListDialect(t, func(t *testing.T, b *testBridge) {
		login := b.login()
		b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
		chat := b.management()
		for _, step := range []struct{ command, want string }{
			{"add", "Whom? Write `!add carol@example.com`, with a text for them behind it if you like."},
			{"add nobody", "An MSN account is an e-mail address such as bob@example.com. Nothing was changed."},
			{"add " + alice, alice + " is your own account. Nothing was changed."},
			{"add nobody@example.com", "Home knows no account nobody@example.com. Check the address; nothing was changed."},
			{"add " + strings.ToUpper(carol) + " It is me", carol + " is on your contact list now. Home tells them, and they decide whether you can see them."},
			{"add " + carol, " is on your contact list already."},
			{"whois " + carol, "Lists: on your contact list, may see you"},
			{"whois " + alice, alice + " is you: this is what your contacts at Home see.\nName: Alice\nStatus: online\n"},
			{"block " + carol, "is blocked: you are offline for them, and they cannot write to you. They are not told. `!unblock " + carol + "` takes it back."},
			{"block " + carol, "is blocked already."},
			{"whois " + carol, "Lists: on your contact list, blocked"},
			{"unblock " + carol + " now", "Nothing can stand behind the address. Write `!unblock carol@example.com`. Nothing was changed."},
			{"unblock " + carol, "can see you and write to you."},
			{"remove " + carol, "is off your contact list. Your room with them stays, and they can see you and write to you as before: `!block` keeps them from that."},
			{"remove " + carol, "is not on your contact list. Nothing was changed."},
		} {
			if got := b.ask(chat, step.command); !strings.Contains(got.body, step.want) {
				t.Errorf("%s is answered by %q, want %q", step.command, got.body, step.want)
			}
		}
		room := b.dm(login, bob)
		if got := b.ask(room, "!whois"); !strings.Contains(got.body, bob+"\nName: Bob Builder\nStatus: offline, or does not show otherwise\nLists: on your contact list, may see you, has you on their list") {
			t.Errorf("whois in the room is answered by %q", got.body)
		}
		// What is typed is never taken for a text to the contact of the room.
		if got := b.ask(room, "!add dave"); !strings.HasPrefix(got.body, "An MSN account is an e-mail address such as bob@example.com. Nothing was changed.") {
			t.Errorf("add of half an address in the room is answered by %q", got.body)
		}
		if got := b.ask(room, "!block"); !strings.HasPrefix(got.body, "Bob Builder ("+bob+") is blocked") {
			t.Errorf("block in the room is answered by %q", got.body)
		}
	})
}

// Whom the service does not know is on no list after a command that says so, and stays on none.
func TestBlockOfNobodyChangesNothing(t *testing.T) {
	t.Parallel()
	byListDialect(t, func(t *testing.T, b *testBridge) {
		const nobody, gone = "nobody@example.com", "gone@example.com"
		b.srv.SetList(alice, msntest.AL, gone, true) // had an account once
		login := b.login()
		b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
		chat := b.management()
		for _, command := range []string{"block ", "unblock "} {
			if got := b.ask(chat, command+nobody); got.body != "Home knows no account "+nobody+". Check the address; nothing was changed." {
				t.Errorf("%s is answered by %q", command, got.body)
			}
			if contact, _ := login.Client.(*Client).session.Current().Contact(nobody); contact.Lists != 0 {
				t.Errorf("after %s the bridge has them on %v", command, contact.Lists)
			}
			if lists := b.srv.Account(alice).Lists(nobody); lists != 0 {
				t.Errorf("after %s the service has them on %v", command, lists)
			}
		}
		if login.Client.(*Client).session.Current().Dialect() < wire.FirstSOAP {
			return // they take back AL before they refuse BL, and do not put it back
		}
		if got := b.ask(chat, "block "+gone); !strings.HasSuffix(got.body, "nothing was changed.") {
			t.Errorf("the block of somebody who is gone is answered by %q", got.body)
		}
		if lists := b.srv.Account(alice).Lists(gone); lists != msntest.AL {
			t.Errorf("who is gone is on %v", lists)
		}
	})
}

// Somebody adds the user: that is told once a day while it waits, and can be answered.
func TestWhoAddsTheUserIsToldAndAnswered(t *testing.T) {
	t.Parallel()
	byListDialect(t, func(t *testing.T, b *testBridge) {
		login := b.login()
		b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
		b.srv.SetList(carol, msntest.FL, alice, true)
		b.restart()
		request := func(r record) bool {
			return r.kind == "message" && strings.Contains(r.body, "("+carol+") has added you to their contact list at Home.") &&
				strings.Contains(r.body, "`!accept "+carol+"` lets them see you and puts them on yours")
		}
		b.matrix.wait(t, 0, "the request", request)
		if told := b.matrix.all(request); len(told) != 1 {
			t.Errorf("told %d times", len(told))
		}
		b.restart()
		b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
		chat := b.management()
		if got := b.ask(chat, "unblock "+carol); !strings.Contains(got.body, "can see you and write to you.") {
			t.Errorf("answered by %q", got.body)
		}
		if got := b.ask(chat, "whois "+carol); !strings.Contains(got.body, "Lists: may see you") {
			t.Errorf("whois says %q", got.body)
		}
		if told := b.matrix.all(request); len(told) != 0 {
			t.Error("told again on the same day")
		}
	})
}

// Many who add the user fill no room.
func TestFloodOfRequestsIsSummedUp(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	for i := range 20 {
		account := string(rune('a'+i)) + "@adders.example"
		srv.AddAccount(account, pass)
		srv.SetList(account, msntest.FL, alice, true)
	}
	b := newTestBridge(t, srv)
	b.login()
	b.matrix.wait(t, 0, "the sum", func(r record) bool {
		return r.kind == "message" && r.body == "20 people have added you to their contact lists and wait for an answer. `!contacts` shows them all."
	})
	if told := b.matrix.all(func(r record) bool { return r.kind == "message" && strings.Contains(r.body, "has added you") }); len(told) != 5 {
		t.Errorf("told of %d", len(told))
	}
}

func TestContactsAreFound(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t, msntest.WithDialects(12))
	srv.Befriend(alice, carol)
	account := srv.Account(alice)
	account.PutInGroup(carol, account.AddGroup("Best Friends"))
	b := newTestBridge(t, srv)
	login := b.login()
	b.friend()
	client := login.Client.(*Client)
	b.eventually("Bob to be online", func() bool {
		session := client.session.Current()
		if session == nil {
			return false
		}
		contact, _ := session.Contact(bob)
		return contact.Status == "NLN"
	})
	chat := b.management()
	if got := b.ask(chat, "contacts group Foo").body; !strings.HasPrefix(got, "There is no such group.") || !strings.Contains(got, "Best Friends") {
		t.Errorf("a group that is not there is answered by %q", got)
	}
	if got := b.ask(chat, "contacts group").body; !strings.HasPrefix(got, "Which group?") || !strings.Contains(got, "Best Friends") {
		t.Errorf("a group without a name is answered by %q", got)
	}
	for command, want := range map[string][2]bool{ // is Bob there, is Carol
		"contacts": {true, true}, "contacts online": {true, false}, "contacts group best friends": {false, true}, "contacts ♥": {false, true},
		"contacts offline": {false, true}, "contacts waiting": {false, false}, "contacts Blocked": {false, false},
		"contacts BOB@": {true, false}, "contacts --login home/" + alice + " builder": {true, false},
	} {
		got := b.ask(chat, command).body
		if strings.Contains(got, bob) != want[0] || strings.Contains(got, carol) != want[1] {
			t.Errorf("%s is answered by %q", command, got)
		}
		if want == [2]bool{} && !strings.Contains(got, "nobody on the list is like that") {
			t.Errorf("%s is answered by %q", command, got)
		}
	}
}

// The framework's own ways: searching the list, and blocking the contact of a room.
func TestFrameworkSearchesAndBlocks(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.Befriend(alice, carol)
	b := newTestBridge(t, srv)
	login := b.login()
	client := login.Client.(*Client)
	for query, want := range map[string]string{"BUILDER": bob, "♥": carol, "carol@": carol, "nobody": ""} {
		found, err := client.SearchUsers(b.ctx, query)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, who := range found {
			got += strings.TrimPrefix(who.UserInfo.Identifiers[0], "mailto:")
		}
		if got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
	room := b.dm(login, bob)
	for _, test := range []struct {
		command string
		list    msn.List
	}{{"!msn block-user", msn.ListBlock}, {"!msn unblock-user", msn.ListAllow}} {
		from := b.matrix.position()
		b.write(room, test.command)
		b.waitStatus(from) // the framework takes one such command at a time
		b.eventually(test.command, func() bool {
			contact, _ := client.session.Current().Contact(bob)
			return contact.Lists.Has(test.list)
		})
	}
	err := client.HandleMatrixBlockUser(b.ctx, &bridgev2.MatrixBlockUser{
		Content: &event.BeeperBlockUserEventContent{Block: true},
		Portal:  &bridgev2.Portal{Portal: &bridgedb.Portal{PortalKey: client.account.GroupKey("g")}},
	})
	if err == nil || err.Error() != "This room is no address that can be on a contact list. Nothing was changed." {
		t.Errorf("a group is blocked: %v", err)
	}
}

// Groups, names of one's own and privacy are commands in every dialect that has them.
func TestContactListIsArrangedByCommands(t *testing.T) {
	t.Parallel()
	byListDialect(t, func(t *testing.T, b *testBridge) {
		login := b.login()
		b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
		chat := b.management()
		dialect := login.Client.(*Client).session.Current().Dialect()
		type step struct{ command, want string }
		steps := []step{
			{"rename", "Whom? Write `!rename carol@example.com Caz`"},
			{"rename " + carol, carol + " is not on your contact list. Put them on it with `!add` first; nothing was changed."},
			{"rename " + carol + " Caz", carol + " is not on your contact list. Put them on it with `!add` first; nothing was changed."},
			{"rename " + bob + " Bobby  B.", bob + " is called “Bobby B.” now"},
			{"privacy", "Everybody may see you and write to you whom you have not blocked"},
			{"privacy contacts", "Only those whom you have let in may see you"},
			{"privacy Everybody", "Everybody may see you and write to you"},
			{"privacy open", "You are not asked when somebody adds you"},
			{"privacy ask", "You are asked when somebody adds you."},
			{"privacy nobody", "Write `!privacy everybody` or"},
			{"accept", "Nobody waits for an answer. Nothing was changed."},
		}
		if dialect < wire.FirstGroups {
			steps = append(steps, step{"group add Sailing", "Home speaks a version of the protocol that has no groups: those came with MSNP7."})
		} else {
			steps = append(steps,
				step{"group nonsense", "Write `!group` to see your groups with their numbers"},
				step{"group add", "A group needs a name. Nothing was changed."},
				step{"group add Sailing  crew", "There is a group “Sailing crew” now."},
				step{"group add sailing crew", "There is a group of that name already. `!group` shows yours."},
				step{"group put Sailing crew " + bob, "is in the group “Sailing crew” now."},
				step{"group put 99 " + bob, "There is no such group."},
				step{"group put sailing crew " + carol, carol + " is not on your contact list."},
				step{"group put sailing crew", "Whom?"},
				step{"contacts group sailing crew", bob},
				step{"whois " + bob, "Sailing crew"},
				step{"group", ". Sailing crew: 1 contact\n"},
				step{"group take Sailing crew " + bob, "is not in the group “Sailing crew” any more, and on your contact list as before."},
				step{"group rename Sailing crew Rowers", "The group “Sailing crew” is called “Rowers” now."},
				step{"group remove rowers now", "Nothing can stand behind the group."},
				step{"group remove rowers", "The group “Rowers” is gone. Its contacts are on your list as before."},
				step{"group remove rowers", "There is no such group."},
			)
		}
		for _, step := range steps {
			if got := b.ask(chat, step.command); !strings.Contains(got.body, step.want) {
				t.Errorf("%s is answered by %q, want %q", step.command, got.body, step.want)
			}
		}
		room := b.dm(login, bob)
		if got := b.ask(room, "!rename Bobs"); !strings.HasPrefix(got.body, bob+" is called “Bobs” now") {
			t.Errorf("rename in the room is answered by %q", got.body)
		}
		const shown = "“Bobs”"
		if got := b.ask(room, "!rename"); !strings.Contains(got.body, shown) || !strings.Contains(got.body, "`!rename "+bob+" -` takes your name away") {
			t.Errorf("rename without a name is answered by %q", got.body)
		}
		if got := b.ask(room, "!rename -"); got.body != bob+" is called by the name again that they have given themselves." {
			t.Errorf("rename to nothing is answered by %q", got.body)
		}
		if got := b.ask(room, "!rename"); strings.Contains(got.body, shown) || !strings.Contains(got.body, "`!rename "+bob+" Caz` would call them Caz") {
			t.Errorf("rename without a name is answered by %q afterwards", got.body)
		}
	})
}

// Who has added the user is answered with an address or, when nobody else waits, without.
func TestRequestsAreAnswered(t *testing.T) {
	t.Parallel()
	byListDialect(t, func(t *testing.T, b *testBridge) {
		const dave = "dave@example.com"
		b.srv.AddAccount(dave, pass)
		b.srv.SetList(carol, msntest.FL, alice, true)
		b.srv.SetList(dave, msntest.FL, alice, true)
		login := b.login()
		b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
		chat := b.management()
		for _, step := range []struct{ command, want string }{
			{"accept", "2 people wait for an answer: " + carol + ", " + dave + ". Name one. Write `!accept carol@example.com`."},
			{"decline " + dave, dave + " is declined: you are offline for them"},
			{"accept", carol + ") can see you and write to you, and is on your contact list."},
			{"decline", "Nobody waits for an answer."},
			{"whois " + dave, "blocked"},
			{"whois " + carol, "Lists: on your contact list, may see you"},
		} {
			if got := b.ask(chat, step.command); !strings.Contains(got.body, step.want) {
				t.Errorf("%s is answered by %q, want %q", step.command, got.body, step.want)
			}
		}
		b.restart()
		b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
		if got := b.ask(b.management(), "whois "+dave); !strings.Contains(got.body, "blocked") {
			t.Errorf("after a restart: %q", got.body)
		}
	})
}

// The user's own name is changed by command, and followed when it is changed elsewhere.
func TestOwnNameIsChanged(t *testing.T) {
	t.Parallel()
	byListDialect(t, func(t *testing.T, b *testBridge) {
		login := b.login()
		b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
		chat := b.management()
		for _, step := range []struct{ command, want string }{
			{"nick", "Your contacts see you as “Alice”."},
			{"nick " + strings.Repeat("é", msn.MaxEncodedName), "That name is too long: it may have 387 bytes"},
			{"nick Alice @home.example: x", "Your contacts see you as “Alice @home.example: x” now."},
			{"nick", "Your contacts see you as “Alice @home.example: x”."},
			{"nick -- follow", "“-- follow” is no name for you. Nothing was changed."}, {"nick -", "“-” is no name for you."},
			{"nick Alice in  Chains", "Your contacts see you as “Alice in Chains” now."},
			{"nick", "Your contacts see you as “Alice in Chains”."},
		} {
			if got := b.ask(chat, step.command); !strings.Contains(got.body, step.want) {
				t.Errorf("%s is answered by %q, want %q", step.command, got.body, step.want)
			}
		}
		b.eventually("the name to be kept", func() bool { return login.Client.(*Client).account.OwnName() == "Alice in Chains" })
		b.restart()
		b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
		if got := b.ask(b.management(), "nick"); !strings.Contains(got.body, "“Alice in Chains”") {
			t.Errorf("after a restart: %q", got.body)
		}
		client := b.br.GetCachedUserLoginByID(login.ID).Client.(*Client)
		client.session.Dispatch(b.ctx, msn.NameChanged{Name: "Alice elsewhere"})
		if got := client.account.OwnName(); got != "Alice elsewhere" {
			t.Errorf("changed elsewhere, and called %q", got)
		}
	})
}

// Whoever is called by a name that nobody else has is named by it as well as by the address.
func TestContactsAreNamedInCommands(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	for _, account := range []string{"twin1@example.com", "twin2@example.com"} {
		srv.AddAccount(account, pass, msntest.Name("Twin of mine"))
		srv.Befriend(alice, account)
	}
	b := newTestBridge(t, srv)
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	chat := b.management()
	for _, step := range []struct{ command, want string }{
		{"whois bob BUILDER", bob}, {"block Bob Builder", bob + ") is blocked"}, {"unblock Bob Builder", bob},
		{"block Twin of mine", "Several people are called “Twin of mine”: twin1@example.com, twin2@example.com. Write the address"},
		{"block Nobody at all", "Nothing was changed"},
	} {
		if got := b.ask(chat, step.command).body; !strings.Contains(got, step.want) {
			t.Errorf("%s is answered by %q", step.command, got)
		}
	}
}
