package account

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// Whoever asks in whatever order, also after restarts: in no window are more people admitted
// than may be, who was admitted stays so, and who was not is told a time at which somebody can be.
func TestAdmissionsAgainstTheirModel(t *testing.T) {
	t.Parallel()
	const most = 3
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var kept Admissions
		in, until := map[string]bool{}, time.Time{} // of the window, and its end
		for range 300 {
			now = now.Add(time.Duration(random.Int64N(int64(10 * time.Minute))))
			if random.IntN(10) == 0 { // a restart
				stored, err := json.Marshal(kept)
				if err != nil {
					t.Fatal(err)
				}
				kept = Admissions{}
				if err := json.Unmarshal(stored, &kept); err != nil {
					t.Fatal(err)
				}
			}
			if random.IntN(50) == 0 { // the clock is set back
				now = now.Add(-24 * time.Hour)
				in, until = map[string]bool{}, time.Time{}
			}
			if !now.Before(until) {
				in, until = map[string]bool{}, now.Add(time.Hour)
			}
			who := fmt.Sprint(random.IntN(8))
			after, admitted, end := kept.Admit(who, now, time.Hour, most)
			if want := in[who] || len(in) < most; admitted != want || !end.Equal(until) || len(after.Accounts) > most {
				t.Fatalf("seed %d: %s at %v: admitted %t until %v, want %t until %v; of %v", seed, who, now, admitted, end, want, until, after)
			}
			if admitted {
				in[who] = true
			}
			kept = after
		}
	}
}
