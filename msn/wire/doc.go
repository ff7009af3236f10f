// Package wire reads and writes the commands of the MSN Messenger protocol,
// MSNP2 to MSNP18, in both directions.
//
// A connection is a sequence of lines that end in CR LF. A line is a verb of
// three capital letters (or, from the server, a three-digit error number) and
// parameters separated by single spaces. Some commands carry a payload: their
// last parameter is its length in bytes, and exactly so many bytes follow the
// line end. (protocol/00-overview.md, sections 2, 3 and 10.)
//
// The package knows nothing of sessions, transactions or servers. It is shared
// by the client (package msn) and the test server (package msntest).
package wire
