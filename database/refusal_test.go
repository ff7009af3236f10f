package database_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/lib/pq"

	"matrix-msn/database"
)

func TestRefusalsAreToldFromTrouble(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		&pq.Error{Code: "22021"}:         true, // a NUL in a text
		&pq.Error{Code: "22P05"}:         true,
		&pq.Error{Code: "23505"}:         true,
		&pq.Error{Code: "54000"}:         true,  // larger than a row may be
		&pq.Error{Code: "53100"}:         false, // disk full
		&pq.Error{Code: "57P03"}:         false, // starting
		errors.New("connection refused"): false,
	} {
		wrapped := fmt.Errorf("wrapped: %w", err)
		if got := database.Refuses(wrapped); got != want {
			t.Errorf("%v is refused: %t", err, got)
		}
		if want && database.InTrouble(wrapped) {
			t.Errorf("%v is refused and may succeed later", err)
		}
	}
}

// A server that is away is in trouble, however that shows.
func TestServerThatIsAwayIsInTrouble(t *testing.T) {
	t.Parallel()
	closing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := closing.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := refusing.Close(); err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{
		"a port at which nobody listens": fmt.Sprintf("postgres://x@%s/x?sslmode=disable", refusing.Addr()),
		"a server that hangs up":         fmt.Sprintf("postgres://x@%s/x?sslmode=disable", closing.Addr()),
		"a socket that is not there":     "postgres:///x?host=" + t.TempDir() + "&user=x&sslmode=disable",
	} {
		db, err := sql.Open("postgres", address)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.PingContext(t.Context()); err == nil || !database.InTrouble(fmt.Errorf("wrapped: %w", err)) || database.Refuses(err) {
			t.Errorf("%s: %v is no trouble", name, err)
		}
		_ = db.Close()
	}
	_ = closing.Close()
	for _, err := range []error{context.Canceled, context.DeadlineExceeded, sql.ErrNoRows, errors.New("a whim")} {
		if database.InTrouble(err) {
			t.Errorf("%v is trouble", err)
		}
	}
}
