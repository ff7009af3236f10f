package look

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/bridge/background"
	"matrix-msn/database"
)

// login is one whose looks are tested. mu guards it and its parts, and is held by the test but while it waits.
type login struct {
	*Looks
	t       *testing.T
	mu      sync.Mutex
	work    *background.Work
	crowded bool
	fails   error
	asked   []string // what the database was asked, each time
	end     context.CancelFunc
}

func newLogin(t *testing.T) *login {
	l := &login{t: t, work: background.New()}
	l.Looks = New(func(_ context.Context, accounts []string) (map[string]*database.Shown, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.asked = append(l.asked, fmt.Sprint(accounts))
		shown := make(map[string]*database.Shown)
		for _, account := range accounts {
			shown[account] = &database.Shown{Name: account}
		}
		return shown, l.fails
	}, l.work, func() bool { return l.crowded }) // asked by who wants a look
	return l
}

// pass lets time pass.
func (l *login) pass(d time.Duration) {
	l.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
	l.mu.Lock()
}

func (l *login) start() {
	ctx, end := context.WithCancel(l.t.Context())
	l.end = end
	l.work.Start(ctx)
	l.Start(ctx)
}

func (l *login) stop() {
	l.mu.Unlock()
	defer l.mu.Lock()
	l.end()
	l.Stop()
	l.work.Stop()
}

// part is one that wants to know something.
type part struct {
	*login
	wanted, answered []string
	failed           int
}

func (p *part) asks(context.Context) Question {
	p.mu.Lock()
	defer p.mu.Unlock()
	wanted := p.wanted
	p.wanted = nil
	if len(wanted) == 0 {
		return Question{}
	}
	return Question{wanted, func(_ context.Context, shown map[string]*database.Shown, err error) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if err != nil {
			p.failed++
			p.wanted = append(p.wanted, wanted...)
			return false
		}
		for _, account := range wanted {
			p.answered = append(p.answered, shown[account].Name)
		}
		return true
	}}
}

// test has looks tested for two parts.
func test(t *testing.T, do func(l *login, names, pictures *part)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := newLogin(t)
		names, pictures := &part{login: l}, &part{login: l}
		l.Ask(names.asks)
		l.Ask(pictures.asks)
		l.start()
		l.mu.Lock()
		defer l.mu.Unlock()
		do(l, names, pictures)
		l.stop()
	})
}

func check[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// Two parts that want to know something of the same people ask once, and each is told of its own.
func TestOneLookAnswersAllParts(t *testing.T) {
	t.Parallel()
	test(t, func(l *login, names, pictures *part) {
		names.wanted, pictures.wanted = []string{"carol", "bob"}, []string{"bob", "alice"}
		l.Want()
		l.Want()
		l.pass(time.Minute)
		check(t, "asked", l.asked, []string{"[alice bob carol]"})
		check(t, "names", names.answered, []string{"carol", "bob"})
		check(t, "pictures", pictures.answered, []string{"bob", "alice"})
	})
}

// What is wanted right after a look is looked at a little later, and when nobody wants anything the database is not asked.
func TestLooksKeepTheirDistance(t *testing.T) {
	t.Parallel()
	test(t, func(l *login, names, pictures *part) {
		l.Want()
		l.pass(0)
		check(t, "asked of nobody", len(l.asked), 0)
		for i := range 5 {
			names.wanted = append(names.wanted, fmt.Sprint(i))
			l.Want()
			l.pass(pause / 4)
		}
		l.pass(pause)
		check(t, "asked", l.asked, []string{"[0 1 2 3]", "[4]"})
	})
}

// While many logins sign in the first waits for the others, and nobody waits for longer than crowdPause.
func TestLooksWaitForOthersInACrowd(t *testing.T) {
	t.Parallel()
	test(t, func(l *login, names, pictures *part) {
		l.crowded = true
		for i := range 10 {
			pictures.wanted = append(pictures.wanted, fmt.Sprint(i))
			l.Want()
			l.pass(crowdPause / 5)
		}
		check(t, "asked", l.asked, []string{"[0 1 2 3 4]", "[5 6 7 8 9]"})
		l.crowded = false
		l.pass(pause)
		names.wanted = []string{"bob"}
		l.Want()
		l.pass(0)
		check(t, "asked at once when nobody else signs in", l.asked[2:], []string{"[bob]"})
	})
}

// Who waits for others when the login is stopped is looked at after the next start.
func TestWhoWaitsIsForTheNextStart(t *testing.T) {
	t.Parallel()
	test(t, func(l *login, names, pictures *part) {
		l.crowded = true
		names.wanted = []string{"bob"}
		l.Want()
		l.stop()
		l.pass(2 * crowdPause)
		check(t, "asked while stopped", len(l.asked), 0)
		l.start()
		l.pass(0)
		check(t, "asked after the start", l.asked, []string{"[bob]"})
		l.pass(2 * crowdPause)
		check(t, "asked later", len(l.asked), 1)
	})
}

// When the database fails all who have asked are told so, and asked once more.
func TestLookThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	test(t, func(l *login, names, pictures *part) {
		l.fails = errors.New("the disk is full")
		names.wanted, pictures.wanted = []string{"bob"}, []string{"carol"}
		l.Want()
		l.pass(0)
		check(t, "failed", []int{names.failed, pictures.failed}, []int{1, 1})
		l.fails = nil
		l.pass(time.Minute)
		check(t, "names", names.answered, []string{"bob"})
		check(t, "pictures", pictures.answered, []string{"carol"})
	})
}
