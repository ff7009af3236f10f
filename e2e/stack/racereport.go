package stack

import (
	"os"
	"slices"
	"strings"
)

const (
	// raceStatus makes the race detector leave a program's exit status alone, so that its reports are judged by
	// what they say.
	raceStatus = "GORACE=exitcode=0"
	// raceBorder is the line around each report of the race detector.
	raceBorder = "==================\n"
	// framework is the import path under which the framework's packages are.
	framework = "maunium.net/go/mautrix/"
)

// ownFunctions begin the names of the functions of this module, those of its program included.
var ownFunctions = []string{"matrix-msn/", "main."}

// frameworkRaces are the races that the framework has with itself, whoever calls it. Each is told by how the names of
// a function on the way to one access and of a function on the way to the other begin. What is not here counts when
// a goroutine of ours makes the access: then it may be the call that is not allowed beside others.
var frameworkRaces = []struct{ one, other string }{
	// The queue's own goroutine and that of a delayed notice read and write what was sent last without a lock, beside
	// each other and beside Send.
	{framework + "bridgev2.(*BridgeStateQueue).", framework + "bridgev2.(*BridgeStateQueue)."},
	// A ghost's fields have no lock. Two updates meet when a contact's name changes while a message of the contact is
	// handled, and an update starts goroutines that copy the fields into the rooms.
	{framework + "bridgev2.(*Ghost).", framework + "bridgev2.(*Ghost)."},
	{framework + "bridgev2.(*Ghost).", framework + "bridgev2.(*Portal).lockedUpdateInfoFromGhost"},
	// A logout reads the ID of the login's space while a room that is being made sets it; only one of them locks.
	{framework + "bridgev2.(*UserLogin).deleteSpace", framework + "bridgev2.(*UserLogin).GetSpaceRoom"},
	// Nor does a status of the login, which names the space: upstream would have to read it with the lock held.
	{framework + "bridgev2.(*UserLogin).FillBridgeState", framework + "bridgev2.(*UserLogin).GetSpaceRoom"},
	// The start says that it is done by a plain variable, which each question whether the bridge is ready reads.
	{framework + "bridgev2/matrix.(*Connector).Start", framework + "appservice.(*AppService).GetReady"},
}

// raceReport returns the first report of the race detector in a log that this module has to answer for, or "". The
// framework has races of its own, which would hide ours.
func raceReport(path string) string {
	log, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for part := range strings.SplitSeq(string(log), raceBorder) {
		if report, found := strings.CutPrefix(part, "WARNING: DATA RACE\n"); found && isOwnRace(report) {
			return report
		}
	}
	return ""
}

// isOwnRace tells whether this module has to answer for a race: its code makes one of the two accesses, itself or
// through the standard library, or a goroutine that it started makes one through the framework, and it is none of
// frameworkRaces.
func isOwnRace(report string) bool {
	accesses, creations := parseRace(report)
	if slices.ContainsFunc(accesses, func(a raceStack) bool { return isOwn(a.innermost()) }) {
		return true
	}
	return !isFrameworkRace(accesses) && slices.ContainsFunc(accesses, func(a raceStack) bool {
		return slices.ContainsFunc(a.functions, isOwn) && isOwn(creations[a.goroutine].innermost())
	})
}

// isFrameworkRace tells whether the accesses are one of frameworkRaces.
func isFrameworkRace(accesses []raceStack) bool {
	if len(accesses) != 2 {
		return false
	}
	a, b := accesses[0], accesses[1]
	for _, race := range frameworkRaces {
		if a.passes(race.one) && b.passes(race.other) || a.passes(race.other) && b.passes(race.one) {
			return true
		}
	}
	return false
}

// raceStack is a stack in a report of the race detector.
type raceStack struct {
	goroutine string   // as in "goroutine 7" or "main goroutine"
	functions []string // innermost first
}

// parseRace takes a report apart: the stacks of the two accesses, and of the creation of each of their goroutines.
// Each is a paragraph with a heading; the place of a function is in a line of its own, which is indented deeper.
func parseRace(report string) (accesses []raceStack, creations map[string]raceStack) {
	creations = make(map[string]raceStack)
	for paragraph := range strings.SplitSeq(report, "\n\n") {
		heading, rest, _ := strings.Cut(strings.TrimLeft(paragraph, "\n"), "\n")
		var stack raceStack
		for line := range strings.Lines(rest) {
			if function, ok := strings.CutPrefix(line, "  "); ok && !strings.HasPrefix(function, " ") {
				stack.functions = append(stack.functions, strings.TrimSpace(function))
			}
		}
		if _, goroutine, ok := strings.Cut(heading, " by "); ok {
			stack.goroutine = strings.TrimSuffix(goroutine, ":")
			accesses = append(accesses, stack)
		} else if number, ok := strings.CutPrefix(heading, "Goroutine "); ok && strings.Contains(heading, " created at:") {
			number, _, _ = strings.Cut(number, " ")
			stack.goroutine = "goroutine " + number
			creations[stack.goroutine] = stack
		}
	}
	return accesses, creations
}

// innermost returns the function at work, which is not one of the standard library: those work for their callers.
func (s raceStack) innermost() string {
	for _, function := range s.functions {
		if !isStandard(function) {
			return function
		}
	}
	return ""
}

// passes tells whether a function whose name begins so is at work for this module's code, or for nobody's.
func (s raceStack) passes(name string) bool {
	for _, function := range s.functions {
		if isOwn(function) {
			return false
		}
		if strings.HasPrefix(function, name) {
			return true
		}
	}
	return false
}

// isOwn tells whether a function is of this module.
func isOwn(function string) bool {
	return slices.ContainsFunc(ownFunctions, func(name string) bool { return strings.HasPrefix(function, name) })
}

// isStandard tells whether a function is of the standard library: the first part of its package's path has no dot.
func isStandard(function string) bool {
	if isOwn(function) {
		return false
	}
	first, _, slash := strings.Cut(function, "/")
	return !slash || !strings.Contains(first, ".")
}
