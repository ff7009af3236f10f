//go:build !linux

package stack

import (
	"os"
	"os/exec"
)

// isolate does nothing here: a part that outlives us is ended by Ctrl-C in the same terminal.
func isolate(*exec.Cmd) {}

// terminate asks the process to end.
func terminate(process *os.Process) error {
	return interrupt(process)
}

// interrupt asks the process to end, as Ctrl-C does.
func interrupt(process *os.Process) error {
	return process.Signal(os.Interrupt)
}

// kill ends the process at once.
func kill(process *os.Process) error {
	return process.Kill()
}
