//go:build race

package build

// RaceEnabled tells whether this program was built with the race detector. Who then builds the bridge with it too sees to it that a test run with -race also watches the daemon that it talks to.
const RaceEnabled = true
