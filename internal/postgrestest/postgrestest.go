// Package postgrestest gives tests a PostgreSQL server of their own, where the program is installed.
package postgrestest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver
)

// ErrNotInstalled is that there is no PostgreSQL on this machine.
var ErrNotInstalled = errors.New("PostgreSQL is not installed: install it (postgresql on Debian) to run the tests there too")

// startTime is how long a server may take to answer for the first time.
const startTime = time.Minute

// Server is a running server. Only its own user reaches it, by a socket in a directory of its own.
type Server struct {
	dir     string
	program string
	cmd     *exec.Cmd // nil when it does not run
	ended   chan struct{}
	err     error // why it has ended
	said    bytes.Buffer

	mu   sync.Mutex
	made int // databases
}

// Start makes a server without any data and starts it. Stop ends it, and so does the end of this process. The error is
// ErrNotInstalled where there is none.
func Start(ctx context.Context) (*Server, error) {
	initdb, server, err := find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pg-") // the path of a socket has to be short
	if err != nil {
		return nil, fmt.Errorf("make the directory of PostgreSQL: %w", err)
	}
	s := &Server{dir: dir, program: server}
	err = s.init(ctx, initdb)
	if err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// find returns the programs. Debian keeps them where only the server's own scripts look.
func find() (initdb, server string, err error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, dir := range dirs {
		initdb, server = filepath.Join(dir, "initdb"), filepath.Join(dir, "postgres")
		if _, err := os.Stat(server); err == nil {
			return initdb, server, nil
		}
	}
	return "", "", ErrNotInstalled
}

// init makes the data of a server.
func (s *Server) init(ctx context.Context, initdb string) error {
	if err := giveAway(s.dir); err != nil {
		return fmt.Errorf("make the directory of PostgreSQL: %w", err)
	}
	cluster := exec.CommandContext(ctx, initdb, "--pgdata", s.data(), "--username", superuser, "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync")
	asNobody(cluster)
	if out, err := cluster.CombinedOutput(); err != nil {
		return fmt.Errorf("make a cluster of PostgreSQL: %w\n%s", err, out)
	}
	return nil
}

// data is where its data are.
func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// start starts the server and returns when it answers.
func (s *Server) start(ctx context.Context) error {
	cmd := exec.Command(s.program, "-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=400")
	cmd.Stdout, cmd.Stderr = &s.said, &s.said
	asNobody(cmd)
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		// On Linux the death signal is tied to the thread that started the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			s.err = cmd.Wait()
			close(ended)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.cmd, s.ended = cmd, ended
	return s.ready(ctx)
}

// superuser is who owns the databases.
const superuser = "postgres"

// uri returns the address of a database.
func (s *Server) uri(database string) string {
	return fmt.Sprintf("postgres:///%s?host=%s&user=%s&sslmode=disable", database, s.dir, superuser)
}

// ready returns when the server answers.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.execute(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("PostgreSQL has ended: %w\n%s", s.err, &s.said)
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		case <-tick.C:
		}
	}
}

func (s *Server) execute(ctx context.Context, statement string) error {
	db, err := sql.Open("postgres", s.uri("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// Database makes an empty database and returns its address.
func (s *Server) Database(ctx context.Context) (uri string, err error) {
	s.mu.Lock()
	s.made++
	name := fmt.Sprintf("test%d", s.made)
	s.mu.Unlock()
	if err := s.execute(ctx, "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	return s.uri(name), nil
}

// Down ends the server, which keeps its data. Those who are connected are thrown out. With crash it ends as when the machine does:
// what was committed has to be found again by Up.
func (s *Server) Down(crash bool) error {
	if !crash {
		return s.end(os.Interrupt) // a fast shutdown
	}
	if err := s.end(syscall.SIGQUIT); err != nil && !errors.As(err, new(*exec.ExitError)) { // an immediate one
		return err
	}
	return nil
}

// Up starts a server that is down.
func (s *Server) Up(ctx context.Context) error { return s.start(ctx) }

// end ends the server.
func (s *Server) end(how os.Signal) error {
	if s.cmd == nil {
		return nil
	}
	err := s.cmd.Process.Signal(how)
	<-s.ended
	s.cmd = nil
	return errors.Join(err, s.err)
}

// Stop ends the server and deletes its data.
func (s *Server) Stop() error { return errors.Join(s.end(os.Interrupt), os.RemoveAll(s.dir)) }

// The server of the tests of a package, which the first of them starts.
var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Main runs the tests of a package of which some use URI: TestMain calls it with os.Exit.
func Main(m *testing.M) int {
	code := m.Run()
	if shared.server == nil {
		return code
	}
	if err := shared.server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// URI returns the address of an empty database. Where PostgreSQL is not installed the test is skipped.
func URI(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = Start(context.Background()) })
	if errors.Is(shared.err, ErrNotInstalled) {
		t.Skip(shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	uri, err := shared.server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return uri
}
