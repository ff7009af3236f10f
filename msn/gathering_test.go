package msn_test

import (
	"sync/atomic"
	"testing"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// lateAnswers has the server read ANS of an account late, but for the first.
func lateAnswers(srv *msntest.Server, account string, late time.Duration) {
	var answers atomic.Int32
	srv.Hook(msntest.For(account, func(r *msntest.Request) msntest.Action {
		if r.Command.Verb != "ANS" || answers.Add(1) == 1 {
			return msntest.Action{}
		}
		return msntest.Delay(late)
	}))
}

func TestFirstTextIsHeardAtAllPlacesOfBoth(t *testing.T) {
	t.Parallel()
	for d := wire.FirstEndpoints; d <= msn.MaxDialect; d++ {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			srv := newService(t, msntest.WithDialects(d))
			bobs := []*user{signIn(t, webConfig(srv, bob, d)), signIn(t, webConfig(srv, bob, d))}
			a := signIn(t, webConfig(srv, alice, d))
			other := signIn(t, webConfig(srv, alice, d))
			wait(a, "the other place", func(e msn.EndpointsChanged) bool { return len(e.Endpoints) == 2 })
			wait(a, "where bob is", anyOf[msn.PersonalMessageChanged])
			lateAnswers(srv, bob, 100*time.Millisecond)
			srv.Hook(msntest.For(alice, msntest.On("ANS", msntest.Delay(50*time.Millisecond))))
			a.say(bob, "to all places")
			for _, b := range bobs {
				b.waitText("to all places")
			}
			wait(other, "what this account says elsewhere", func(e msn.TextSent) bool { return e.Text == "to all places" })
		})
	}
}

func TestPlaceThatDoesNotAnswerIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	srv := newService(t, msntest.WithDialects(msn.MaxDialect))
	first := signIn(t, webConfig(srv, bob, msn.MaxDialect))
	signIn(t, webConfig(srv, bob, msn.MaxDialect))
	a := signIn(t, webConfig(srv, alice, msn.MaxDialect))
	wait(a, "where bob is", anyOf[msn.PersonalMessageChanged])
	lateAnswers(srv, bob, time.Hour)
	a.say(bob, "to those who answer")
	first.waitText("to those who answer")
}
