//go:build !cgo

package database

// FaultOf returns what SQLite says in an error: nothing, because a program without cgo has no SQLite.
func FaultOf(error) Fault { return NoFault }
