package reason

import (
	"errors"
	"strings"

	"maunium.net/go/mautrix/bridgev2"
)

// errCodePrefix begins the codes of errors that programs get of the bridge.
const errCodePrefix = "COM.GITHUB.MATRIX_MSN."

// Answer returns what somebody who asked through the framework is told, a person or a
// program: the sentence and the code, and nothing else of what went wrong. status is that
// of HTTP. errors.Is finds err, which may be nil, in it.
func (r Reason) Answer(status int, err error) error {
	code := strings.ToUpper(strings.ReplaceAll(r.Code, "-", "_"))
	return answer{bridgev2.RespError{ErrCode: errCodePrefix + code, Err: r.Sentence, StatusCode: status}, err}
}

// answer is a bridgev2.RespError that keeps its cause for the program, where the framework
// shows it to nobody.
type answer struct {
	bridgev2.RespError
	cause error
}

// Unwrap returns the cause.
func (a answer) Unwrap() error { return a.cause }

// Said returns the sentence of an error that Answer has made.
func Said(err error) (sentence string, ok bool) {
	said, ok := errors.AsType[answer](err)
	return said.Err, ok
}

// coded is an error that others know by the code of its reason only. The framework puts the
// text of an error into events.
type coded struct {
	code  string
	cause error
}

// Error returns the code.
func (e coded) Error() string { return e.code }

// Unwrap returns the cause.
func (e coded) Unwrap() error { return e.cause }
