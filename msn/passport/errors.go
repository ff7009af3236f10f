package passport

import (
	"errors"
	"fmt"

	"matrix-msn/msn/trust"
)

var (
	// ErrBadCredentials says that a login server refused account or password.
	ErrBadCredentials = errors.New("msn: the service refused the e-mail address or the password")
	// ErrAccount says that a login service does not let the account in, whatever the
	// password.
	ErrAccount = errors.New("msn: the account cannot be used as it is")
	// ErrUntrusted says that a login server named a host that must not see the
	// password.
	ErrUntrusted = trust.ErrUntrusted
	// ErrLoginServer says that a login server did not answer as one.
	ErrLoginServer = errors.New("msn: the login server gave no usable answer")
)

// RefusedError is a login server's "failed": it wraps ErrBadCredentials.
type RefusedError struct {
	// Reason is what the server says to the user (cbtxt), decoded, at most
	// MaxReason bytes; "" when it says nothing.
	Reason string
}

// Error implements error.
func (e *RefusedError) Error() string {
	if e.Reason == "" {
		return ErrBadCredentials.Error()
	}
	return fmt.Sprintf("%v: %q", ErrBadCredentials, e.Reason)
}

// Unwrap returns ErrBadCredentials.
func (e *RefusedError) Unwrap() error { return ErrBadCredentials }
