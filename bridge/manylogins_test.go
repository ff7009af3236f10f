package bridge

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	bridgedb "maunium.net/go/mautrix/bridgev2/database"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// A thousand accounts that do nothing. The server is a process of its own, so that only the bridge is measured.

var manyLogins = flag.Int("logins", 1000, "how many accounts TestManyLoginsAreSmall signs in")

const (
	// crowdVariable is set, to how many accounts there are, for the process of the server.
	crowdVariable = "BRIDGE_TEST_CROWD"
	// crowdContacts is how many contacts each of them has.
	crowdContacts = 5
	// maxGoroutinesOfLogin and maxBytesOfLogin are what one login may cost that does nothing, all that the process
	// holds counted: what is on the heap and the stacks, and what the garbage collector keeps beside.
	maxGoroutinesOfLogin = 1
	maxBytesOfLogin      = 58 << 10
	// maxLiveOfLogin is the same of what is in use of that.
	maxLiveOfLogin = 49 << 10
	// maxAllocsOfSignIn and maxAllocatedOfSignIn are how many objects, and how many bytes of them, are made for one login from the start of the
	// bridge until all are signed in and idle, their contacts stored for the first time, and what the homeserver of the test needs counted: what is used once costs most of the time of a start.
	maxAllocsOfSignIn    = 2900
	maxAllocatedOfSignIn = 195 << 10
	// crowdPercent is the GOGC while they sign in, as in the program (cmd/bridge/memory.go).
	crowdPercent = 8
	// signInLimit is how long all of them may take, on a machine that has much else to do.
	signInLimit = 5 * time.Minute
)

func crowdAccount(n int) string { return fmt.Sprintf("m%05d@example.com", n) }

// beCrowdServer is an MSN server with many accounts, until the input ends. It prints where it is.
func beCrowdServer(many string) error {
	n, err := strconv.Atoi(many)
	if err != nil {
		return err
	}
	srv, err := msntest.Start(context.Background(), msntest.WithRecordLimit(0), msntest.WithPlainLogin(0))
	if err != nil {
		return err
	}
	defer srv.Close()
	for i := range n {
		srv.AddAccount(crowdAccount(i), pass, msntest.Name(fmt.Sprint("Member ", i)))
	}
	for i := range n {
		for c := range crowdContacts {
			srv.Befriend(crowdAccount(i), crowdAccount((i+1+c)%n))
		}
	}
	fmt.Println(srv.Addr(), srv.PlainNexusURL())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startCrowd starts the server with so many accounts.
func startCrowd(t *testing.T, n int) (addr, nexus string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program)
	server.Env, server.Stderr = append(os.Environ(), crowdVariable+"="+strconv.Itoa(n)), os.Stderr
	in, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = server.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr, nexus, _ = strings.Cut(strings.TrimSpace(line), " ")
	return addr, nexus
}

// It does not run beside other tests, whose memory would count.
func TestManyLoginsAreSmall(t *testing.T) {
	n := *manyLogins
	addr, nexus := startCrowd(t, n)
	b := newTestBridge(t, newTestServer(t), withHome(func(s *config.ServiceConfig) {
		s.Server, s.Nexus, s.Dialects = addr, nexus, []string{wire.Dialect(12).String()}
	}))
	user := b.user()
	b.stop()
	defer debug.SetGCPercent(debug.SetGCPercent(crowdPercent))
	before, liveBefore := inUse()
	goroutines := runtime.NumGoroutine()
	began := time.Now()
	var madeBefore, sizeBefore uint64
	b.startWith(func() {
		for i := range n {
			id := msnid.MakeLoginID(msnid.Identity{Service: "home", Account: crowdAccount(i)})
			sealed, err := b.conn.Config.SealPassword(id, pass)
			if err != nil {
				b.Fatal(err)
			}
			err = b.br.DB.UserLogin.Insert(b.ctx, &bridgedb.UserLogin{UserMXID: user.MXID, ID: id, RemoteName: crowdAccount(i), Metadata: account.NewMetadata(account.Record{Password: sealed})})
			if err != nil {
				b.Fatal(err)
			}
		}
		t.Logf("rows made in %v", time.Since(began))
		madeBefore, sizeBefore = allocated()
		began = time.Now()
	})
	t.Logf("started in %v", time.Since(began))
	b.within(signInLimit, "all to be signed in", func() bool {
		for i := range n {
			if !b.signedIn(loginID(crowdAccount(i))) {
				return false
			}
		}
		return true
	})
	t.Logf("signed in after %v", time.Since(began))
	b.within(time.Minute, "what they see of each other to be looked at", func() bool { return !b.conn.signIns.Crowded() })
	made, size := allocated()
	allocs, sizes := (made-madeBefore)/uint64(n), (size-sizeBefore)/uint64(n)
	t.Logf("%d objects of %d bytes were made for each login", allocs, sizes)
	if (allocs > maxAllocsOfSignIn || sizes > maxAllocatedOfSignIn) && !raceDetector {
		t.Errorf("%d objects of %d bytes were made for each login", allocs, sizes)
	}
	perLogin := func() (routines int, held, live uint64) {
		held, live = inUse()
		return (runtime.NumGoroutine() - goroutines) / n, (held - before) / uint64(n), (live - liveBefore) / uint64(n)
	}
	b.eventually("all to be idle", func() bool {
		g, _, _ := perLogin()
		return g <= maxGoroutinesOfLogin
	})
	g, bytes, live := perLogin()
	t.Logf("%d logins: %d goroutines and %d bytes each, %d of them in use", n, g, bytes, live)
	if (bytes > maxBytesOfLogin || live > maxLiveOfLogin) && !raceDetector {
		t.Errorf("%d bytes for each login, %d of them in use", bytes, live)
	}
}

// allocated returns how many objects the process has made so far, and how many bytes they had.
func allocated() (objects, bytes uint64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs, m.TotalAlloc
}

// inUse returns how much memory the process needs now, and how much of it is in use.
func inUse() (held, live uint64) {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse, m.HeapAlloc + m.StackInuse
}
