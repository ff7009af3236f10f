package main

import (
	"os"
	"runtime/debug"
)

// rushPercent is the GOGC while many logins sign in at once. What is used once and what stays are mixed in memory then: collected at
// the usual pace, what stays would be spread over twice the memory for good. It costs a third more processor time, for the
// seconds that a start takes.
const rushPercent = 25

// saveMemory returns what keeps memory small while many logins sign in at once, and gives back to the system what is free when
// that is over. Whoever sets GOGC has chosen for themselves.
func saveMemory() (rush func(begins bool)) {
	usual := 0
	return func(begins bool) {
		_, chosen := os.LookupEnv("GOGC")
		switch {
		case begins && !chosen:
			usual = debug.SetGCPercent(rushPercent)
		case begins:
		default:
			if !chosen {
				debug.SetGCPercent(usual)
			}
			go debug.FreeOSMemory()
		}
	}
}
