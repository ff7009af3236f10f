package postgrestest

import (
	"os"
	"os/exec"
	"syscall"

	"matrix-msn/internal/childprocess"
)

// nobody is the user who runs the server for root, whom it does not run for.
const nobody = 65534

// asNobody has a program run by somebody else than root, and ended when we die.
func asNobody(cmd *exec.Cmd) {
	childprocess.Isolate(cmd)
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		cmd.Dir = "/"
	}
}

// giveAway makes a directory that of who runs the server.
func giveAway(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(dir, nobody, nobody)
}
