package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// middle returns the middle of each figure of several rounds.
func middle(of []result) (m result) {
	for w := range m.flows {
		m.flows[w] = flow{
			p50: median(of, func(r result) time.Duration { return r.flows[w].p50 }), p99: median(of, func(r result) time.Duration { return r.flows[w].p99 }),
			besideP50: median(of, func(r result) time.Duration { return r.flows[w].besideP50 }), besideP99: median(of, func(r result) time.Duration { return r.flows[w].besideP99 }),
			rate: median(of, func(r result) float64 { return r.flows[w].rate }), cpu: median(of, func(r result) float64 { return r.flows[w].cpu }),
			allocs: median(of, func(r result) float64 { return r.flows[w].allocs }), statements: median(of, func(r result) float64 { return r.flows[w].statements }),
		}
	}
	m.resident = median(of, func(r result) float64 { return r.resident })
	return m
}

func median[T cmp.Ordered](of []result, figure func(result) T) T {
	var all []T
	for _, r := range of {
		all = append(all, figure(r))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// printTable prints the two beside each other, in Markdown, with the ratio of the first to the second.
func printTable(w io.Writer, database string, ours, bare result) {
	fmt.Fprintf(w, "\n| %s | matrix-msn | bare | ratio |\n|---|---|---|---|\n", database)
	row := func(what, unit string, a, b float64) {
		fmt.Fprintf(w, "| %s | %.4g %s | %.4g %s | %.2f |\n", what, a, unit, b, unit, a/b)
	}
	for i, a := range ours.flows {
		b := bare.flows[i]
		name := way(i).String()
		row(name+": half of the texts within", "ms", ms(a.p50), ms(b.p50))
		row(name+": 99 % of the texts within", "ms", ms(a.p99), ms(b.p99))
		row(name+": half, while one room hangs", "ms", ms(a.besideP50), ms(b.besideP50))
		row(name+": 99 %, while one room hangs", "ms", ms(a.besideP99), ms(b.besideP99))
		row(name+": all at once", "/s", a.rate, b.rate)
		row(name+": processor for each text", "ms", 1000*a.cpu, 1000*b.cpu)
		row(name+": allocations for each text", "", a.allocs, b.allocs)
		row(name+": statements for each text", "", a.statements, b.statements)
	}
	row("memory at the end", "MB", ours.resident/1e6, bare.resident/1e6)
}

// ms returns a time in milliseconds.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
