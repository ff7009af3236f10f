package room

import "testing"

func TestWhatIsToldOfAnEventHasOneTransactionID(t *testing.T) {
	t.Parallel()
	one, again, other := Once("$a").TransactionID, Once("$a").TransactionID, Once("$b").TransactionID
	if one == "" || one != again || one == other {
		t.Errorf("%q, %q, %q", one, again, other)
	}
}
