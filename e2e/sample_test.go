package e2e

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// sample is what the bridge needs at a time.
type sample struct {
	at                           time.Duration
	rss, heap, goroutines, files float64
	queued, intake, messages     int64 // rows
	contents                     int64 // bytes of received events that nobody needs any more
	database                     int64 // bytes
}

// figures are those that have to stay level, with what they may differ by.
var figures = []struct {
	name  string
	of    func(sample) float64
	slack float64
}{
	{"bytes of memory", func(s sample) float64 { return s.rss }, 16e6},
	{"bytes of the heap", func(s sample) float64 { return s.heap }, 8e6},
	{"goroutines", func(s sample) float64 { return s.goroutines }, 20},
	{"open files", func(s sample) float64 { return s.files }, 20},
}

// mostGrowth is by how much more a figure may be in the last third than in the middle one, beside its slack.
const mostGrowth = 0.1

// level holds the average of the last third of the samples against that of the middle one.
func level(samples []sample, of func(sample) float64, slack float64) (middle, last float64, ok bool) {
	third := len(samples) / 3
	if third == 0 {
		return 0, 0, false
	}
	average := func(part []sample) (sum float64) {
		for _, s := range part {
			sum += of(s)
		}
		return sum / float64(len(part))
	}
	middle, last = average(samples[third:2*third]), average(samples[2*third:])
	return middle, last, last <= middle*(1+mostGrowth)+slack
}

func TestLevel(t *testing.T) {
	samples := func(values ...float64) (all []sample) {
		for _, value := range values {
			all = append(all, sample{files: value})
		}
		return all
	}
	for _, test := range []struct {
		name string
		of   []sample
		want bool
	}{
		{"grows at first only", samples(1, 50, 100, 100, 100, 100), true},
		{"varies", samples(100, 90, 100, 110, 120, 90), true},
		{"grows all the time", samples(10, 20, 30, 40, 50, 60), false},
		{"too few", samples(1, 2), false},
	} {
		if middle, last, ok := level(test.of, func(s sample) float64 { return s.files }, 1); ok != test.want {
			t.Errorf("%s: level is %t for %.0f and %.0f", test.name, ok, middle, last)
		}
	}
}

// sample takes the figures of the bridge, after it has collected its garbage.
func (s *soak) sample() (taken sample, err error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	if taken.heap, err = s.figure(ctx, "heap?gc=1&debug=1", "# HeapAlloc = "); err != nil {
		return taken, err
	}
	if taken.goroutines, err = s.figure(ctx, "goroutine?debug=1", "goroutine profile: total "); err != nil {
		return taken, err
	}
	if taken.rss, err = residentBytes(s.bridge.Pid()); err != nil {
		return taken, err
	}
	if taken.files, err = openFiles(s.bridge.Pid()); err != nil {
		return taken, err
	}
	db, err := sql.Open("sqlite3", "file:"+s.bridge.Database()+"?mode=ro&_busy_timeout=5000")
	if err != nil {
		return taken, err
	}
	defer db.Close()
	return taken, errors.Join(
		db.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM matrix_queue) + (SELECT COUNT(*) FROM msn_queue)
			+ (SELECT COUNT(*) FROM intake WHERE state<>'finished')`).Scan(&taken.queued),
		db.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN state='finished' THEN LENGTH(content) ELSE 0 END), 0) FROM intake`).
			Scan(&taken.intake, &taken.contents),
		db.QueryRowContext(ctx, `SELECT COUNT(*) FROM message`).Scan(&taken.messages),
		db.QueryRowContext(ctx, `SELECT (SELECT * FROM pragma_page_count) * (SELECT * FROM pragma_page_size)`).Scan(&taken.database),
	)
}

// figure reads one figure of a profile of the bridge's.
func (s *soak) figure(ctx context.Context, profile, before string) (figure float64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.bridge.URL+"/debug/pprof/"+profile, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+soakSecret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), before); ok {
			_, err := fmt.Sscan(rest, &figure)
			_, _ = io.Copy(io.Discard, response.Body)
			return figure, err
		}
	}
	return 0, fmt.Errorf("the bridge answers %s for its %s, without %q", response.Status, profile, before)
}
