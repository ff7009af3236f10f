package bridge

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"maunium.net/go/mautrix/bridgev2/status"

	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
	"matrix-msn/msn/passport"
)

// Codes of connection problems. They are stable: status pages and other programs
// see them.
const (
	codeBadCredentials  status.BridgeStateErrorCode = "msn-bad-credentials"
	codeElsewhere       status.BridgeStateErrorCode = "msn-signed-in-elsewhere"
	codeAccountRefused  status.BridgeStateErrorCode = "msn-account-refused"
	codeStoredPassword  status.BridgeStateErrorCode = "msn-stored-password"
	codeServiceGone     status.BridgeStateErrorCode = "msn-service-not-configured"
	codeTermsOfUse      status.BridgeStateErrorCode = "msn-terms-of-use"
	codeUnknownHost     status.BridgeStateErrorCode = "msn-unknown-host"
	codeUnreachable     status.BridgeStateErrorCode = "msn-unreachable"
	codeTimeout         status.BridgeStateErrorCode = "msn-timeout"
	codeUntrusted       status.BridgeStateErrorCode = "msn-untrusted-address"
	codeCertificate     status.BridgeStateErrorCode = "msn-certificate"
	codeNoDialect       status.BridgeStateErrorCode = "msn-no-dialect"
	codeServerBusy      status.BridgeStateErrorCode = "msn-server-error"
	codeConnectionLost  status.BridgeStateErrorCode = "msn-connection-lost"
	codeServerGoingDown status.BridgeStateErrorCode = "msn-server-going-down"
)

// problem is what a user is told about a sign-in or a connection that failed.
type problem struct {
	code status.BridgeStateErrorCode
	// sentence says what happened and what to do.
	sentence string
	// state is TransientDisconnect while the bridge goes on trying, else the
	// state in which it waits for the user.
	state  status.BridgeStateEvent
	action status.BridgeStateUserAction
}

// retried reports whether the bridge tries again by itself.
func (p problem) retried() bool { return p.state == status.StateTransientDisconnect }

func (p problem) bridgeState() status.BridgeState {
	return status.BridgeState{StateEvent: p.state, Error: p.code, Message: p.sentence, UserAction: p.action}
}

// accountErrors say why a server refuses an account for good, though the password
// may be right (protocol/08-errors.md).
var accountErrors = map[int]string{
	420: "the account may not be used with this client",
	917: "the account does not belong to this service",
	923: "the account is a child's and has no consent yet",
	924: "the account's e-mail address is not verified yet",
	926: "the account is managed and may not be used with this client",
	927: "the account is suspended",
}

// whyLocked says why an account is refused.
func whyLocked(err error) string {
	if account, ok := errors.AsType[*passport.AccountError](err); ok {
		return account.Reason
	}
	var refused *msn.ServerError
	if !errors.As(err, &refused) {
		return "it does not let the account in"
	}
	if why := accountErrors[refused.Number]; why != "" {
		return why
	}
	return fmt.Sprintf("it does not let the account in (error %d)", refused.Number)
}

// problemOf says what an error of package msn means for the user of a service.
func problemOf(err error, s *service) problem {
	transient := func(code status.BridgeStateErrorCode, format string, args ...any) problem {
		return problem{code: code, state: status.StateTransientDisconnect, sentence: fmt.Sprintf(format, args...)}
	}
	var out *msn.OutError
	var dns *net.DNSError
	var refused *msn.ServerError
	var upgrade *msn.UpgradeError
	switch {
	case errors.As(err, &out):
		return problemOfOut(out, s)
	case errors.Is(err, msn.ErrBadCredentials):
		return problem{code: codeBadCredentials, state: status.StateBadCredentials, action: status.UserActionRelogin,
			sentence: fmt.Sprintf("%s refused the e-mail address or the password. Check both and log in again.", s.name)}
	case errors.Is(err, msn.ErrAccountLocked):
		return problem{code: codeAccountRefused, state: status.StateBadCredentials, action: status.UserActionRelogin,
			sentence: fmt.Sprintf("%s refused the account: %s. Put that right with the service, then log in again.",
				s.name, whyLocked(err))}
	case errors.As(err, &dns):
		return transient(codeUnknownHost, "The server %s of %s was not found. If that lasts, ask the admin of this bridge "+
			"to check the host name in the config.", cleanName(dns.Name), s.name)
	case errors.Is(err, msn.ErrUntrusted):
		return transient(codeUntrusted, "%s sent the bridge to an address that it must not use. The admin of this bridge "+
			"finds the address in the log and can allow it with network.services.%s.hosts.", s.name, s.key)
	case isCertificateError(err):
		return transient(codeCertificate, "The login server of %s shows a certificate that the bridge does not trust. For a service "+
			"with a certificate of its own, the admin of this bridge names that in network.services.%s.ca_file.", s.name, s.key)
	case errors.As(err, &upgrade):
		return transient(codeNoDialect, "%s speaks none of the versions of the protocol that the bridge offers; it asks for version %s of the client. "+
			"Ask the admin of this bridge to check network.services.%s.dialects.", s.name, cleanName(upgrade.Version.Recommended), s.key)
	case errors.Is(err, msn.ErrNoDialect):
		return transient(codeNoDialect, "%s speaks none of the versions of the protocol that the bridge offers. "+
			"Ask the admin of this bridge to check network.services.%s.dialects.", s.name, s.key)
	case isTimeout(err):
		return transient(codeTimeout, "%s does not answer. Try again in a few minutes.", s.name)
	case errors.As(err, &refused):
		return transient(codeServerBusy, "%s is busy or has trouble (error %d). Try again in a few minutes.", s.name, refused.Number)
	case errors.Is(err, msn.ErrGateway):
		return transient(codeUnreachable, "The HTTP gateway of %s does not answer as one. If that lasts, ask the admin of this bridge "+
			"to check network.services.%s.gateway.", s.name, s.key)
	case errors.Is(err, msn.ErrBusy):
		return transient(codeServerBusy, "%s is out of order or busy. Try again in a few minutes.", s.name)
	case isNetworkError(err):
		return transient(codeUnreachable, "The bridge cannot reach %s: there is no network, or the server is down. "+
			"Try again in a few minutes.", s.name)
	}
	return transient(codeConnectionLost, "The connection to %s was lost.", s.name)
}

func problemOfOut(out *msn.OutError, s *service) problem {
	switch out.Reason {
	case "OTH":
		return problem{code: codeElsewhere, state: status.StateUnknownError,
			sentence: fmt.Sprintf("Your account at %s was signed in at another place, which signed the bridge out. "+
				"The bridge stays signed out, so that the two don't throw each other out. Send `reconnect` to come back; "+
				"that ends the other session.", s.name)}
	case "TOU":
		return problem{code: codeTermsOfUse, state: status.StateBadCredentials, action: status.UserActionRelogin,
			sentence: fmt.Sprintf("%s wants its terms of use accepted. Do that on its website, then log in again.", s.name)}
	case "SSD":
		return problem{code: codeServerGoingDown, state: status.StateTransientDisconnect,
			sentence: fmt.Sprintf("The server of %s is going down for maintenance. The bridge comes back by itself.", s.name)}
	}
	return problem{code: codeConnectionLost, state: status.StateTransientDisconnect,
		sentence: fmt.Sprintf("The server of %s ended the connection. The bridge comes back by itself.", s.name)}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, msn.ErrTimeout) || errors.As(err, &timeout) && timeout.Timeout()
}

func isCertificateError(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.As(err, &verification)
}

func isNetworkError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op)
}

// errNoService says that the config does not have the service of a login.
var errNoService = errors.New("the service is not in the config")

// problemOfSetup says what keeps a login from even trying: something that the
// admin has changed.
func problemOfSetup(err error, identity msnid.Identity) problem {
	if errors.Is(err, errNoService) {
		return problem{code: codeServiceGone, state: status.StateUnknownError, sentence: fmt.Sprintf(
			"The service %q is not in the config of this bridge any more. Ask its admin to put network.services.%[1]s back.", identity.Service)}
	}
	return problem{code: codeStoredPassword, state: status.StateBadCredentials, action: status.UserActionRelogin, sentence: "" +
		"The bridge cannot read your stored password any more, because network.credential_key in its config was changed. Log in again."}
}

// serviceOrUnknown returns the service of the login, or one with its key as name
// when the config does not have it.
func (c *Client) serviceOrUnknown() *service {
	if c.service != nil {
		return c.service
	}
	return &service{key: c.identity.Service, name: c.identity.Service}
}
