// Package metrics counts what the bridge does, for Prometheus, and serves that on an address of its own.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// namespace is what the names of all metrics of the bridge begin with.
const namespace = "matrix_msn"

// Metrics are what one bridge counts. Its methods may be called from any goroutine. The nil Metrics counts
// nothing.
type Metrics struct {
	registry *prometheus.Registry

	messages   *prometheus.CounterVec
	hops       *prometheus.HistogramVec
	signIns    *prometheus.HistogramVec
	underWay   *prometheus.GaugeVec
	transfers  *prometheus.CounterVec
	bytes      *prometheus.CounterVec
	requests   *prometheus.HistogramVec
	statements *prometheus.HistogramVec
	pushed     prometheus.Counter
}

// Direction is which way something goes.
type Direction string

// The directions.
const (
	ToMSN    Direction = "to_msn"
	ToMatrix Direction = "to_matrix"
)

// Outcome is what became of a message or a file.
type Outcome string

// The outcomes. Kept is not the last one of a message: it is delivered or fails later.
const (
	Delivered Outcome = "delivered"
	Kept      Outcome = "kept"      // the bridge keeps it for an offline recipient
	Uncertain Outcome = "uncertain" // it may have arrived
	Failed    Outcome = "failed"    // somebody was told that it did not arrive
	Unwanted  Outcome = "unwanted"  // of somebody who is blocked, or a repeat
)

// OutcomeOf returns Delivered for no error, and Failed for any.
func OutcomeOf(err error) Outcome {
	if err != nil {
		return Failed
	}
	return Delivered
}

// Hop is a part of the way of a message whose time is taken.
type Hop string

// The hops.
const (
	// HopIntake is from when an event of the homeserver is on disk to when the framework is given it.
	HopIntake Hop = "intake"
	// HopToMSN is from when a message is in its queue to when the service has acknowledged it. What waits for its
	// recipient is not among them.
	HopToMSN Hop = "to_msn"
	// HopToMatrix is from when a message has come from the service to when the homeserver has it.
	HopToMatrix Hop = "to_matrix"
)

// The buckets, in seconds: of what takes milliseconds when all is well, of what a person waits for, and of single
// statements.
var (
	hopBuckets       = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	signInBuckets    = []float64{.1, .25, .5, 1, 2.5, 5, 10, 20, 40, 60}
	statementBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .1, .5, 1, 5}
)

// New returns the Metrics of a bridge of a version.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		messages: counters("messages_total", "Messages that were dealt with, by direction and outcome.", "direction", "outcome"),
		hops:     histograms("hop_seconds", "How long messages take for a part of their way.", hopBuckets, "hop"),
		signIns:  histograms("sign_in_seconds", "How long it takes to sign in to a service, the wait for a turn not counted.", signInBuckets, "service", "outcome"),
		underWay: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "transfers", Help: "Files that are under way now.",
		}, []string{"direction"}),
		transfers:  counters("transfers_total", "Files that were dealt with, by direction and outcome.", "direction", "outcome"),
		bytes:      counters("transferred_bytes_total", "Bytes of files that were delivered.", "direction"),
		requests:   histograms("homeserver_request_seconds", "How long the homeserver takes to answer, by the status of its answer; \"error\" where there was none.", hopBuckets, "code"),
		statements: histograms("database_statement_seconds", "How long statements of the database take, and the begin and end of transactions.", statementBuckets, "kind"),
		pushed: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "homeserver_events_total", Help: "Events that the homeserver has pushed and that concern the bridge.",
		}),
	}
	built := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "The version of the bridge; always 1.", ConstLabels: prometheus.Labels{"version": version},
	})
	built.Set(1)
	m.registry.MustRegister(
		m.messages, m.hops, m.signIns, m.underWay, m.transfers, m.bytes, m.requests, m.statements, m.pushed, built,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	// What has not happened yet is 0 and not absent: rules can count on it.
	for _, d := range []Direction{ToMSN, ToMatrix} {
		m.underWay.WithLabelValues(string(d))
		m.bytes.WithLabelValues(string(d))
		for _, o := range []Outcome{Delivered, Failed} {
			m.messages.WithLabelValues(string(d), string(o))
			m.transfers.WithLabelValues(string(d), string(o))
		}
	}
	for _, h := range []Hop{HopIntake, HopToMSN, HopToMatrix} {
		m.hops.WithLabelValues(string(h))
	}
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

// Message counts a message.
func (m *Metrics) Message(way Direction, became Outcome) {
	if m != nil {
		m.messages.WithLabelValues(string(way), string(became)).Inc()
	}
}

// Hop notes that something has come a part of its way which began at a time. A zero time, which is not known, is
// passed over.
func (m *Metrics) Hop(over Hop, began time.Time) {
	if m != nil && !began.IsZero() {
		m.hops.WithLabelValues(string(over)).Observe(time.Since(began).Seconds())
	}
}

// Pushed counts events that the homeserver has pushed.
func (m *Metrics) Pushed(events int) {
	if m != nil {
		m.pushed.Add(float64(events))
	}
}

// SignIn notes how long it took to sign in to a service, or to fail.
func (m *Metrics) SignIn(service string, took time.Duration, err error) {
	if m == nil {
		return
	}
	became := "signed_in"
	if err != nil {
		became = "failed"
	}
	m.signIns.WithLabelValues(service, became).Observe(took.Seconds())
}

// Transfer notes that a file of so many bytes is under way. It is over when ended is called, once.
func (m *Metrics) Transfer(way Direction, bytes uint64) (ended func(Outcome)) {
	if m == nil {
		return func(Outcome) {}
	}
	m.underWay.WithLabelValues(string(way)).Inc()
	return func(became Outcome) {
		m.underWay.WithLabelValues(string(way)).Dec()
		m.transfers.WithLabelValues(string(way), string(became)).Inc()
		if became == Delivered {
			m.bytes.WithLabelValues(string(way)).Add(float64(bytes))
		}
	}
}
