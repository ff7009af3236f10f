package group

import (
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn"
)

// What a command was answered is not said once more, and what comes much later is.
func TestWhatWasAnsweredIsNotSaidAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &Groups{}
		missing := func(accounts ...string) (all []string) {
			for _, account := range accounts {
				g.coming.add("friends", absentee{account, msn.ErrOffline})
			}
			for _, who := range g.unsaid("friends") {
				all = append(all, who.account)
			}
			return all
		}
		g.answered.add("friends", answered{"dave@example.com", time.Now()})
		g.answered.add("others", answered{"carol@example.com", time.Now()})
		if got := missing("carol@example.com", "dave@example.com"); len(got) != 1 || got[0] != "carol@example.com" {
			t.Errorf("said is of %v", got)
		}
		if got := missing("dave@example.com"); len(got) != 1 {
			t.Errorf("the next time said is of %v", got)
		}
		g.answered.add("friends", answered{"dave@example.com", time.Now()})
		time.Sleep(answeredFor)
		if got := missing("dave@example.com"); len(got) != 1 {
			t.Errorf("long after an answer said is of %v", got)
		}
	})
}

// Answers of long ago keep no new one out.
func TestOldAnswersMakeRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &Groups{}
		for range msn.MaxMembers + 1 {
			g.noteAnswered("friends", "bob@example.com")
		}
		time.Sleep(answeredFor)
		g.noteAnswered("friends", "carol@example.com")
		g.coming.add("friends", absentee{"carol@example.com", msn.ErrOffline})
		if all := g.unsaid("friends"); len(all) > 0 {
			t.Errorf("said a second time is of %v", all)
		}
	})
}
