package picture

import (
	"testing"
	"testing/synctest"
	"time"
)

// Whoever defines another emoticon in each text has a hundred fetched within ten minutes; others are not held up.
func TestEmoticonsThatAreNewAllTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := new(Emoticons)
		fetched := func() (n int) {
			for range 10 * mostNew {
				if e.allow("mallory") {
					n++
				}
			}
			return n
		}
		if n := fetched(); n != mostNew || fetched() != 0 {
			t.Errorf("%d are fetched at once", n)
		}
		if !e.allow("bob") {
			t.Error("bob is held up")
		}
		time.Sleep(newWindow)
		if n := fetched(); n != mostNew {
			t.Errorf("%d are fetched after the window", n)
		}
	})
}
