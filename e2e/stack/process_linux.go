package stack

import (
	"os"
	"os/exec"
	"syscall"
)

// isolate gives cmd a process group of its own, so that Ctrl-C in the terminal reaches only us and we can end the
// parts in their order, and has the kernel kill it when we die without having ended it.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// terminate asks the process and those it started to end, as systemd does.
func terminate(process *os.Process) error {
	return syscall.Kill(-process.Pid, syscall.SIGTERM)
}

// interrupt asks the process and those it started to end, as Ctrl-C does.
func interrupt(process *os.Process) error {
	return syscall.Kill(-process.Pid, syscall.SIGINT)
}

// kill ends the process and those it started at once.
func kill(process *os.Process) error {
	return syscall.Kill(-process.Pid, syscall.SIGKILL)
}
