package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// gatherTimeout bounds looking at the queues for one answer.
const gatherTimeout = 10 * time.Second

// Logins are accounts of which the bridge says the same.
type Logins struct {
	Service string // its key in the config
	State   string // as the framework calls it, in lower case
	Dialect string // "" while not signed in
}

// State is what is looked up whenever somebody asks.
type State interface {
	// Logins returns how many accounts there are of each kind, and how many switchboards they have open.
	Logins() (logins map[Logins]int, switchboards int)
	// Queues returns what waits, by the name of the table.
	Queues(ctx context.Context) (map[string]Queue, error)
}

// Queue is what waits in a table.
type Queue struct {
	Rows   int
	Oldest time.Time // since when the first of them waits, zero for none
}

// state is a State as a collector.
type state struct {
	State
	log zerolog.Logger

	logins, switchboards, rows, oldest *prometheus.Desc
}

// Watch has the state of the bridge looked up whenever somebody asks for metrics. It is called once.
func (m *Metrics) Watch(of State, log zerolog.Logger) {
	if m == nil {
		return
	}
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	m.registry.MustRegister(&state{
		State: of, log: log,
		logins:       describe("logins", "Accounts of the bridge, by service, state and dialect.", "service", "state", "dialect"),
		switchboards: describe("switchboards", "Switchboards that are open."),
		rows:         describe("queue_rows", "What waits in a table.", "queue"),
		oldest:       describe("queue_oldest_seconds", "For how long the first row of a table waits, 0 for none.", "queue"),
	})
}

// Describe implements prometheus.Collector.
func (s *state) Describe(to chan<- *prometheus.Desc) {
	to <- s.logins
	to <- s.switchboards
	to <- s.rows
	to <- s.oldest
}

// Collect implements prometheus.Collector.
func (s *state) Collect(to chan<- prometheus.Metric) {
	gauge := func(of *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(of, prometheus.GaugeValue, value, labels...)
	}
	logins, switchboards := s.Logins()
	for kind, n := range logins {
		gauge(s.logins, float64(n), kind.Service, kind.State, kind.Dialect)
	}
	gauge(s.switchboards, float64(switchboards))
	ctx, cancel := context.WithTimeout(s.log.WithContext(context.Background()), gatherTimeout)
	defer cancel()
	queues, err := s.Queues(ctx)
	if err != nil {
		s.log.Warn().Err(err).Msg("Failed to look at the queues for the metrics")
		to <- prometheus.NewInvalidMetric(s.rows, err)
		return
	}
	for name, q := range queues {
		gauge(s.rows, float64(q.Rows), name)
		waits := 0.0
		if !q.Oldest.IsZero() {
			waits = max(0, time.Since(q.Oldest).Seconds())
		}
		gauge(s.oldest, waits, name)
	}
}
