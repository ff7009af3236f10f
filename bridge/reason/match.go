package reason

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"matrix-msn/bridge/names"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/passport"
)

// row is one line of the table.
type row struct {
	place   Place
	when    func(error) bool
	code    string
	certain bool
	as      outcome
	text    sentence
}

func (r row) reason(err error, about Subject) Reason {
	return Reason{
		Code: r.code, Certain: r.certain, Sentence: r.text(err, about),
		status: r.as.status, final: r.as.final, state: r.as.state, action: r.as.action,
	}
}

// sentence makes a sentence of an error and what it is about.
type sentence func(error, Subject) string

// say is the text of a key with marks in braces, in whose places names and numbers are put.
func say(key string) sentence { return sayWith(key) }

// sayWith is say with more marks, each with what is put in its place.
func sayWith(key string, more ...string) sentence {
	return func(err error, s Subject) string {
		again := words.Text("reason.log_in_again")
		if s.Login != "" {
			again = words.Text("reason.relogin", s.Login)
		}
		return strings.NewReplacer(append(more,
			"{again}", again, "{name}", s.Name, "{service}", s.Service, "{key}", s.ServiceKey, "{login}", s.Login, "{choices}", s.Choices,
			"{n}", numberIn(err), "{host}", hostIn(err), "{version}", versionIn(err),
		)...).Replace(words.Text(key))
	}
}

// largeFile is the text of a key with the limit of a LargeFile in the place of {size}, and another one where
// no file is small enough.
func largeFile(key, none string) sentence {
	return func(err error, s Subject) string {
		large, _ := errors.AsType[LargeFile](err)
		if large.Most == 0 {
			return say(none)(err, s)
		}
		return sayWith(key, "{size}", names.Bytes(large.Most))(err, s)
	}
}

// numberIn returns the number of a server's error.
func numberIn(err error) string {
	if refused, ok := errors.AsType[*msn.ServerError](err); ok {
		return strconv.Itoa(refused.Number)
	}
	return ""
}

// hostIn returns the host that was not found.
func hostIn(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return names.Clean(dns.Name)
	}
	return ""
}

// versionIn returns the version that the service wants.
func versionIn(err error) string {
	if upgrade, ok := errors.AsType[*msn.UpgradeError](err); ok {
		return names.Clean(upgrade.Version.Recommended)
	}
	return ""
}

// The ways in which a row matches.

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func hasType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// out matches the end of a session that the server announced with a reason.
func out(reason string) func(error) bool {
	return func(err error) bool {
		ended, ok := errors.AsType[*msn.OutError](err)
		return ok && ended.Reason == reason
	}
}

// bouncedWith matches a page that came back with one of some codes.
func bouncedWith(codes ...string) func(error) bool {
	return func(err error) bool {
		bounced, ok := errors.AsType[Bounced](err)
		return ok && slices.Contains(codes, bounced.Code)
	}
}

// isNotTaken matches a message that the database will never take.
func isNotTaken(err error) bool {
	return errors.Is(err, ErrNotTaken) || errors.Is(err, ErrBridge) && database.Refuses(err)
}

// locked matches an account that is refused for good, with the number of an error.
func locked(number int) func(error) bool {
	return func(err error) bool {
		refused, ok := errors.AsType[*msn.ServerError](err)
		return ok && errors.Is(err, msn.ErrAccountLocked) && refused.Number == number
	}
}

// lockedBy matches an account that is refused for good by an error of some type.
func lockedBy[E error](err error) bool {
	return errors.Is(err, msn.ErrAccountLocked) && hasType[E](err)
}

// invalidParameter is what services answer who do not know what they are asked for.
const invalidParameter = 201

func isInvalidParameter(err error) bool {
	refused, ok := errors.AsType[*msn.ServerError](err)
	return ok && refused.Number == invalidParameter
}

func timedOut(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, msn.ErrTimeout) || ok && timeout.Timeout()
}

// isExpired matches a certificate that is not valid at this time.
func isExpired(err error) bool {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && invalid.Reason == x509.Expired
}

// anything matches what no row before it did.
func anything(error) bool { return true }

var (
	isCertificate  = hasType[*tls.CertificateVerificationError]
	isTooLongPage  = hasType[*notify.TooLongError]
	isServerError  = hasType[*msn.ServerError]
	isPassport     = lockedBy[*passport.AccountError]
	isPastDeadline = is(context.DeadlineExceeded)
	isCancelled    = is(context.Canceled)

	isRefusedConnection = is(syscall.ECONNREFUSED)
)

// both matches an error that is two.
func both(one, other error) func(error) bool {
	return func(err error) bool { return errors.Is(err, one) && errors.Is(err, other) }
}
