package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const docs = "../../docs/metrics"

// promtool is Prometheus' own checker.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: it is in Debian's package prometheus")
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = docs
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestAlertsAreRaised(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", "matrix-msn.rules.yml")
	promtool(t, "test", "rules", "matrix-msn.rules.test.yml")
}

// ours matches the metrics of the bridge in an expression.
var ours = regexp.MustCompile(`matrix_msn_[a-z_]+`)

// checkNames checks that metrics are described in the page about them.
func checkNames(t *testing.T, in string) {
	t.Helper()
	page, err := os.ReadFile(docs + ".md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range ours.FindAllString(in, -1) {
		for _, part := range []string{"_bucket", "_count", "_sum"} {
			name = strings.TrimSuffix(name, part)
		}
		if !strings.Contains(string(page), "| `"+name+"` |") {
			t.Errorf("%s is in no row of docs/metrics.md", name)
		}
	}
}

func TestAlertsAreOnMetricsThatExist(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile(filepath.Join(docs, "matrix-msn.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	checkNames(t, string(rules))
}

// Each panel of the dashboard asks for something that Prometheus understands and the bridge has.
func TestDashboard(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(docs, "grafana.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil || len(dashboard.Panels) == 0 {
		t.Fatalf("%d panels, %v", len(dashboard.Panels), err)
	}
	rules := "groups:\n  - name: dashboard\n    rules:\n"
	for n, panel := range dashboard.Panels {
		if len(panel.Targets) == 0 {
			t.Errorf("%s shows nothing", panel.Title)
		}
		for i, target := range panel.Targets {
			checkNames(t, target.Expr)
			expr := strings.ReplaceAll(target.Expr, "$__rate_interval", "5m") // Grafana does so
			rules += fmt.Sprintf("      - {record: 'panel_%d_%d', expr: %q}\n", n, i, expr)
		}
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}
