package bridge

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/msntest"
)

// Many add the user while they are signed in: some are told, the others summed up when there may
// be notices again. That counts as told for the day, also after a restart.
func TestWhoAddsTheUserInAFloodIsSummedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := emptyWorld(t)
		w.start()
		login, err := w.b.tryLogin(alice, pass)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		adds := func(from, to int) {
			for i := from; i < to; i++ {
				account := fmt.Sprintf("adder%d@example.com", i)
				w.srv.AddAccount(account, pass, msntest.Name("Adder")).Add(alice)
			}
			synctest.Wait()
		}
		var named, sums int
		// told checks what the user was told since it was called last: of so many people by name,
		// and which sum.
		told := func(when string, wantNamed int, wantSum string) {
			t.Helper()
			synctest.Wait()
			one := w.matrix.all(func(r record) bool {
				return r.kind == "message" && strings.Contains(r.body, "has added you to their contact list")
			})
			all := w.matrix.all(func(r record) bool {
				return r.kind == "message" && strings.Contains(r.body, "have added you to their contact lists")
			})
			if len(one)-named != wantNamed {
				t.Errorf("%s %d people are named, want %d", when, len(one)-named, wantNamed)
			}
			got := ""
			for _, sum := range all[sums:] {
				got += sum.body
			}
			if got != wantSum {
				t.Errorf("%s the sum is %q, want %q", when, got, wantSum)
			}
			named, sums = len(one), len(all)
		}
		const window = 10 * time.Minute
		adds(0, 12)
		told("at once", 5, "")
		time.Sleep(window)
		told("after the window", 0, "7 more people have added you to their contact lists and wait for an answer. `!contacts` shows them all.")
		time.Sleep(3 * window)
		told("later", 0, "")
		adds(12, 18)
		told("when more come", 5, "")
		time.Sleep(window)
		told("of one more", 1, "")
		time.Sleep(window)
		login.Client.(*Client).session.Reconnect(w.b.ctx)
		time.Sleep(time.Minute)
		told("at a sign-in", 0, "")
		w.b.stop()
		w.start()
		time.Sleep(2 * window)
		told("after a restart", 0, "")
		time.Sleep(24 * time.Hour)
		w.b.br.GetCachedUserLoginByID(login.ID).Client.(*Client).session.Reconnect(w.b.ctx)
		time.Sleep(2 * window)
		told("on the next day", 5, "18 people have added you to their contact lists and wait for an answer. `!contacts` shows them all.")
		w.b.stop()
	})
}
