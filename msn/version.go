package msn

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

// Version is what the server answers to CVR (protocol/07, section 1). All fields
// are as the server wrote them, valid UTF-8 and at most 2,048 bytes each.
type Version struct {
	Recommended string // client version to use
	Minimum     string // older ones are not wanted; "" when not given
	DownloadURL string // where to get it; not checked
	InfoURL     string // not checked
}

// unrecognised is the version that servers recommend to clients that they do not
// know, and the minimum that they name when there is none (section 1.1): the first
// official client was newer.
const unrecognised = "1.0.0000"

// Unrecognised reports whether the server does not know the client.
func (v Version) Unrecognised() bool { return v.Recommended == unrecognised }

// Outdated reports whether the server wants a newer client than version own. It is
// false when either cannot be read as numbers with dots between them.
func (v Version) Outdated(own string) bool {
	return v.Minimum != unrecognised && older(own, v.Minimum)
}

// Newer reports whether the server recommends a newer client than version own. It
// is false when either cannot be read as numbers with dots between them, and when
// the server does not know the client.
func (v Version) Newer(own string) bool { return !v.Unrecognised() && older(own, v.Recommended) }

// older reports whether a is a lower version than b. Numbers of any length are
// compared as numbers, 0863 as 863, and one that is missing is 0.
func older(a, b string) bool {
	if !isVersion(a) || !isVersion(b) {
		return false
	}
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if len(x) != len(y) {
			return len(x) < len(y)
		}
		if x != y {
			return x < y
		}
	}
	return false
}

// isVersion reports whether s is numbers with dots between them.
func isVersion(s string) bool {
	for number := range strings.SplitSeq(s, ".") {
		if !clean.IsNumber(number) {
			return false
		}
	}
	return true
}

// parseVersion reads what stands behind the TrID in an answer to CVR: five fields,
// of which servers leave out some at the end. The second repeats the first. It
// reports false when there are none.
func parseVersion(args []string) (Version, bool) {
	var v Version
	for i, field := range []*string{&v.Recommended, nil, &v.Minimum, &v.DownloadURL, &v.InfoURL} {
		if field != nil && i < len(args) {
			*field = clean.Cut(args[i], clean.MaxField)
		}
	}
	return v, v.Recommended != ""
}

// versions is what the server has answered to CVR.
type versions struct {
	latest   *Version
	outdated bool // the log says that the server wants a newer client
}

// Identity returns what the Client announces.
func (c *Client) Identity() Identity { return c.cfg.Identity.or(OfficialIdentity(c.conn.Dialect())) }

// AnnounceVersion sends CVR once more and returns the answer. The error is a
// *ServerError (710 for parameters that the server does not like), wire.ErrProtocol
// for an answer without a version, ErrTimeout, or that of the connection.
func (c *Client) AnnounceVersion(ctx context.Context) (version Version, err error) {
	answer := make(chan Version, 1)
	err = c.conn.Call(ctx, c.cvr(), func(reply wire.Command) error {
		if !c.noteVersion(c.conn.Log(), c.conn.Dialect(), reply) {
			return fmt.Errorf("%w: %s without a version", wire.ErrProtocol, reply.Verb)
		}
		answer <- *c.versions.latest
		return nil
	})
	if err != nil {
		return Version{}, err
	}
	return <-answer, nil
}

func (c *Client) cvr() wire.Command { return wire.New("CVR", c.cvrArgs(c.conn.Dialect())...) }

// announceAtSignIn sends CVR where nothing depends on the answer. The connection's owner
// calls it.
func (c *Client) announceAtSignIn() {
	c.conn.Request(c.cvr(), func(reply wire.Command, err error) {
		if refused, ok := err.(*ServerError); ok {
			c.conn.Accuse(refused)
			return
		}
		if err == nil && !c.noteVersion(c.conn.Log(), c.conn.Dialect(), reply) {
			err = fmt.Errorf("%w: %s without a version", wire.ErrProtocol, reply.Verb)
		}
		if err != nil {
			c.conn.Log().Info("no answer to the client's version", "account", c.conn.Account(), "error", err)
		}
	})
}

// noteVersion keeps the answer to CVR, and tells the log once when the server wants
// another client. It reports false when the answer has no version.
func (c *Client) noteVersion(log *slog.Logger, d wire.Dialect, reply wire.Command) bool {
	version, ok := parseVersion(reply.Args[1:])
	if !ok {
		return false
	}
	c.versions.latest = &version
	if own := c.cfg.Identity.or(OfficialIdentity(d)).Version; version.Outdated(own) && !c.versions.outdated {
		c.versions.outdated = true
		log.Warn("the service wants a newer client than is announced", "account", c.cfg.Account,
			"announced", own, "minimum", version.Minimum, "recommended", version.Recommended)
	}
	return true
}

// Version returns the server's latest answer, if there was one. Up to MSNP7 the
// answer comes after Login has returned.
func (c *Client) Version() (version Version, ok bool) {
	c.conn.Query(func() {
		if c.versions.latest != nil {
			version, ok = *c.versions.latest, true
		}
	})
	return version, ok
}

// UpgradeError says that the server speaks none of the offered dialects and names
// the client that it wants (CVR0 in VER). It wraps ErrNoDialect.
type UpgradeError struct{ Version Version }

// Error implements error.
func (e *UpgradeError) Error() string {
	return fmt.Sprintf("%v: it wants a client of version %q", ErrNoDialect, e.Version.Recommended)
}

// Unwrap returns ErrNoDialect.
func (e *UpgradeError) Unwrap() error { return ErrNoDialect }
