package main

import "syscall"

// mostFiles returns how many files this process may have open. Go has raised the limit to the hard one.
func mostFiles() (uint64, error) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return limit.Cur, err
}
