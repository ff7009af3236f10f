package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"matrix-msn/bridge/config"
	"matrix-msn/internal/childprocess"
)

// asProgram, set to anything, has the test binary be the program.
const asProgram = "MATRIX_MSN_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// startedWord is what the log says when a start is over.
const startedWord = "Bridge started"

// runProgram runs the program until it ends by itself. When it has printed a text, something is done, or it is asked to end.
func runProgram(t *testing.T, until string, then func(), arguments ...string) (code int, printed string) {
	t.Helper()
	// The homeserver is asked for half a minute whether it reaches the bridge.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, executable, arguments...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), asProgram+"=1")
	childprocess.Isolate(cmd)
	if then == nil {
		then = func() { _ = cmd.Process.Signal(syscall.SIGTERM) }
	}
	out := &watched{until: until, then: then}
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return code, out.String()
}

// watched is what a program has printed. Then is called once when a text is in it.
type watched struct {
	until string
	then  func()

	mu   sync.Mutex
	text bytes.Buffer
	done bool
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if !w.done && strings.Contains(w.text.String(), w.until) {
		w.done = true
		w.then()
	}
	return len(p), nil
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// homeserverOf is a homeserver as the start of a bridge meets it. The zero value is one with which all is well.
type homeserverOf struct {
	software string // of the header, a Synapse if empty
	token    string // the as_token that it knows, any if empty
	domain   string // of its users, that of the config if empty
	bot      string // for whom it takes the bridge's bot, if not empty
	ping     func(w http.ResponseWriter)
}

func (h homeserverOf) start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		software := h.software
		if software == "" {
			software = "Synapse/1.141.0"
		}
		w.Header().Set("Server", software)
		switch {
		case strings.HasSuffix(r.URL.Path, "/versions"):
			fmt.Fprint(w, `{"versions":["v1.2","v1.4","v1.11"]}`)
		case h.token != "" && r.Header.Get("Authorization") != "Bearer "+h.token:
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"errcode":"M_UNKNOWN_TOKEN","error":"no such token"}`)
		case strings.HasSuffix(r.URL.Path, "/whoami"):
			who := r.URL.Query().Get("user_id")
			if who == "" {
				who = "@sender:example.org"
			}
			if h.bot != "" && strings.HasPrefix(who, "@msnbot:") {
				who = h.bot
			}
			if h.domain != "" {
				who = strings.Replace(who, "example.org", h.domain, 1)
			}
			fmt.Fprintf(w, `{"user_id":%q}`, who)
		case strings.HasSuffix(r.URL.Path, "/ping") && h.ping != nil:
			h.ping(w)
		case strings.Contains(r.URL.Path, "/upload"):
			fmt.Fprint(w, `{"content_uri":"mxc://example.org/picture"}`)
		default:
			fmt.Fprint(w, `{}`)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// refusedPing is what Synapse answers when the bridge takes its call for a stranger's.
func refusedPing(w http.ResponseWriter) {
	w.WriteHeader(http.StatusBadGateway)
	fmt.Fprint(w, `{"errcode":"M_BAD_STATUS","error":"HTTP 401 Unauthorized","status":401,"body":"{\"errcode\":\"M_UNKNOWN_TOKEN\"}"}`)
}

// unreachedPing is what it answers when nothing listens.
func unreachedPing(w http.ResponseWriter) {
	w.WriteHeader(http.StatusBadGateway)
	fmt.Fprint(w, `{"errcode":"M_CONNECTION_FAILED","error":"ConnectionRefusedError"}`)
}

// freePort is a port that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// mistake is one that an admin makes, with what is printed and the code of the program.
type mistake struct {
	name string
	code int
	want string
	// changes are pairs of texts in the config.
	changes    []string
	homeserver homeserverOf
	// prepare does something to the config file, or beside it.
	prepare func(t *testing.T, path string)
	// arguments are those of the program, CONFIG in the place of the config file. A start if empty.
	arguments []string
	// started is done when the start is over, which it is only of some. If it is nil, the program is asked to end then.
	started func(t *testing.T, path string)
}

var mistakes = []mistake{
	{name: "nothing is wrong", want: startedWord},
	{name: "help", arguments: []string{"-h"}, want: "looks for what keeps the bridge from working"},
	{name: "the lines of the config end as on Windows", changes: []string{"\n", "\r\n"}, want: startedWord},
	{name: "a setting that does not exist", changes: []string{"    domain: example.org\n", "    domain: example.org\n    colour: red\n"}, want: "homeserver.colour (line "},

	{name: "a config that others may read", want: "Warning: others may read ", prepare: func(t *testing.T, path string) {
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
	}},

	{name: "a flag that does not exist", arguments: []string{"--colour"}, code: 1, want: "colour"},
	{name: "a command that does not exist", arguments: []string{"docter", "-c", "CONFIG"}, code: 1, want: `there is no command "docter"`},
	{name: "a word behind the doctor", arguments: []string{"doctor", "CONFIG"}, code: 1, want: "a config file stands behind -c"},
	{name: "an example over a file", arguments: []string{"-e", "-c", "CONFIG"}, code: 1, want: "is there already; move it away first, or name another file with -c"},
	{name: "what the doctor finds", arguments: []string{"doctor", "-c", "CONFIG"}, code: 1, want: "fail  service none"},
	{name: "a registration without writing", arguments: []string{"-g", "-n", "-c", "CONFIG", "-r", "new.yaml"}, code: 5, want: "--no-update"},

	{name: "no config", arguments: []string{"-c", "none.yaml", "-n"}, code: 10, want: "edit at least homeserver.address, homeserver.domain and bridge.permissions there"},
	{name: "scheme of the homeserver", changes: []string{"    address: http://", "    address: "}, code: 10, want: "write the address at which the homeserver is reached with its scheme"},
	{name: "domain of the example", changes: []string{"domain: example.org", "domain: example.com"}, code: 10, want: `homeserver.domain is "example.com": set it to`},
	{name: "permissions of the example", changes: []string{`"example.org": user`, `"example.com": user`, `"@admin:example.org": admin`, `"@admin:example.com": admin`}, code: 10, want: "bridge.permissions is still that of the example"},
	{name: "a tab", changes: []string{"    domain: example.org", "\tdomain: example.org"}, code: 10, want: "begins with a tab: write blanks in its place"},
	{name: "level of a user", changes: []string{`"example.org": user`, `"example.org": usr`}, code: 10, want: `has no level that there is behind "example.org": write block, relay, commands, user or admin`},
	{name: "type of the database", changes: []string{"type: sqlite3-fk-wal-fullsync", "type: sqlite"}, code: 10, want: `database.type is "sqlite": set it to sqlite3-fk-wal-fullsync`},
	{name: "old layout", changes: []string{"appservice:\n", "appservice:\n    database: {type: sqlite3}\n"}, code: 10, want: "appservice.database (line "},
	{name: "config of another bridge", changes: []string{"network:\n", "network:\n    os_name: Other\n"}, code: 10, want: "network.os_name (line "},
	{name: "level of the log", changes: []string{"min_level: info", "min_level: loud"}, code: 10, want: "logging.min_level (line "},
	{name: "value of a setting of network", changes: []string{"presence: full", "presence: some"}, code: 11, want: `network.presence is "some": set it to off, changes or full`},
	{name: "directory of the log", changes: []string{"/bridge.log", "/config.yaml/bridge.log"}, code: 12, want: "config.yaml is no directory: name a file in one"},
	{name: "kind of the log", changes: []string{"type: stdout", "type: paper"}, code: 12, want: `logging.writers, number 1, type is "paper": write stdout, stderr, file`},

	{name: "hs_token", homeserver: homeserverOf{ping: refusedPing}, code: 13, want: "calls the bridge with another token than appservice.hs_token: copy hs_token"},
	{name: "url of the registration", homeserver: homeserverOf{ping: unreachedPing}, code: 13, want: "does not reach the bridge at the url of its registration: it must lead"},
	{name: "directory of the database", changes: []string{"matrix-msn.db?", "none/matrix-msn.db?"}, code: 14, want: "database.uri names a file in "},
	{name: "PostgreSQL that is down", changes: []string{"type: sqlite3-fk-wal-fullsync", "type: postgres", "uri: file:", "uri: postgres://msn:pw-secret@127.0.0.1:1/msn?sslmode=disable #"}, code: 14, want: "nothing listens at the host and port in database.uri: start PostgreSQL"},
	{name: "database of another bridge", code: 14, want: "another program", prepare: func(t *testing.T, path string) {
		inDatabase(t, path, "CREATE TABLE database_owner (key INTEGER, owner TEXT); INSERT INTO database_owner VALUES (0, 'megabridge/mautrix-other')")
	}},
	{name: "database of a bridge with another appservice.id", code: 10, want: `database.uri names the database of the bridge whose appservice.id is "friends", and here it is "msn": give this bridge`, prepare: ofFriends},
	{name: "the same bridge with another appservice.id", arguments: []string{"-c", "CONFIG", "--ignore-foreign-tables"}, want: startedWord, prepare: func(t *testing.T, path string) {
		code, printed := runProgram(t, startedWord, nil, "-c", path)
		if code != 0 {
			t.Fatalf("code %d of\n%s", code, printed)
		}
		inDatabase(t, path, "UPDATE kv_store SET value='friends' WHERE key='msn_appservice_id'")
		if code, printed = runProgram(t, startedWord, nil, "-c", path); code != exitConfig {
			t.Errorf("code %d of\n%s", code, printed)
		}
	}},
	{name: "doctor on the database of a bridge with another appservice.id", code: 1, arguments: []string{"doctor", "-c", "CONFIG"}, want: `fail  database           database.uri names the database of the bridge whose appservice.id is "friends"`, prepare: ofFriends},
	{name: "another key", code: 11, want: "network.credential_key reads none of the stored passwords (1): put back the key", prepare: func(t *testing.T, path string) {
		sealed, err := (&config.Config{CredentialKey: "another-0123456789"}).SealPassword("none/a@example.com", "pw-secret")
		if err != nil {
			t.Fatal(err)
		}
		inDatabase(t, path, `CREATE TABLE user_login (id TEXT, metadata TEXT); INSERT INTO user_login VALUES ('none/a@example.com', '{"password":"`+sealed+`"}')`)
	}},
	{name: "database with tables of another program", code: 15, arguments: []string{"-c", "CONFIG", "--ignore-foreign-tables"}, want: "Failed to initialize database", prepare: func(t *testing.T, path string) {
		inDatabase(t, path, `CREATE TABLE portal (colour TEXT)`)
	}},
	{name: "as_token", homeserver: homeserverOf{token: "another"}, code: 16, want: "The homeserver does not know appservice.as_token: name the registration file in its config"},
	{name: "domain", homeserver: homeserverOf{domain: "other.example"}, code: 16, want: `homeserver.domain is "example.org", but users of the homeserver are called @…:other.example: set it to other.example`},
	{name: "registration of another bot", homeserver: homeserverOf{bot: "@other:example.org"}, code: 17, want: "@other:example.org"},
	{name: "old Synapse", homeserver: homeserverOf{software: "Synapse/1.49.2"}, code: 18, want: "Update it to 1.81 or later"},
	{name: "registration before the config is edited", arguments: []string{"-g", "-c", "CONFIG", "-r", "new.yaml"}, code: 20, changes: []string{"domain: example.org", "domain: example.com"}, want: `homeserver.domain is "example.com": set it to`},
	{name: "registration into nowhere", arguments: []string{"-g", "-c", "CONFIG", "-r", "none/new.yaml"}, code: 21, want: "none/new.yaml"},
	{name: "port in use", code: 23, want: "another program listens at appservice.hostname and appservice.port", prepare: func(t *testing.T, path string) {
		config, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:"+regexp.MustCompile(`\n    port: (\d+)`).FindStringSubmatch(string(config))[1])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
	}},
	{name: "port of the metrics in use", code: 23, changes: []string{`    metrics: ""`, `    metrics: "127.0.0.1:METRICS"`}, want: "another program listens at network.metrics (127.0.0.1:", prepare: useMetricsPort},
	{name: "doctor on a port of the metrics in use", code: 1, arguments: []string{"doctor", "-c", "CONFIG"}, changes: []string{`    metrics: ""`, `    metrics: "127.0.0.1:METRICS"`}, want: "fail  metrics            another program listens at network.metrics (127.0.0.1:", prepare: useMetricsPort},
	{name: "another process takes the database over", code: 41, want: "Another process of this bridge has taken the database over", started: func(t *testing.T, path string) {
		inDatabase(t, path, "UPDATE lease SET holder='another', beat=beat+1")
	}},
}

// unshown are the codes of the page that no test here brings about, and why.
var unshown = map[int]string{
	22: "root may write everywhere",
	33: "it takes a homeserver that keeps keys", 34: "it takes a homeserver that keeps keys",
	50: "it takes a homeserver that keeps keys", 51: "it takes a homeserver that keeps keys",
	42: "TestSecondProcessSaysWhichUsesTheDatabase has it",
}

// useMetricsPort listens at a port, and writes it into a config file.
func useMetricsPort(t *testing.T, path string) {
	config, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	port := strconv.Itoa(other.Listener.Addr().(*net.TCPAddr).Port)
	if err := os.WriteFile(path, bytes.ReplaceAll(config, []byte("METRICS"), []byte(port)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ofFriends makes the database of a config file that of another bridge.
func ofFriends(t *testing.T, path string) {
	inDatabase(t, path, "CREATE TABLE kv_store (bridge_id TEXT, key TEXT, value TEXT); INSERT INTO kv_store VALUES ('', 'msn_appservice_id', 'friends')")
}

// inDatabase does something to the database of a config file, which is made.
func inDatabase(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(filepath.Dir(path), "matrix-msn.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// Whatever an admin does wrong, the program says in a sentence which setting it is and what to do, and ends with the
// code that docs/exit-codes.md has for it.
func TestEveryMistakeHasItsSentenceAndItsCode(t *testing.T) {
	t.Parallel()
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			path := configFile(t, m.homeserver.start(t), append([]string{"port: 29363", "port: " + freePort(t), "pretty-colored", "pretty"}, m.changes...)...)
			if m.prepare != nil {
				m.prepare(t, path)
			}
			arguments := slices.Clone(m.arguments)
			if arguments == nil {
				arguments = []string{"-c", "CONFIG"}
			}
			for i, argument := range arguments {
				arguments[i] = strings.Replace(argument, "CONFIG", path, 1)
			}
			var started func()
			if m.started != nil {
				started = func() { m.started(t, path) }
			}
			code, printed := runProgram(t, startedWord, started, arguments...)
			if code != m.code || !strings.Contains(printed, m.want) {
				t.Errorf("code %d, want %d with %q in\n%s", code, m.code, m.want, printed)
			}
			for _, secret := range secrets {
				if strings.Contains(printed, secret) {
					t.Errorf("%s is printed:\n%s", secret, printed)
				}
			}
			for _, crash := range []string{"goroutine 1 [", "DATA RACE"} {
				if strings.Contains(printed, crash) {
					t.Errorf("it crashes:\n%s", printed)
				}
			}
		})
	}
}

// A start that waits for the homeserver ends at once when it is asked to, and in order, as any end that is asked for.
func TestStartEndsWhenItIsAskedTo(t *testing.T) {
	t.Parallel()
	const waits, ends = "retry_in_seconds", "Asked to end while the homeserver is awaited"
	path := configFile(t, "http://127.0.0.1:1", "port: 29363", "port: "+freePort(t), "pretty-colored", "pretty")
	code, printed := runProgram(t, waits, nil, "-c", path)
	if code != 0 || !strings.Contains(printed, ends) {
		t.Errorf("code %d of\n%s", code, printed)
	}
	db, err := sql.Open("sqlite3", filepath.Join(filepath.Dir(path), "matrix-msn.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var holder string
	if err := db.QueryRow("SELECT holder FROM lease").Scan(&holder); err != nil || holder != "" {
		t.Errorf("the database is still that of %q (%v)", holder, err)
	}
}

// The page of the exit codes has those that the program ends with, and no others.
func TestExitCodesAreThoseOfThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := make(map[int]bool)
	for _, m := range mistakes {
		shown[m.code] = true
	}
	named := make(map[int]bool)
	for _, row := range regexp.MustCompile(`(?m)^\| ([0-9, ]+) \|`).FindAllSubmatch(page, -1) {
		for code := range strings.SplitSeq(string(row[1]), ", ") {
			n, err := strconv.Atoi(code)
			if err != nil {
				t.Fatal(err)
			}
			named[n] = true
			if why, ok := unshown[n]; shown[n] == ok {
				t.Errorf("%d is on the page, a test brings it about: %t, none does: %q", n, shown[n], why)
			}
		}
	}
	for code := range shown {
		if !named[code] {
			t.Errorf("the page does not have %d", code)
		}
	}
}

// Two are started on one database. The second waits whether the first gives a sign of life, and says which process that is.
func TestSecondProcessSaysWhichUsesTheDatabase(t *testing.T) {
	t.Parallel()
	path := configFile(t, homeserverOf{}.start(t), "port: 29363", "port: "+freePort(t), "pretty-colored", "pretty")
	config, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	config = regexp.MustCompile(`\n    port: \d+`).ReplaceAll(config, []byte("\n    port: "+freePort(t)))
	second := filepath.Join(filepath.Dir(path), "second.yaml")
	if err := os.WriteFile(second, config, 0o600); err != nil {
		t.Fatal(err)
	}
	runSecond := func() {
		code, printed := runProgram(t, startedWord, nil, "-c", second)
		if code != exitHeld || !strings.Contains(printed, "Another process of this bridge uses the database: process ") {
			t.Errorf("code %d, want %d with the process in\n%s", code, exitHeld, printed)
		}
		inDatabase(t, path, "UPDATE lease SET holder='another', beat=beat+1") // which ends the first
	}
	var running sync.WaitGroup
	code, printed := runProgram(t, startedWord, func() { running.Go(runSecond) }, "-c", path)
	running.Wait()
	if code != exitUsurped {
		t.Errorf("the first ended with code %d:\n%s", code, printed)
	}
}

// Synapse may be sending something when the bridge starts to listen. It sends it again when the bridge answers its ping, or says, while it
// waits for an answer to it, that the ping has failed: the start would take half a minute, or fail.
func TestStartWhileSynapseSendsSomething(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	call := func(method, path, body string) (int, error) {
		request, err := http.NewRequest(method, "http://127.0.0.1:"+port+path, strings.NewReader(body))
		if err != nil {
			return 0, err
		}
		request.Header.Set("Authorization", "Bearer hs-secret")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err
		}
		return answer.StatusCode, answer.Body.Close()
	}
	send := func() <-chan struct{} {
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			// The last one finds that the bridge is gone, perhaps.
			_, _ = call(http.MethodPut, "/_matrix/app/v1/transactions/1", `{"events":[]}`)
		}()
		return answered
	}
	var mu sync.Mutex // of pings and sending
	var pings int
	var sending <-chan struct{}
	address := homeserverOf{ping: func(w http.ResponseWriter) {
		mu.Lock()
		defer mu.Unlock()
		if pings++; pings == 1 {
			sending = send()
		}
		code, err := call(http.MethodPost, "/_matrix/app/v1/ping", "{}")
		if err != nil || code != http.StatusOK {
			t.Errorf("the bridge answers a ping with %d (%v)", code, err)
		}
		select {
		case <-sending:
			sending = send()
			fmt.Fprint(w, `{"duration_ms":1}`)
		default:
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, `{"errcode":"M_CONNECTION_FAILED","error":"AlreadyCalled: Tried to cancel an already-called event."}`)
		}
	}}.start(t)
	code, printed := runProgram(t, startedWord, nil, "-c", configFile(t, address, "port: 29363", "port: "+port, "pretty-colored", "pretty"))
	if sending != nil {
		<-sending
	}
	// The transaction can have come after the first ping: then there are two more, one to find out what is wrong. Without an end
	// to it, there are seven at least.
	if code != 0 || pings > 3 {
		t.Errorf("code %d after %d pings:\n%s", code, pings, printed)
	}
}
