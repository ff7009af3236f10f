package e2e

import (
	"bufio"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"matrix-msn/e2e/stack"
)

// metricsAddress is where the sharedBridge serves metrics.
var metricsAddress string

// withMetrics returns the settings with those by which a bridge serves metrics.
func withMetrics(settings map[string]any) (map[string]any, error) {
	ports, err := stack.FreePorts(1)
	if err != nil {
		return nil, err
	}
	metricsAddress = fmt.Sprintf("127.0.0.1:%d", ports[0])
	settings = maps.Clone(settings)
	settings["network.metrics"] = metricsAddress
	return settings, nil
}

// The program counts what it asks the homeserver for, and shows that on the address of the setting alone.
func TestRequestsToTheHomeserverAreAmongTheMetrics(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	before := requests(t)
	room := c.says("Hello").RoomID
	c.sends(room, "Hello, Bob")
	if after := requests(t); before == 0 || after <= before {
		t.Errorf("answers of the homeserver were %v, and are %v", before, after)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+metricsAddress+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "rebound.example.com"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("under another name: %s", resp.Status)
	}
	if resp, err := http.Get(c.bridge.URL + "/metrics"); err == nil {
		if _ = resp.Body.Close(); resp.StatusCode == http.StatusOK {
			t.Error("the metrics are where the homeserver calls too")
		}
	}
}

// requests returns how often the homeserver has answered the sharedBridge as it should.
func requests(t *testing.T) (n float64) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+metricsAddress+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), `matrix_msn_homeserver_request_seconds_count{code="200"} `); ok {
			if _, err := fmt.Sscan(value, &n); err != nil {
				t.Fatal(err)
			}
		}
	}
	return n
}
