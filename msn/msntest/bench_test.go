package msntest_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"

	"matrix-msn/msn/msntest"
)

// connect signs a client in by hand, with as little memory as possible.
func connect(tb testing.TB, srv *msntest.Server, email string) net.Conn {
	tb.Helper()
	nc, err := net.Dial("tcp", srv.Addr())
	if err != nil {
		tb.Fatal(err)
	}
	buf := make([]byte, 2048)
	ask := func(line string, more int) string {
		if _, err := io.WriteString(nc, line); err != nil {
			tb.Fatal(err)
		}
		n := 0
		for lines := 0; lines < more; {
			m, err := nc.Read(buf[n:])
			if err != nil {
				tb.Fatal(err)
			}
			for _, b := range buf[n : n+m] {
				if b == '\n' {
					lines++
				}
			}
			n += m
		}
		return string(buf[:n])
	}
	ask("VER 1 MSNP7\r\n", 1)
	var salt string
	if _, err := fmt.Sscanf(ask("USR 3 MD5 I "+email+"\r\n", 1), "USR 3 MD5 S %s", &salt); err != nil {
		tb.Fatal(err)
	}
	ask("USR 4 MD5 S "+md5Hex(salt+"secret")+"\r\n", 2)
	ask("SYN 5 0\r\nCHG 6 NLN\r\nPNG\r\n", 20)
	return nc
}

// BenchmarkIdleClients reports what the server's side of an idle client costs,
// and how fast clients sign in. A server and a client together may take 64 KiB.
func BenchmarkIdleClients(b *testing.B) {
	const clients = 1000
	for b.Loop() {
		srv := msntest.NewServer(b, msntest.WithChallenges(-1), msntest.WithRecordLimit(0))
		emails := make([]string, clients)
		for i := range emails {
			emails[i] = fmt.Sprintf("user%d@example.com", i)
			srv.AddAccount(emails[i], "secret")
		}
		for i := range emails {
			srv.Befriend(emails[i], emails[(i+1)%clients])
		}
		before := memory()
		conns := make([]net.Conn, clients)
		for i := range conns {
			conns[i] = connect(b, srv, emails[i])
		}
		b.ReportMetric(float64(memory()-before)/clients, "B/client")
		for _, nc := range conns {
			_ = nc.Close()
		}
		srv.Close()
	}
	b.ReportMetric(float64(b.N)*clients/b.Elapsed().Seconds(), "sign-ins/s")
}

// memory is what heap and stacks take.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
