package transport

import "testing"

// 0 marks what servers send unasked.
func TestTransactionIDsBeginAgain(t *testing.T) {
	t.Parallel()
	link := &Transport{trid: 1<<32 - 2}
	for _, want := range []uint32{1<<32 - 1, 1, 2} {
		if got := link.NewTrID(); got != want {
			t.Errorf("the ID is %d, want %d", got, want)
		}
	}
}
