package bridge

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// Who is blocked is left alone in the conversation that was open, wherever the user does it.
func TestBlockEndsTheConversation(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]func(*testBridge, *bridgev2.UserLogin){
		"block": func(b *testBridge, _ *bridgev2.UserLogin) { b.ask(b.management(), "block "+carol) },
		"decline": func(b *testBridge, _ *bridgev2.UserLogin) {
			b.srv.Account(carol).Add(alice)
			b.matrix.wait(b.T, 0, "the request", func(r record) bool { return strings.Contains(r.body, carol+") has added you") })
			b.ask(b.management(), "decline "+carol)
		},
		"another Messenger": func(b *testBridge, login *bridgev2.UserLogin) {
			b.srv.Account(alice).Block(carol, true)
			b.tellBlocked(login, carol)
			b.eventually("the block", func() bool { return login.Client.(*Client).account.Blocked(b.ctx, carol) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			byListDialect(t, func(t *testing.T, b *testBridge) {
				login := b.login()
				b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
				left := make(chan string, 10)
				carols := b.srv.Play(carol, msntest.Script{Left: func(_ *msntest.Chat, account string) { left <- account }})
				open, err := carols.Call(b.ctx, alice)
				if err != nil {
					t.Fatal(err)
				}
				if err := open.Say("before"); err != nil {
					t.Fatal(err)
				}
				b.waitMessage(0, "before")
				block(b, login)
				select {
				case account := <-left:
					if account != alice {
						t.Errorf("%s has left", account)
					}
				case <-time.After(waitLimit):
					t.Error("the user stays in the conversation")
				}
				b.hears(login, carol, "after", 1) // was on its way
				b.hears(login, bob, "the end", 1)
				b.waitMessage(0, "the end")
				b.waitQueued(0)
				if n := b.texts("after"); n != 0 {
					t.Errorf("what was said after the block is shown %d times", n)
				}
			})
		})
	}
}

// tellBlocked has the server tell the bridge that the user has blocked somebody elsewhere.
func (b *testBridge) tellBlocked(login *bridgev2.UserLogin, account string) {
	b.Helper()
	var told wire.Command
	switch dialect := login.Client.(*Client).session.Current().Dialect(); {
	case dialect >= wire.FirstSOAP:
		b.srv.Account(bob).Remove(alice) // the lists are downloaded again
		return
	case dialect >= 10:
		told = wire.New("ADC", "0", "BL", "N="+account)
	default:
		told = wire.New("ADD", "0", "BL", "100", account, account)
	}
	if err := b.srv.Push(alice, told); err != nil {
		b.Fatal(err)
	}
}

// Where several people talk nothing is hidden, and what the service keeps of somebody who is
// blocked stays there.
func TestWhatIsHiddenOfWhoIsBlocked(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.loginWithRoom()
	client := login.Client.(*Client)
	b.fill(login)
	b.srv.AddAccount(dave, pass)
	b.hears(login, dave, "let me in", 0)
	b.held(login, 1, 1)
	b.ask(b.management(), "block "+dave) // is let go of
	b.waitQueued(0)
	b.ask(b.management(), "block "+carol)
	now := time.Now()
	client.session.Dispatch(b.ctx, msn.OfflineReceived{ID: "kept", From: carol, Text: "offline", At: now})
	client.session.Dispatch(b.ctx, msn.PageReceived{Contact: carol, From: "tel:+1", Text: "page", At: now})
	client.session.Dispatch(b.ctx, msn.TypingReceived{Conversation: new(msn.Conversation), From: carol})
	group := client.session.Current().GroupChat("friends", bob, carol)
	client.session.Dispatch(b.ctx, msn.TextReceived{Conversation: group, From: carol, Text: "to all", Session: "g", Seq: 1, At: now})
	b.waitMessage(0, "to all")
	b.waitQueued(0)
	if removed := client.heard.Removals.Take(); len(removed) != 0 {
		t.Errorf("the service is to forget %q", removed)
	}
	for _, text := range []string{"offline", "📱 (from a mobile phone) page", "let me in"} {
		if n := b.texts(text); n != 0 {
			t.Errorf("%q is shown", text)
		}
	}
	b.ask(b.management(), "unblock "+carol)
	b.ask(b.management(), "add "+carol) // no stranger who would wait
	client.session.Dispatch(b.ctx, msn.OfflineReceived{ID: "kept", From: carol, Text: "offline", At: now})
	b.eventually("what was kept", func() bool { return b.texts("offline") == 1 })
}

// Who blocks somebody while a text to them is on its way is told that, and not that the bridge has
// signed out.
func TestTextOnItsWayToWhoIsBlockedSaysSo(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.friend()
	room := b.dm(login, bob)
	asked := make(chan struct{}, 10)
	b.srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Command.Verb != "XFR" {
			return msntest.Action{}
		}
		asked <- struct{}{}
		return msntest.Swallow()
	})
	from := b.matrix.position()
	b.write(room, "hello")
	select {
	case <-asked:
	case <-time.After(waitLimit):
		t.Fatal("nothing is sent")
	}
	b.ask(b.management(), "!block "+bob)
	b.matrix.wait(b.T, from, "why it did not go out", func(r record) bool {
		return r.kind == "status" && r.status != event.MessageStatusSuccess && strings.Contains(r.body, "you have blocked")
	})
}

// Among several people a block ends nothing, and the answer says so while it is true.
func TestBlockOfSomebodyInAnOpenConversation(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	b.login()
	const more = "` takes it back. You are still together in a conversation of several people: there both of you go on reading what the other writes, until one of you leaves it."
	bobs, carols := b.messenger(bob), b.messenger(carol)
	if err := bobs.GroupChat("friends", alice, carol).SendText(b.ctx, "hello both", ""); err != nil {
		t.Fatal(err)
	}
	carols.expect(t, bob, "hello both")
	b.waitMessage(0, "hello both")
	chat := b.management()
	if got := b.ask(chat, "block "+carol); !strings.HasSuffix(got.body, more) {
		t.Errorf("block is answered by %q", got.body)
	}
	b.ask(chat, "unblock "+carol)
	if got := b.ask(chat, "block "+dave); !strings.HasSuffix(got.body, " `!unblock "+dave+"` takes it back.") {
		t.Errorf("the block of somebody who is not there is answered by %q", got.body)
	}
	_ = bobs.Close()
	_ = carols.Close()
	b.eventually("the conversation to end", func() bool { return b.srv.Switchboards(bob) == 0 && b.srv.Switchboards(carol) == 0 })
	b.eventually("a block that says nothing of it", func() bool {
		b.ask(chat, "unblock "+carol)
		return strings.HasSuffix(b.ask(chat, "block "+carol).body, " `!unblock "+carol+"` takes it back.")
	})
}

// Nothing of what somebody sends who is blocked is shown, nor calls the user, whatever it is. Each
// kind that rooms hear of is here, by the name of what takes it.
func TestNothingOfWhoIsBlockedIsShown(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	conversation := client.session.Current().Conversation(carol)
	from := func(seq int) msn.Origin {
		return msn.Origin{Conversation: conversation, From: carol, FromName: "Carol anew", Session: "s", Seq: seq, At: time.Now()}
	}
	kinds := map[string]func(seq int) msn.Event{
		"textReceived": func(seq int) msn.Event {
			return msn.TextReceived{Conversation: conversation, From: carol, Text: "text", Session: "s", Seq: seq, At: time.Now()}
		},
		"pageReceived": func(int) msn.Event {
			return msn.PageReceived{Contact: carol, From: "tel:+1", Text: "page", At: time.Now()}
		},
		"nudgeReceived":      func(seq int) msn.Event { return msn.NudgeReceived{Origin: from(seq)} },
		"winkReceived":       func(seq int) msn.Event { return msn.WinkReceived{Origin: from(seq)} },
		"voiceClipReceived":  func(seq int) msn.Event { return msn.VoiceClipReceived{Origin: from(seq)} },
		"actionReceived":     func(seq int) msn.Event { return msn.ActionReceived{Origin: from(seq), Text: "Carol wins"} },
		"invitationReceived": func(seq int) msn.Event { return msn.InvitationReceived{Origin: from(seq), Offer: msn.OfferGame} },
		"fileOffered": func(seq int) msn.Event {
			return msn.FileOffered{Origin: from(seq), Name: "cat.png", Bytes: 1, Offer: new(msn.FileOffer)}
		},
		"inkReceived": func(seq int) msn.Event { return msn.InkReceived{Origin: from(seq), Picture: drawn(t, 8, 8)} },
	}
	own := map[string]bool{"textSent": true} // the user's own
	source, err := os.ReadFile("chat/chat.go")
	if err != nil {
		t.Fatal(err)
	}
	taken := regexp.MustCompile(`session\.OnDelivered\(\(\*Heard\)\.(\w+)\)`).FindAllStringSubmatch(string(source), -1)
	if len(taken) != len(kinds)+len(own) {
		t.Errorf("%d kinds are taken, %d are tested", len(taken), len(kinds)+len(own))
	}
	for _, kind := range taken {
		if kinds[kind[1]] == nil && !own[kind[1]] {
			t.Errorf("%s is not tested", kind[1])
		}
	}
	b.ask(b.management(), "block "+carol)
	before := b.matrix.position()
	names := slices.Sorted(maps.Keys(kinds))
	for i, name := range names {
		client.session.Dispatch(b.ctx, kinds[name](i))
		unsaved := client.inbox.Unsaved()
		if waiting, err := b.queued(login.ID); err != nil || unsaved+len(waiting) > 0 {
			t.Errorf("%s: %d wait, %v", name, unsaved+len(waiting), err)
		}
	}
	b.waitQueued(0)
	ghost := b.ghost(carol)
	b.matrix.mu.Lock()
	for _, r := range b.matrix.records[before:] {
		if r.kind == "message" && r.sender == ghost {
			t.Errorf("shown is %+v", r)
		}
	}
	b.matrix.mu.Unlock()
	if name := b.ghostName(login, carol); name == "Carol anew" {
		t.Error("they have taken a name")
	}
	// The same is shown of somebody who is not.
	b.ask(b.management(), "unblock "+carol)
	b.ask(b.management(), "add "+carol)
	for i, name := range names {
		before := b.matrix.position()
		client.session.Dispatch(b.ctx, kinds[name](100+i))
		b.matrix.wait(b.T, before, name, func(r record) bool { return r.kind == "message" && r.sender == ghost })
	}
}
