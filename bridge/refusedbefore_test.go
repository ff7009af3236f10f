package bridge

import (
	"database/sql"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/database"
	"matrix-msn/msn/msntest"
)

// The service refuses a text, and the process is killed at any moment after that. When it is noted that the text did not
// arrive the next process must not say that it may have.
func TestRefusedTextIsNotToldAsUncertainAfterAKill(t *testing.T) {
	t.Parallel()
	takeSnapshot(t)
	noted := make(chan bool, 20)
	t.Run("kills", func(t *testing.T) {
		for nth := 1; nth <= cap(noted); nth++ {
			t.Run(fmt.Sprint(nth), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { noted <- refusedThenKilled(t, nth) })
			})
		}
	})
	close(noted)
	times := 0
	for was := range noted {
		if was {
			times++
		}
	}
	if times == 0 {
		t.Error("no process was killed between the note and the end of a text")
	}
}

// refusedThenKilled kills the process at its n-th write or call to the homeserver, and reports whether it was noted by then that the
// text did not arrive, and the text still in its queue.
func refusedThenKilled(t *testing.T, nth int) (noted bool) {
	made := 0
	w := newWorld(t, func(at place, _ int) verdict {
		if at == atService {
			return works
		}
		if made++; made == nth {
			return kills
		}
		return works
	})
	w.start()
	w.online(bob, true)
	w.rest()
	remove := w.srv.Hook(msntest.On("CAL", msntest.Refuse("208"))) // there is no such account
	w.trouble.arm(true)
	text := w.text(bob, "hello")
	for range 20 {
		w.push()
		w.rest()
		time.Sleep(5 * time.Second)
	}
	w.trouble.arm(false)
	remove()
	noted = outcomeOnDisk(t, w.b.dbPath, string(text.evt)) == database.EventRefused && w.b.process.isDead()
	if w.b.process.isDead() {
		w.restart()
	}
	w.pass(time.Minute)
	is := isTold(w.matrix.all(func(record) bool { return true }))[text.evt]
	if noted && (is == nil || is.uncertain > 0 || is.refused != 1) {
		t.Errorf("of a text that was refused was told %+v", is)
	}
	w.end()
	return noted
}

// outcomeOnDisk reads what is noted of a text that is still in its queue, as another process would.
func outcomeOnDisk(t *testing.T, path, evt string) (outcome database.EventOutcome) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.QueryRow("SELECT outcome FROM intake JOIN matrix_queue USING (event_id) WHERE event_id=?", evt).Scan(&outcome)
	if err != nil && err != sql.ErrNoRows {
		t.Fatal(err)
	}
	return outcome
}
