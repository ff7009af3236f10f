package msntest_test

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

func TestServerInMemoryIsReachedThereAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := msntest.NewNetwork()
		srv := msntest.NewServer(t, msntest.WithNetwork(network))
		conn, err := network.Dial(t.Context(), "tcp", srv.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("VER 1 MSNP7 CVR0\r\n")); err != nil {
			t.Fatal(err)
		}
		cmd, err := wire.NewReader(conn, wire.FromServer).Read()
		if err != nil || cmd.Verb != "VER" || cmd.Arg(1) != "MSNP7" {
			t.Errorf("answered was %v, %v", cmd, err)
		}
		if _, err := network.Dial(t.Context(), "tcp", "127.0.0.1:1"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("where nobody listens: %v", err)
		}
		srv.Close()
		if _, err := network.Dial(t.Context(), "tcp", srv.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("after the end: %v", err)
		}
	})
}
