package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// A homeserver that is not let in is told of in the log with their number, once a minute for each reason, and
// without its token.
func TestRefusedTransactionsAreCountedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told bytes.Buffer
		log := zerolog.New(&told)
		g := &gate{token: func() string { return "right" }, log: &log}
		request := func(query, header string) *http.Request {
			r := httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1"+query, nil)
			r.Header.Set("Authorization", header)
			return r
		}
		if !g.allows(request("", "Bearer right")) || told.Len() > 0 {
			t.Errorf("the homeserver is refused: %s", &told)
		}
		for range 5 {
			if g.allows(request("", "Bearer mistaken")) {
				t.Error("another token is let in")
			}
		}
		if lines := strings.Count(told.String(), "\n"); lines != 1 || !strings.Contains(told.String(), "another token than appservice.hs_token") || strings.Contains(told.String(), "mistaken") {
			t.Errorf("five transactions with another token: %s", &told)
		}
		told.Reset()
		if g.allows(request("?access_token=right", "")) || !strings.Contains(told.String(), "in the way of old") {
			t.Errorf("a token in the query: %s", &told)
		}
		told.Reset()
		<-time.After(tellEvery)
		answered := false
		g.refuseOld(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { answered = true })).ServeHTTP(httptest.NewRecorder(), request("", ""))
		if !answered || !strings.Contains(told.String(), `"refused":7`) {
			t.Errorf("at the path of old, a minute later: %s", &told)
		}
	})
}
