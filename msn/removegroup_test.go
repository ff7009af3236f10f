package msn

import (
	"slices"
	"testing"
)

// A server that refuses to remove a group leaves everybody where they were. Who is in the fixed
// group, which no server removes, is not moved at all.
func TestGroupThatIsNotRemovedKeepsItsMembers(t *testing.T) {
	t.Parallel()
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	call := func(do func() error) <-chan error {
		result := make(chan error, 1)
		go func() { result <- do() }()
		return result
	}
	in := func(want ...string) {
		t.Helper()
		if contact, _ := client.Contact("bob@example.com"); !slices.Equal(contact.Groups, want) {
			t.Errorf("bob is in %q, want %q", contact.Groups, want)
		}
	}
	made := call(func() error { _, err := client.AddGroup(t.Context(), "Sailing"); return err })
	ns.expect("ADG 7 Sailing 0")
	ns.send("ADG 0 10 Other 0 0", "ADD 0 FL 11 bob@example.com Bob 1", "REM 0 FL 12 bob@example.com 0", "ADG 7 13 Sailing 1 0")
	if err := waitError(t, made); err != nil {
		t.Fatal(err)
	}
	in("1")
	removed := call(func() error { return client.RemoveGroup(t.Context(), "1") })
	ns.expect("ADD 8 FL bob@example.com Bob 0")
	ns.send("ADD 8 FL 14 bob@example.com Bob 0")
	ns.expect("RMG 9 1")
	ns.send("500 9")
	ns.expect("REM 10 FL bob@example.com 0")
	ns.send("REM 10 FL 15 bob@example.com 0")
	if err := waitError(t, removed); err == nil {
		t.Error("it was removed")
	}
	in("1")
	removed = call(func() error { return client.RemoveGroup(t.Context(), "0") })
	ns.expect("RMG 11 0")
	ns.send("ADD 0 FL 16 bob@example.com Bob 0", "REM 0 FL 17 bob@example.com 1", "230 11")
	if err := waitError(t, removed); err == nil {
		t.Error("it was removed")
	}
	in("0")
	removed = call(func() error { return client.RemoveGroup(t.Context(), "0") })
	ns.expect("RMG 12 0")
	ns.send("230 12")
	if err := waitError(t, removed); err == nil {
		t.Error("it was removed")
	}
}
