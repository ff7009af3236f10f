package metrics

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/dbutil"
)

// get asks a Server for something.
func get(t *testing.T, s *Server, path string) (code int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func serve(t *testing.T, m *Metrics) *Server {
	t.Helper()
	s, err := m.Serve("127.0.0.1:0", zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (m *Metrics) has(t *testing.T, s *Server, want ...string) {
	t.Helper()
	_, body := get(t, s, "/metrics")
	for _, line := range want {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("%q is missing", line)
		}
	}
}

func TestRequestsToTheHomeserverAreCounted(t *testing.T) {
	t.Parallel()
	m := New("1")
	s := serve(t, m)
	homeserver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/limited" {
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	client := &http.Client{Transport: m.Homeserver(nil)}
	ask := func(path string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, homeserver.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	for _, path := range []string{"/", "/limited", "/limited"} {
		if err := ask(path); err != nil {
			t.Fatal(err)
		}
	}
	homeserver.Close()
	if ask("/") == nil {
		t.Error("a server that is gone answers")
	}
	m.has(t, s, `matrix_msn_homeserver_request_seconds_count{code="200"} 1`, `matrix_msn_homeserver_request_seconds_count{code="429"} 2`,
		`matrix_msn_homeserver_request_seconds_count{code="error"} 1`)
}

func TestStatementsAreCountedOnce(t *testing.T) {
	t.Parallel()
	m := New("1")
	s := serve(t, m)
	log := m.Statements(dbutil.NoopLogger)
	for _, method := range []string{"Query", "EndRows", "Begin", "Exec", "Commit", "<Transaction>"} {
		log.QueryTiming(t.Context(), method, "SELECT 1", nil, 0, time.Millisecond, nil)
	}
	m.has(t, s, `matrix_msn_database_statement_seconds_count{kind="query"} 1`, `matrix_msn_database_statement_seconds_count{kind="commit"} 1`)
	if _, body := get(t, s, "/metrics"); strings.Contains(body, "endrows") || strings.Contains(body, "transaction>") {
		t.Error("the second time is counted too")
	}
}

// broken is a bridge whose database does not answer.
type broken struct{}

func (broken) Logins() (map[Logins]int, int) { return map[Logins]int{{Service: "home"}: 3}, 2 }
func (broken) Queues(context.Context) (map[string]Queue, error) {
	return nil, errors.New("the database is away")
}

// What can be told is told.
func TestDatabaseThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	m := New("1")
	m.Watch(broken{}, zerolog.Nop())
	s := serve(t, m)
	m.has(t, s, `matrix_msn_logins{dialect="",service="home",state=""} 3`, `matrix_msn_switchboards 2`)
}

func TestProfilesAreServed(t *testing.T) {
	t.Parallel()
	s := serve(t, New("1"))
	if code, body := get(t, s, "/debug/pprof/goroutine?debug=1"); code != http.StatusOK || !strings.HasPrefix(body, "goroutine profile") {
		t.Errorf("answered %d, %.40q", code, body)
	}
	if code, _ := get(t, s, "/"); code != http.StatusNotFound {
		t.Errorf("answered %d", code)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

// Who can ask for profiles does not have the program take one for hours.
func TestProfilesTakeABoundedTime(t *testing.T) {
	t.Parallel()
	served := bounded(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	for seconds, code := range map[string]int{
		"": http.StatusOK, "1": http.StatusOK, "0.5": http.StatusOK, "60": http.StatusOK, "-3": http.StatusOK, "x": http.StatusOK,
		"61": http.StatusBadRequest, "60.1": http.StatusBadRequest, "1e9": http.StatusBadRequest, "NaN": http.StatusBadRequest, "inf": http.StatusBadRequest,
		"9e999": http.StatusBadRequest, strings.Repeat("9", 400): http.StatusBadRequest,
	} {
		answer := httptest.NewRecorder()
		served.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?seconds="+seconds, nil))
		if answer.Code != code {
			t.Errorf("%q: %d", seconds, answer.Code)
		}
	}
	s := serve(t, New("1"))
	for _, path := range []string{"profile?seconds=3600", "trace?seconds=3600", "heap?seconds=3600"} {
		if code, body := get(t, s, "/debug/pprof/"+path); code != http.StatusBadRequest || !strings.Contains(body, "60 at most") {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
}

// A bridge that counts nothing needs no ifs.
func TestNoMetrics(t *testing.T) {
	t.Parallel()
	var m *Metrics
	m.Message(ToMSN, Delivered)
	m.Hop(HopToMSN, time.Now())
	m.Pushed(1)
	m.SignIn("home", time.Second, nil)
	m.Transfer(ToMSN, 1)(Failed)
	m.Watch(broken{}, zerolog.Nop())
	if m.Homeserver(nil) != http.DefaultTransport || m.Statements(dbutil.NoopLogger) != dbutil.NoopLogger {
		t.Error("something is counted")
	}
	var s *Server
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
