package names

import "testing"

func TestBytesForPeople(t *testing.T) {
	t.Parallel()
	for n, want := range map[uint64]string{
		0: "0 bytes", 1: "1 byte", 5: "5 bytes", 999: "999 bytes", 1000: "1.0 KB", 5120: "5.1 KB", 9949: "9.9 KB", 9999: "10 KB", 12345: "12 KB",
		999_499: "999 KB", 999_600: "1.0 MB", 4_400_000_000: "4.4 GB", 1<<64 - 1: "18 EB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
