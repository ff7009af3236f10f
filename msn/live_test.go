package msn_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

// TestLiveServer runs against a real server when one is named:
//
//	MSN_TEST_SERVER=host:port     dispatch or notification server
//	MSN_TEST_ACCOUNT, MSN_TEST_PASSWORD
//	MSN_TEST_NEXUS                nexus address; without it MSNP2 to MSNP7 are tried
//	MSN_TEST_WEB                  host and port of the web services with https://, or
//	                              http:// on loopback; without it MSNP2 to MSNP12 are tried
//	MSN_TEST_GATEWAY              address of the HTTP gateway to go by, in place of TCP
//	MSN_TEST_CA                   file with the certificate (PEM) of these, if it is their own
//	MSN_TEST_PEER, MSN_TEST_PEER_PASSWORD
//	                              a second account; both have each other on their lists
//	MSN_TEST_DIALECTS             for example "MSNP8 MSNP12"; without it all are tried
func TestLiveServer(t *testing.T) {
	cfg, peer := liveConfig(t)
	for _, d := range liveDialects(t, cfg) {
		t.Run(d.String(), func(t *testing.T) {
			cfg.Dialects, peer.Dialects = []wire.Dialect{d}, []wire.Dialect{d}
			a := signIn(t, cfg)
			t.Logf("signed in as %s (%q) in %v with %d contacts", a.Account(), a.DisplayName(), a.Dialect(), len(a.Contacts()))
			if err := a.SetStatus(t.Context(), msn.Away); err != nil {
				t.Error(err)
			}
			if err := a.SetStatus(t.Context(), msn.Online); err != nil {
				t.Error(err)
			}
			if peer.Account == "" {
				t.Log("MSN_TEST_PEER names no second account: no chat")
				return
			}
			arrange(t, signIn(t, peer), strings.ToLower(a.Account()), func() *user { return signIn(t, peer) })
			b := signIn(t, peer)
			a.waitPresence(strings.ToLower(b.Account()), msn.Online)
			editLists(t, a, b)
			a.waitPresence(strings.ToLower(b.Account()), msn.Online)
			if a.Dialect() >= wire.FirstNetworks {
				if err := a.Known(t.Context(), b.Account()); err != nil {
					t.Errorf("the other account: %v", err)
				}
				if err := a.Known(t.Context(), "surely-nobody-has-this@example.com"); !errors.Is(err, msn.ErrNoSuchContact) {
					t.Errorf("an account that is none: %v", err)
				}
			}
			text := fmt.Sprintf("ping ♥ %d", time.Now().UnixNano())
			a.say(b.Account(), text)
			got := b.waitText(text)
			if err := got.Conversation.SendTyping(t.Context()); err != nil {
				t.Error(err)
			}
			wait(a, "typing", anyOf[msn.TypingReceived])
			b.say(a.Account(), "pong")
			a.waitText("pong")
			got.Conversation.Close()
			wait(a, "the other to leave", anyOf[msn.ParticipantLeft])
			a.say(b.Account(), "again")
			b.waitText("again")
			b.quit()
			a.waitPresence(strings.ToLower(b.Account()), msn.Offline)
			if !a.OfflineMessages() {
				return
			}
			text = fmt.Sprintf("while you were out ♥ %d", time.Now().UnixNano())
			if err := a.SendOffline(t.Context(), b.Account(), text, "FN=Arial; EF=B; CO=ff; CS=0; PF=0"); err != nil {
				t.Fatal(err)
			}
			b = signIn(t, peer)
			for {
				m := wait(b, "the offline message", anyOf[msn.OfflineReceived])
				if err := b.DeleteOffline(t.Context(), m.ID); err != nil {
					t.Error(err)
				}
				if m.Text == text {
					t.Logf("the offline message has the style %q, confirmed: %v", m.Format, a.OfflineConfirmed())
					if m.From != strings.ToLower(a.Account()) || time.Since(m.At).Abs() > 10*time.Minute {
						t.Errorf("it came as %+v", m)
					}
					break
				}
			}
		})
	}
}

// TestLiveNudges has the two accounts of a live server nudge each other.
func TestLiveNudges(t *testing.T) {
	cfg, peer := liveConfig(t)
	for _, d := range liveDialects(t, cfg) {
		t.Run(d.String(), func(t *testing.T) {
			if d < wire.FirstPersonal || peer.Account == "" {
				t.Skip("nudges need MSNP11 and MSN_TEST_PEER")
			}
			cfg.Dialects, peer.Dialects = []wire.Dialect{d}, []wire.Dialect{d}
			a := signIn(t, cfg)
			arrange(t, signIn(t, peer), strings.ToLower(a.Account()), func() *user { return signIn(t, peer) })
			b := signIn(t, peer)
			a.waitPresence(strings.ToLower(b.Account()), msn.Online)
			nudgeEachOther(t, a, b)
		})
	}
}

// nudgeEachOther has each of two people nudge the other one.
func nudgeEachOther(t *testing.T, a, b *user) {
	t.Helper()
	for _, pair := range [][2]*user{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		if err := from.Conversation(to.Account()).SendNudge(t.Context()); err != nil {
			t.Errorf("%s nudges %s: %v", from.Account(), to.Account(), err)
			continue
		}
		got := wait(to, "the nudge", anyOf[msn.NudgeReceived])
		if got.From != strings.ToLower(from.Account()) || got.Conversation.Peer() != got.From {
			t.Errorf("the nudge came as %+v", got)
		}
	}
}

// liveConfig returns the configurations of the live server's two accounts, and skips
// the test when there is none. The Account of the second is "" when none is named.
func liveConfig(t *testing.T) (cfg, peer msn.Config) {
	t.Helper()
	server := os.Getenv("MSN_TEST_SERVER")
	if server == "" {
		t.Skip("needs a live MSN server with two accounts: set MSN_TEST_SERVER and the variables described above TestLiveServer")
	}
	cfg = msn.Config{
		Account:  os.Getenv("MSN_TEST_ACCOUNT"),
		Password: os.Getenv("MSN_TEST_PASSWORD"),
		Server:   server,
		NexusURL: os.Getenv("MSN_TEST_NEXUS"),
		Trust:    msn.Trust{AllowPrivate: true},
	}
	if web := os.Getenv("MSN_TEST_WEB"); web != "" {
		cfg.Web = msn.WebServices{Login: web + "/RST.srf", AddressBook: web + "/abservice/abservice.asmx",
			Sharing: web + "/abservice/SharingService.asmx", Mailbox: web + "/rsi/rsi.asmx", Post: web + "/OimWS/oim.asmx",
			Storage: web + "/storageservice/SchematizedStore.asmx"}
	}
	cfg.Gateway = os.Getenv("MSN_TEST_GATEWAY")
	if file := os.Getenv("MSN_TEST_CA"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.RootCAs = x509.NewCertPool(); !cfg.RootCAs.AppendCertsFromPEM(pem) {
			t.Fatalf("MSN_TEST_CA: %s holds no certificate", file)
		}
	}
	peer = cfg
	peer.Account, peer.Password = os.Getenv("MSN_TEST_PEER"), os.Getenv("MSN_TEST_PEER_PASSWORD")
	return cfg, peer
}

// TestLiveCircles has the two accounts of a live server share a circle.
func TestLiveCircles(t *testing.T) {
	cfg, peer := liveConfig(t)
	if cfg.Web.Login == "" || peer.Account == "" {
		t.Skip("circles need MSN_TEST_WEB and MSN_TEST_PEER")
	}
	cfg.Dialects, peer.Dialects = []wire.Dialect{18}, []wire.Dialect{18}
	shareCircle(t, signIn(t, cfg), signIn(t, peer))
}

// editLists has a remove b and add them again, and block and allow them.
func editLists(t *testing.T, a, b *user) {
	t.Helper()
	account := strings.ToLower(b.Account())
	lists := func(want string, ok func(msn.List) bool) {
		t.Helper()
		if contact, _ := a.Contact(account); !ok(contact.Lists) {
			t.Errorf("%s: the lists are %b", want, contact.Lists)
		}
	}
	if err := a.RemoveContact(t.Context(), account); err != nil {
		t.Errorf("remove: %v", err)
	}
	lists("removed", func(l msn.List) bool { return !l.Has(msn.ListForward) })
	if err := a.AddContact(t.Context(), account, "hello"); err != nil {
		t.Errorf("add: %v", err)
	}
	lists("added", func(l msn.List) bool { return l.Has(msn.ListForward) })
	if err := a.Block(t.Context(), account); err != nil {
		t.Errorf("block: %v", err)
	}
	lists("blocked", func(l msn.List) bool { return l.Has(msn.ListBlock) && !l.Has(msn.ListAllow) })
	if err := a.Allow(t.Context(), account); err != nil {
		t.Errorf("allow: %v", err)
	}
	lists("allowed", func(l msn.List) bool { return l.Has(msn.ListAllow) && !l.Has(msn.ListBlock) })
}

func liveDialects(t *testing.T, cfg msn.Config) []wire.Dialect {
	t.Helper()
	var dialects []wire.Dialect
	for _, name := range strings.Fields(os.Getenv("MSN_TEST_DIALECTS")) {
		d, ok := wire.ParseDialect(name)
		if !ok {
			t.Fatalf("MSN_TEST_DIALECTS: %q is no dialect", name)
		}
		dialects = append(dialects, d)
	}
	if dialects != nil {
		return dialects
	}
	for d := msn.MinDialect; d <= msn.MaxDialect; d++ {
		if d < wire.FirstTweener || d < wire.FirstSOAP && cfg.NexusURL != "" || cfg.Web.Login != "" {
			dialects = append(dialects, d)
		}
	}
	return dialects
}
