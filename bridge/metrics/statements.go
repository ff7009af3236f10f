package metrics

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.mau.fi/util/dbutil"
)

// The database tells a second time of what it has told of already: of the end of a query's rows, and of
// whole transactions.
const (
	endRows     = "EndRows"
	transaction = "<Transaction>"
)

// statements is a logger of the database that counts what it is told.
type statements struct {
	dbutil.DatabaseLogger
	took *prometheus.HistogramVec
}

// Statements returns a logger that counts the statements of a database, and logs as the other one does.
func (m *Metrics) Statements(log dbutil.DatabaseLogger) dbutil.DatabaseLogger {
	if m == nil {
		return log
	}
	return statements{log, m.statements}
}

// QueryTiming implements dbutil.DatabaseLogger.
func (s statements) QueryTiming(ctx context.Context, method, query string, args []any, rows int, took time.Duration, err error) {
	if method != endRows && method != transaction {
		s.took.WithLabelValues(strings.ToLower(method)).Observe(took.Seconds())
	}
	s.DatabaseLogger.QueryTiming(ctx, method, query, args, rows, took, err)
}
