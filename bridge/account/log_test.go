package account

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
)

func TestLinesOfALoginNameItAndItsUser(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	user := &bridgev2.User{Log: zerolog.New(&out).With().Str("user_mxid", "@alice:example.com").Logger()}
	log := Logger(&bridgev2.UserLogin{User: user, UserLogin: &bridgedb.UserLogin{ID: "home/alice@example.com"}})
	derived := log.With().Str("portal_id", "dm:bob@example.com").Logger()
	derived.Info().Msg("hello")
	var line map[string]string
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["login_id"] != "home/alice@example.com" || line["user_mxid"] != "@alice:example.com" || line["portal_id"] != "dm:bob@example.com" {
		t.Errorf("got %s", out.Bytes())
	}
}
