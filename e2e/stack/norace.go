//go:build !race

package stack

// RaceEnabled tells whether this program was built with the race detector. [Build] then builds the bridge with it
// too, so that a test run with -race also watches the daemon that it talks to.
const RaceEnabled = false
