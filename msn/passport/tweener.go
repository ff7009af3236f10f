package passport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"matrix-msn/msn/soap"
)

const (
	// maxRedirects is how often a login may be sent on. The original service
	// did it once, to the login server of the account's mail domain.
	maxRedirects = 5
	// maxTicket is the longest ticket in bytes: it has to fit into a USR line
	// with room to spare; real ones have 20 to some 600.
	maxTicket = 4096
	// maxLoginBody is how much of an answer's body is read away, so that the
	// connection ends in good order. Nothing in it is of use.
	maxLoginBody = 64 << 10
	// MaxResponseHeader is the longest header of an answer in bytes that a
	// Transport should accept; see http.Transport.
	MaxResponseHeader = 32 << 10
)

// Tweener gets login tickets over HTTPS, from MSNP8 to MSNP14
// (protocol/01-login.md, section 3.2).
type Tweener struct {
	// NexusURL is where the address of the login server is asked for.
	NexusURL string
	// Client sends the requests. Its CheckRedirect is not used.
	Client *http.Client
	// Nexus remembers what the nexus server says, for others too who sign in. It may be nil.
	Nexus *Nexus
	// Allow decides, before each request, whether its address may be used. The
	// password goes to whatever it lets pass: it must insist on https. An error
	// that it returns is wrapped by that of Ticket.
	Allow func(*url.URL) error
}

// Ticket signs in and returns the ticket for "USR trid TWN S". policy is the
// string that the server sent in its own USR S.
//
// The error is a *RefusedError when the account or the password is wrong; it
// wraps that of Allow when an address was refused, ErrLoginServer when an answer
// made no sense, and the error of the connection or of ctx otherwise.
func (t *Tweener) Ticket(ctx context.Context, account, password, policy string) (string, error) {
	login, err := t.loginURL(ctx)
	if err != nil {
		return "", err
	}
	ticket, err := t.ticketFrom(ctx, login, account, password, policy)
	if _, refused := errors.AsType[*RefusedError](err); err != nil && !refused {
		t.Nexus.forget() // the next who sign in ask again
	}
	return ticket, err
}

// ticketFrom signs in at a login server.
func (t *Tweener) ticketFrom(ctx context.Context, login *url.URL, account, password, policy string) (string, error) {
	credentials := Credentials{Account: account, Password: password, Policy: policy}.String()
	for range maxRedirects + 1 {
		answer, err := t.get(ctx, login, credentials)
		if err != nil {
			return "", err
		}
		ticket, next, err := read(answer)
		if refused, ok := errors.AsType[*RefusedError](err); ok {
			refused.Reason = without(refused.Reason, password)
		}
		if err != nil || ticket != "" {
			return ticket, err
		}
		from := login
		if login, err = from.Parse(next); err != nil {
			return "", fmt.Errorf("%w: it leads to an address that is none", ErrLoginServer)
		}
		if t.Allow(login) == nil && soap.Downgrades(from, login) {
			return "", fmt.Errorf("%w: it leads from https to %s", ErrLoginServer, login.Scheme)
		}
	}
	return "", fmt.Errorf("%w: more than %d redirects", ErrLoginServer, maxRedirects)
}

// loginURL asks the nexus server where to sign in.
func (t *Tweener) loginURL(ctx context.Context) (*url.URL, error) {
	if login := t.Nexus.login(t.NexusURL); login != nil {
		return login, nil
	}
	nexus, err := url.Parse(t.NexusURL)
	if err != nil {
		return nil, fmt.Errorf("msn: nexus address: %w", err)
	}
	answer, err := t.get(ctx, nexus, "")
	if err != nil {
		return nil, err
	}
	urls, ok := ParseURLs(answer.Header.Get(HeaderURLs))
	if !ok {
		return nil, fmt.Errorf("%w: %s (status %d) names no login address", ErrLoginServer, nexus.Host, answer.StatusCode)
	}
	login, err := url.Parse(urls.Login)
	if err != nil {
		return nil, fmt.Errorf("%w: %s names a login address that is none", ErrLoginServer, nexus.Host)
	}
	if t.Allow(login) == nil && soap.Downgrades(nexus, login) {
		return nil, fmt.Errorf("%w: %s names a login address without https", ErrLoginServer, nexus.Host)
	}
	t.Nexus.remember(t.NexusURL, login)
	return login, nil
}

// get sends one request. The body of the answer is read away.
func (t *Tweener) get(ctx context.Context, to *url.URL, authorization string) (*http.Response, error) {
	if err := t.Allow(to); err != nil {
		return nil, fmt.Errorf("msn: login server %q: %w", to.Host, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("msn: login server: %w", err)
	}
	if authorization != "" {
		request.Header.Set(HeaderAuthorization, authorization)
	}
	client := *t.Client
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("msn: login server: %w", withoutURL(err))
	}
	// An error while reading the rest away changes nothing: the header is here.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxLoginBody))
	_ = answer.Body.Close()
	return answer, nil
}

// withoutURL strips the request's address off an error of net/http: login
// addresses can carry state that does not belong into logs.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// read makes of an answer a ticket, the address to try next, or an error.
func read(answer *http.Response) (ticket, next string, err error) {
	for _, name := range []string{HeaderInfo, HeaderRefused} {
		for _, value := range answer.Header.Values(name) {
			info, ok := ParseInfo(value)
			if !ok {
				continue
			}
			switch info.Status {
			case StatusSuccess:
				if info.Ticket == "" || len(info.Ticket) > maxTicket || strings.ContainsAny(info.Ticket, " \r\n\x00") {
					return "", "", fmt.Errorf("%w: success without a usable ticket", ErrLoginServer)
				}
				return info.Ticket, "", nil
			case StatusFailed:
				return "", "", &RefusedError{Reason: info.Reason}
			}
		}
	}
	switch answer.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if location := answer.Header.Get("Location"); location != "" {
			return "", location, nil
		}
	case http.StatusUnauthorized:
		return "", "", &RefusedError{}
	}
	return "", "", fmt.Errorf("%w: status %d", ErrLoginServer, answer.StatusCode)
}
