//go:build race

package bridge

// raceDetector is set where the race detector runs, which multiplies what everything costs.
const raceDetector = true
