package main

import (
	"crypto/subtle"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// tellEvery is how often it is told at most that transactions are refused.
const tellEvery = time.Minute

// What is told of refused transactions.
const (
	otherToken = "A transaction is refused, because it has another token than appservice.hs_token. If the homeserver sent it, nothing that users write arrives: " +
		"copy hs_token from the homeserver's registration file into the config, or make both anew with -g, and restart both"
	oldTransaction = "A transaction is refused, because the homeserver sends it in the way of old: nothing that users write arrives. Update the homeserver, Synapse to 1.81 or later"
)

// gate lets the homeserver's transactions in. It counts those that it refuses, and has the log say why: the framework only
// answers them.
type gate struct {
	token func() string // the hs_token
	log   *zerolog.Logger

	mu      sync.Mutex
	refused int
	told    map[string]time.Time // when it was told last, by what
}

// allows reports whether a request has the homeserver's token.
func (g *gate) allows(r *http.Request) bool {
	switch token := g.token(); {
	case same(r.Header.Get("Authorization"), "Bearer "+token):
		return true
	case same(r.URL.Query().Get("access_token"), token):
		g.refuse(oldTransaction)
	default:
		g.refuse(otherToken)
	}
	return false
}

// refuseOld is where homeservers of old send transactions. next answers that there is nothing.
func (g *gate) refuseOld(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.refuse(oldTransaction)
		next.ServeHTTP(w, r)
	})
}

// refuse counts a transaction that is refused.
func (g *gate) refuse(why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused++
	now := time.Now()
	if last, ok := g.told[why]; ok && now.Sub(last) < tellEvery {
		return
	}
	if g.told == nil {
		g.told = make(map[string]time.Time)
	}
	g.told[why] = now
	g.log.Error().Int("refused", g.refused).Msg(why)
}

func same(one, other string) bool { return subtle.ConstantTimeCompare([]byte(one), []byte(other)) == 1 }
