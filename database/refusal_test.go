package database_test

import (
	"errors"
	"fmt"
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
