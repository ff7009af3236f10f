package web

import (
	"errors"
	"net/http"
	"testing"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/trust"
)

// A request after the end is refused, also when there was none before.
func TestRequestsAfterTheEnd(t *testing.T) {
	t.Parallel()
	policy, _, err := trust.New(trust.Configured{Server: "ns.example.com", URLs: []string{"https://web.example.com/"}}, trust.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Policy: policy})
	s.Close()
	s.Close()
	client := http.Client{Transport: s}
	if _, err := client.Get("https://web.example.com/"); !errors.Is(err, errs.ErrClosed) || !NeverConnected(err) {
		t.Errorf("error %v", err)
	}
}
