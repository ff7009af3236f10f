package notify

import "testing"

func BenchmarkParse(b *testing.B) {
	document := calendarAlert("1", plainAlert)
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(document); err != nil {
			b.Fatal(err)
		}
	}
}

// A server may send any number of alerts. One has some 40 names and values, of
// which each is copied once or twice.
func TestParsingAllocatesLittle(t *testing.T) {
	document := calendarAlert("1", plainAlert)
	const most = 160
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := Parse(document); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > most {
		t.Errorf("%v allocations, more than %d", allocs, most)
	}
}
