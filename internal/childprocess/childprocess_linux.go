package childprocess

import (
	"os"
	"os/exec"
	"syscall"
)

// Isolate gives cmd a process group of its own, so that Ctrl-C in the terminal reaches only us and we can end the
// parts in their order, and has the kernel kill it when we die without having ended it.
func Isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// Terminate asks the process and those it started to end, as systemd does.
func Terminate(process *os.Process) error {
	return syscall.Kill(-process.Pid, syscall.SIGTERM)
}

// Interrupt asks the process and those it started to end, as Ctrl-C does.
func Interrupt(process *os.Process) error {
	return syscall.Kill(-process.Pid, syscall.SIGINT)
}

// Kill ends the process and those it started at once.
func Kill(process *os.Process) error {
	return syscall.Kill(-process.Pid, syscall.SIGKILL)
}
