package transport

import (
	"errors"
	"net"
	"testing"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/trust"
)

func TestResolvedAddressIsHeldAgainstThePolicy(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	policy, _, err := trust.New(trust.Configured{Server: "ns.example.com"}, trust.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	dialer := &Dialer{Policy: policy, Timeout: 10 * time.Second}
	if conn, err := dialer.Open(t.Context(), Notification, listener.Addr().String()); !errors.Is(err, errs.ErrUntrusted) {
		t.Errorf("connected to %v, %v", conn, err)
	}
}
