package msntest

import "context"

// TB is the part of testing.TB that NewServer needs; programs that use this
// package then do not carry package testing.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
	Context() context.Context
}

// NewServer starts a server on loopback with free ports that is closed when the
// test and its subtests are over. It fails the test if that is not possible.
func NewServer(tb TB, opts ...Option) *Server {
	tb.Helper()
	// The context of a test ends before its Cleanup functions run; clients that
	// are closed there shall still find their server.
	s, err := Start(context.WithoutCancel(tb.Context()), opts...)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	tb.Cleanup(s.Close)
	return s
}
