package bridge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/metrics"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// scrape returns what is served: the value of each series by its name and labels.
func (b *testBridge) scrape() map[string]float64 {
	b.Helper()
	req, err := http.NewRequestWithContext(b.ctx, http.MethodGet, "http://"+b.conn.metricsServer.Addr().String()+"/metrics", nil)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("answered %d, %v: %s", resp.StatusCode, err, text)
	}
	series := make(map[string]float64)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndex(line, " ")
		value, err := strconv.ParseFloat(strings.TrimSpace(line[at+1:]), 64)
		if err != nil {
			b.Fatalf("%q: %v", line, err)
		}
		series[line[:at]] = value
	}
	return series
}

// Whatever the bridge does is counted.
func TestMetricsMove(t *testing.T) {
	t.Parallel()
	b, friend, room := fileChat(t, func(b *testBridge) {
		b.metrics = metrics.New("1.2.3")
		b.config = func(c *config.Config) { c.Metrics = "127.0.0.1:0" }
	})
	first := b.scrape()
	moves := func(series string, by float64) {
		t.Helper()
		b.eventually(fmt.Sprintf("%s to grow by %v", series, by), func() bool { return b.scrape()[series]-first[series] >= by })
	}
	if first[`matrix_msn_build_info{version="1.2.3"}`] != 1 || first[`matrix_msn_logins{dialect="MSNP12",service="home",state="connected"}`] != 1 ||
		first[`matrix_msn_sign_in_seconds_count{outcome="signed_in",service="home"}`] != 1 || first["go_goroutines"] < 2 || first["process_resident_memory_bytes"] == 0 {
		t.Errorf("after the sign-in: %v", first)
	}

	b.write(room, "hello")
	<-friend.texts
	moves(`matrix_msn_messages_total{direction="to_msn",outcome="delivered"}`, 1)
	moves(`matrix_msn_hop_seconds_count{hop="to_msn"}`, 1)
	for _, kind := range []string{"begin", "commit", "exec", "query", "queryrow"} {
		moves(`matrix_msn_database_statement_seconds_count{kind="`+kind+`"}`, 1)
	}
	if open := b.scrape()["matrix_msn_switchboards"]; open != 1 {
		t.Errorf("%v switchboards", open)
	}
	if err := friend.Conversation(alice).SendText(b.ctx, "hello yourself", ""); err != nil {
		t.Fatal(err)
	}
	moves(`matrix_msn_messages_total{direction="to_matrix",outcome="delivered"}`, 1)
	moves(`matrix_msn_hop_seconds_count{hop="to_matrix"}`, 1)

	data := bytes.Repeat([]byte("a"), 3000)
	go func() {
		if offer := <-friend.offers; offer.Offer.Accept(b.ctx, io.Discard, nil) != nil {
			t.Error("the file does not come")
		}
		(<-friend.offers).Offer.Decline()
	}()
	b.sendsFile(room, event.MsgFile, "a.bin", "", data, false)
	moves(`matrix_msn_transfers_total{direction="to_msn",outcome="delivered"}`, 1)
	moves(`matrix_msn_transferred_bytes_total{direction="to_msn"}`, 3000)
	b.sendsFile(room, event.MsgFile, "b.bin", "", data, false)
	moves(`matrix_msn_transfers_total{direction="to_msn",outcome="failed"}`, 1)
	moves(`matrix_msn_messages_total{direction="to_msn",outcome="failed"}`, 1)
	if err := friend.SendFile(b.ctx, alice, msn.File{Name: "c.bin", Size: 3000}, bytes.NewReader(data), nil); err != nil {
		t.Fatal(err)
	}
	moves(`matrix_msn_transfers_total{direction="to_matrix",outcome="delivered"}`, 1)
	moves(`matrix_msn_transferred_bytes_total{direction="to_matrix"}`, 3000)
	if under := b.scrape()[`matrix_msn_transfers{direction="to_matrix"}`]; under != 0 {
		t.Errorf("%v files are under way", under)
	}

	// What waits is seen while it does.
	b.matrix.failSending(errors.New("the homeserver is away"))
	if err := friend.Conversation(alice).SendText(b.ctx, "this one waits", ""); err != nil {
		t.Fatal(err)
	}
	b.eventually("the queue to be seen", func() bool {
		now := b.scrape()
		return now[`matrix_msn_queue_rows{queue="msn_queue"}`] == 1 && now[`matrix_msn_queue_oldest_seconds{queue="msn_queue"}`] > 0
	})
	b.matrix.failSending(nil)
	b.eventually("the queue to be empty", func() bool { return b.scrape()[`matrix_msn_queue_rows{queue="msn_queue"}`] == 0 })
}

// A message that was told of and could not be taken out of the queue is told of again by the next sign-in, and counted once.
func TestMessageThatIsToldOfAgainIsCountedOnce(t *testing.T) {
	t.Parallel()
	b, friend, room := fileChat(t, func(b *testBridge) {
		b.metrics = metrics.New("1.2.3")
		b.config = func(c *config.Config) { c.Metrics = "127.0.0.1:0" }
	})
	client := b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client)
	portal := client.account.PortalKey(bob).ID
	settled := func() { b.eventually("the queue to be empty", func() bool { return b.rows("matrix_queue") == 0 }) }
	counted := func() [3]float64 {
		now := b.scrape()
		return [3]float64{now[`matrix_msn_messages_total{direction="to_msn",outcome="delivered"}`], now[`matrix_msn_messages_total{direction="to_msn",outcome="failed"}`],
			now[`matrix_msn_hop_seconds_count{hop="to_msn"}`]}
	}
	b.write(room, "hello")
	b.receive(friend.texts, "hello")
	delivered := id.EventID(fmt.Sprintf("$user%d", b.events))
	settled()
	b.srv.Hook(msntest.For(alice, msntest.On("MSG", msntest.NAK())))
	b.write(room, "refused")
	refused := id.EventID(fmt.Sprintf("$user%d", b.events))
	b.waitMessage(0, "not bridged")
	settled()
	if got := counted(); got != [3]float64{1, 1, 1} {
		t.Fatalf("counted are %v", got)
	}
	client.Disconnect()
	for i, event := range []id.EventID{delivered, refused} {
		if _, err := b.br.DB.Exec(b.ctx, `INSERT INTO matrix_queue (bridge_id, login_id, event_id, position, room_id, sender, portal_id, body, format, written_at, queued_at, owner)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 'x', '', 1, 1, 'earlier')`, b.br.ID, client.account.Login.ID, event, 1+i, room, fakeUser, portal); err != nil {
			t.Fatal(err)
		}
	}
	client.Connect(b.ctx)
	settled()
	if got := counted(); got != [3]float64{1, 1, 1} {
		t.Errorf("counted are %v", got)
	}
}

// The page about metrics has all of them, and no other ones.
func TestAllMetricsAreDescribed(t *testing.T) {
	t.Parallel()
	b, _, _ := fileChat(t, func(b *testBridge) {
		b.metrics = metrics.New("1.2.3")
		b.config = func(c *config.Config) { c.Metrics = "127.0.0.1:0" }
	})
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	described := make(map[string]bool)
	for _, name := range regexp.MustCompile("(?m)^\\| `(matrix_msn_[a-z_]+)").FindAllStringSubmatch(string(page), -1) {
		described[name[1]] = true
	}
	series := b.scrape()
	// It is counted where there is a homeserver.
	served := map[string]bool{"matrix_msn_homeserver_request_seconds": true}
	for name := range series {
		name, _, _ = strings.Cut(name, "{")
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			if base, cut := strings.CutSuffix(name, part); cut && strings.HasSuffix(base, "_seconds") {
				name = base
			}
		}
		if strings.HasPrefix(name, "matrix_msn_") {
			served[name] = true
		}
	}
	if !maps.Equal(described, served) {
		t.Errorf("described are %v, served %v", slices.Sorted(maps.Keys(described)), slices.Sorted(maps.Keys(served)))
	}
}

// Nobody is served who has not asked for it, and a port that is taken is said.
func TestAddressOfTheMetrics(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) { b.metrics = metrics.New("1") })
	if b.conn.metricsServer != nil {
		t.Error("metrics are served without an address")
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	other := &Connector{Config: b.conn.Config, Metrics: metrics.New("1"), br: b.br, db: b.conn.db, lease: b.conn.lease}
	other.Config.Metrics = taken.Addr().String()
	if err := other.Start(b.ctx); err == nil || !strings.Contains(err.Error(), "network.metrics is "+taken.Addr().String()) {
		t.Errorf("the start ends with %v", err)
	}
}
