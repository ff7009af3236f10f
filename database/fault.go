package database

// Fault is what SQLite says of why it does not do something.
type Fault uint8

// The faults.
const (
	NoFault         Fault = iota // not SQLite's, or of no kind that is told apart
	FaultRefused                 // what it was given breaks a rule of a table, or is too long
	FaultNoDatabase              // the file is none, or is damaged
	FaultLocked                  // somebody else writes
	FaultReadOnly                // the file or its directory takes no writes
	FaultFull                    // the disk
	FaultAway                    // the file cannot be opened, read or written, or memory is short
)
