package config

import (
	"fmt"
	"time"

	"matrix-msn/msn"
)

// The choices for network.services.<key>.paging. A config without it means
// pagingAuto.
const (
	pagingAuto   = "auto"   // contacts who say that they have a mobile device
	pagingAlways = "always" // anybody: the service knows PAG or PGD
	pagingNever  = "never"  // the service does not
)

func parsePaging(s string) (msn.Paging, error) {
	switch s {
	case "", pagingAuto:
		return msn.PageMobile, nil
	case pagingAlways:
		return msn.PageAnybody, nil
	case pagingNever:
		return msn.PageNobody, nil
	}
	return 0, fmt.Errorf("%q is none of auto, always and never", s)
}

// Bounds of page_grace. Errors come within a round trip; who waits for long holds
// up nothing but the answer.
const (
	shortestGrace = 100 * time.Millisecond
	longestGrace  = 5 * time.Minute
)

// parseGrace reads how long no error must come for a page to count as sent. Zero
// stands for the default of package msn.
func parseGrace(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < shortestGrace || d > longestGrace {
		return 0, fmt.Errorf("%q is no time from %v to %v; write it like 30s", s, shortestGrace, longestGrace)
	}
	return d, nil
}

// announcement is what a service is told about the client (CVR).
type announcement struct {
	identity msn.Identity
	skip     bool
}

// parseClient reads network.services.<key>.client.
func parseClient(s string) (announcement, error) {
	switch s {
	case "", "official":
		return announcement{}, nil
	case "honest":
		return announcement{identity: msn.HonestIdentity()}, nil
	case "none":
		return announcement{skip: true}, nil
	}
	return announcement{}, fmt.Errorf("%q is none of official, honest and none", s)
}
