package main

import "fmt"

// otherFiles is how many files the bridge has open beside the connections of accounts: its database, logs, and connections of and
// to the homeserver.
const otherFiles = 256

// tooFewFiles returns what is to be said of a limit of open files that is too small for so many accounts, or "". Each has a
// connection, and one more for each conversation that is open: half of them talk at a time where many do.
func tooFewFiles(accounts int, limit uint64) string {
	needed := uint64(accounts+accounts/2) + otherFiles
	if accounts == 0 || limit >= needed {
		return ""
	}
	return fmt.Sprintf("This process may have %d files open, and needs up to %d for the connections of %d accounts: raise the limit, by LimitNOFILE=%d "+
		"in the unit of systemd, or by ulimit -Hn %d before the start. Accounts beyond it cannot sign in", limit, needed, accounts, needed, needed)
}
