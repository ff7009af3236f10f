// Package passport proves to MSN services who a user is: the MD5 answer of
// MSNP2 to MSNP7, the Tweener tickets of MSNP8 to MSNP12, and the answers to the
// client challenge. (protocol/01-login.md)
package passport

import "errors"

// ErrBadCredentials says that a login server refused account or password.
var ErrBadCredentials = errors.New("msn: the service refused the e-mail address or the password")
