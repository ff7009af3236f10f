package metrics

import (
	"net/http"
	"strconv"
	"time"
)

// homeserver counts the requests that are made by it.
type homeserver struct {
	metrics *Metrics
	by      http.RoundTripper
}

// Homeserver returns what makes requests as the other one does, and counts them. nil stands for
// http.DefaultTransport.
func (m *Metrics) Homeserver(by http.RoundTripper) http.RoundTripper {
	if by == nil {
		by = http.DefaultTransport
	}
	if m == nil {
		return by
	}
	return &homeserver{m, by}
}

// RoundTrip implements http.RoundTripper.
func (h *homeserver) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := h.by.RoundTrip(req)
	code := "error"
	if err == nil {
		code = strconv.Itoa(resp.StatusCode)
	}
	h.metrics.requests.WithLabelValues(code).Observe(time.Since(began).Seconds())
	return resp, err
}
