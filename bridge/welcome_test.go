package bridge

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2/bridgeconfig"

	"matrix-msn/msn/msntest"
)

// Who has logged in by the chat with the bot is told once what there is, and not after a restart nor with
// another login of the same account.
func TestWelcomeIsSaidOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := emptyWorld(t)
		var friends []string
		for i := range 7 {
			friend := fmt.Sprintf("friend%d@example.com", i)
			w.srv.AddAccount(friend, pass, msntest.Name(fmt.Sprintf("Friend %d", i)))
			w.srv.Befriend(alice, friend)
			friends = append(friends, friend)
		}
		for _, friend := range friends {
			w.online(friend, true)
		}
		w.start()
		chat := w.b.management()
		logIn := func() {
			for _, text := range []string{"login", alice, pass} {
				w.b.write(chat, text)
				time.Sleep(10 * time.Second)
				synctest.Wait()
			}
		}
		logIn()
		welcomes := func() (all []record) {
			synctest.Wait()
			return w.matrix.all(func(r record) bool { return r.room == chat && strings.Contains(r.body, "Three things to try") })
		}
		got := welcomes()
		if len(got) != 1 {
			t.Fatalf("said %d times: %+v", len(got), w.matrix.all(func(r record) bool { return r.kind == "message" }))
		}
		text := got[0].body
		if !strings.HasPrefix(text, "You have 9 contacts at Home. Online now: ") || strings.Count(text, "Friend ") != 5 || !strings.Contains(text, ", 2 more.") ||
			!strings.Contains(text, "`start-chat friend") || !strings.Contains(got[0].html, "<code>contacts</code>") || strings.Count(text, "•") != 3 || strings.Count(text, "login-matrix") != 1 {
			t.Errorf("said %q", text)
		}
		w.restart()
		time.Sleep(time.Minute)
		logIn()
		time.Sleep(time.Minute)
		if got := welcomes(); len(got) != 1 {
			t.Errorf("said %d times in the end", len(got))
		}
		w.b.stop()
		time.Sleep(time.Minute)
		synctest.Wait()
	})
}

// A program that logs somebody in shows them what there is; and who may not have the bridge write in their
// name is not told how to have it.
func TestWelcomeIsForThoseWhoCanUseIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := emptyWorld(t)
		w.b.framework = func(config *bridgeconfig.BridgeConfig) {
			config.Permissions = bridgeconfig.PermissionConfig{"*": &bridgeconfig.Permissions{SendEvents: true, Commands: true, Login: true}}
		}
		w.start()
		if _, err := w.b.tryLogin(alice, pass); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := w.matrix.all(func(r record) bool { return strings.Contains(r.body, "Three things") }); len(got) > 0 {
			t.Errorf("said %+v", got)
		}
		chat := w.b.management()
		for _, text := range []string{"login", carol, pass} {
			w.b.write(chat, text)
			time.Sleep(10 * time.Second)
		}
		synctest.Wait()
		got := w.matrix.all(func(r record) bool { return strings.Contains(r.body, "Three things") })
		if len(got) != 1 || !strings.HasPrefix(got[0].body, "You have one contact at Home. Nobody of them is online now.") && !strings.HasPrefix(got[0].body, "You have one contact at Home. Online now: Alice") ||
			strings.Contains(got[0].body, "login-matrix") {
			t.Errorf("said %+v", got)
		}
		w.b.stop()
		time.Sleep(time.Minute)
		synctest.Wait()
	})
}
