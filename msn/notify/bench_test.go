package notify

import (
	"fmt"
	"strings"
	"testing"
)

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

// BenchmarkParseHostile reads the largest document that is taken, made of what costs
// most: the time must grow with its length, not faster.
func BenchmarkParseHostile(b *testing.B) {
	for _, length := range []int{MaxDocument / 8, MaxDocument} {
		for name, part := range map[string]string{"tags": "<x a=b c>", "references": "&#38;", "names": "<a", "elements": "<a></a>"} {
			document := "<NOTIFICATION><MSG>" + strings.Repeat(part, (length-20)/len(part))
			b.Run(fmt.Sprintf("%s of %d bytes", name, length), func(b *testing.B) {
				b.SetBytes(int64(len(document)))
				for b.Loop() {
					_, _ = Parse(document) // some are refused at their end
				}
			})
		}
	}
}
