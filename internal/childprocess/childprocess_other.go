//go:build !linux

package childprocess

import (
	"os"
	"os/exec"
)

// Isolate does nothing here: a part that outlives us is ended by Ctrl-C in the same terminal.
func Isolate(*exec.Cmd) {}

// Terminate asks the process to end.
func Terminate(process *os.Process) error {
	return Interrupt(process)
}

// Interrupt asks the process to end, as Ctrl-C does.
func Interrupt(process *os.Process) error {
	return process.Signal(os.Interrupt)
}

// Kill ends the process at once.
func Kill(process *os.Process) error {
	return process.Kill()
}
