package bridge

import (
	"context"
	"errors"
	"fmt"

	"matrix-msn/msn"
	"matrix-msn/msn/notify"
)

// subject is what the sentences below know of what a command was to do.
type subject struct {
	target     string // whom or what it was about, for people to read
	service    string
	serviceKey string
}

// failure is one way in which a command fails.
type failure struct {
	err  error
	code string // stable, for logs and tables
	// sentence says why and what to do.
	sentence func(subject) string
}

// commonFailures are those of any command that asks the service.
var commonFailures = []failure{
	{msn.ErrNotConnected, "msn-not-connected", func(s subject) string {
		return fmt.Sprintf("The bridge is not connected to %s at the moment; it keeps trying. Try again later.", s.service)
	}},
	{msn.ErrClosed, "msn-not-connected", func(s subject) string {
		return fmt.Sprintf("The bridge has just signed out of %s. Try again later.", s.service)
	}},
	{msn.ErrTooFast, "msn-too-fast", func(s subject) string {
		return fmt.Sprintf("%s says that you do this too often. Wait a minute and try again.", s.service)
	}},
	{msn.ErrTimeout, "msn-timeout", func(s subject) string {
		return fmt.Sprintf("%s did not answer: it may not know this request. Try again in a minute.", s.service)
	}},
	{context.DeadlineExceeded, "msn-timeout", func(s subject) string {
		return fmt.Sprintf("%s did not answer in time. Try again in a minute.", s.service)
	}},
	{context.Canceled, "msn-not-connected", func(s subject) string {
		return fmt.Sprintf("The bridge has just signed out of %s. Try again later.", s.service)
	}},
}

// callFailures are the ways in which a contact does not come into a group chat.
var callFailures = []failure{
	{errBridge, "msn-bridge-trouble", func(s subject) string {
		return fmt.Sprintf("%s was not called: the bridge could not read who is in the conversation. Try again; if that lasts, tell the admin of this bridge.", s.target)
	}},
	{msn.ErrArgument, "msn-not-callable", func(s subject) string {
		return fmt.Sprintf("%s cannot be called into this conversation.", s.target)
	}},
	{msn.ErrBlocked, "msn-blocked", func(s subject) string {
		return fmt.Sprintf("%s has blocked you and does not come into the conversation.", s.target)
	}},
	{msn.ErrOffline, "msn-offline", func(s subject) string {
		return fmt.Sprintf("%s is offline, or takes no calls from you, and does not hear what is said in the conversation.", s.target)
	}},
	{msn.ErrNoSuchContact, "msn-no-such-account", func(s subject) string {
		return fmt.Sprintf("%s knows no account %s. Check the address.", s.service, s.target)
	}},
	{msn.ErrNoAnswer, "msn-no-answer", func(s subject) string {
		return fmt.Sprintf("%s was called and did not come into the conversation.", s.target)
	}},
	{msn.ErrHidden, "msn-hidden", func(s subject) string {
		return fmt.Sprintf("%s starts no conversations while you appear offline. Go online first.", s.service)
	}},
	{msn.ErrSwitchboard, "msn-session-refused", func(s subject) string {
		return fmt.Sprintf("%s refused to open a conversation. Try again in a minute.", s.service)
	}},
}

// circleFailures are the ways in which a circle is not changed.
var circleFailures = []failure{
	{msn.ErrUncertain, "msn-uncertain", func(s subject) string {
		return fmt.Sprintf("%s may or may not have done it: the connection was lost before it answered. `!circles` shows what is.", s.service)
	}},
	{msn.ErrTooLong, "msn-too-long", func(subject) string {
		return fmt.Sprintf("The text of the invitation is longer than %d bytes. Shorten it; nobody was invited.", msn.MaxRequest)
	}},
	{msn.ErrCircleMember, "msn-circle-member", func(s subject) string {
		return fmt.Sprintf("%s belongs to this circle already.", s.target)
	}},
	{msn.ErrArgument, "msn-circle-argument", func(s subject) string {
		return fmt.Sprintf("That cannot be done with %s. `!circles` shows how your circles are now.", s.target)
	}},
	{msn.ErrCircle, "msn-circle", func(s subject) string {
		return fmt.Sprintf("You do not belong to this circle any more: nothing was done about %s. `!circles` shows yours.", s.target)
	}},
	{msn.ErrNoSuchContact, "msn-no-such-account", func(s subject) string {
		return fmt.Sprintf("%s knows no account %s. Check the address.", s.service, s.target)
	}},
	{msn.ErrDialect, "msn-dialect", func(s subject) string {
		return fmt.Sprintf("The version of the protocol that is spoken with %s carries no circles.", s.service)
	}},
	{msn.ErrBusy, "msn-busy", func(s subject) string {
		return fmt.Sprintf("%s did not do it: it is out of order, or does not let you.", s.service)
	}},
}

// pageFailures are the ways in which a page is not sent.
var pageFailures = []failure{
	{msn.ErrUncertain, "msn-uncertain", func(s subject) string {
		return fmt.Sprintf("The connection to %s was lost right after the page to %s was sent. It may or may not have gone out.", s.service, s.target)
	}},
	{errPageNotSent, "msn-not-sent", func(s subject) string {
		return fmt.Sprintf("The page to %s was not sent: the bridge was stopped before. Send it again.", s.target)
	}},
	{errBridge, "msn-bridge-trouble", func(subject) string {
		return "The page was not sent: the bridge could not store it. Try again; if that lasts, tell the admin of this bridge."
	}},
	{msn.ErrNoMobile, "msn-no-mobile", func(s subject) string {
		return fmt.Sprintf("%s has no mobile device that takes pages, or does not let you page it. The page was not sent.", s.target)
	}},
	{msn.ErrNoPaging, "msn-no-paging", func(s subject) string {
		return fmt.Sprintf("%s does not page mobile devices. The page was not sent. If the service does, the admin of this bridge "+
			"can say so with network.services.%s.paging: always.", s.service, s.serviceKey)
	}},
	{msn.ErrDialect, "msn-dialect", func(s subject) string {
		return fmt.Sprintf("The version of the protocol that %s speaks pages contacts only, no numbers. Name the contact by their address.", s.service)
	}},
	{msn.ErrPageRefused, "msn-page-refused", func(s subject) string {
		return fmt.Sprintf("The page was not accepted: %s does not take pages from you, or %s does not let you send this one.", s.target, s.service)
	}},
	{msn.ErrPageFailed, "msn-page-failed", func(s subject) string {
		return fmt.Sprintf("The page to %s could not be sent, perhaps because you send too fast. Wait a minute and try again.", s.target)
	}},
	{msn.ErrPagingUnavailable, "msn-paging-unavailable", func(s subject) string {
		return fmt.Sprintf("Paging is not available at %s at the moment, or not at all. The page to %s was not sent.", s.service, s.target)
	}},
	{msn.ErrEmpty, "msn-empty", func(subject) string {
		return "The page holds no text. Write it behind the command."
	}},
	{notify.ErrEmptyPage, "msn-empty", func(subject) string {
		return "The page holds no text. Write it behind the command."
	}},
	{notify.ErrPageText, "msn-page-characters", func(subject) string {
		return "The page was not sent: it holds characters that no page can carry, such as control characters. Leave them out."
	}},
	{notify.ErrCallback, "msn-callback", func(subject) string {
		return "The page was not sent: the number to call back must have 1 to 20 digits. Write it like --callback home=15551112222."
	}},
	{msn.ErrArgument, "msn-page-target", func(s subject) string {
		return fmt.Sprintf("%s is neither an MSN account nor a telephone number that can be paged. Write the number like +15551112222.", s.target)
	}},
}

// errPageNotSent: the bridge was stopped before a page went out.
var errPageNotSent = errors.New("the bridge was stopped before the page was sent")

// invitationFailures are the ways in which no invitation is mailed.
var invitationFailures = []failure{
	{msn.ErrArgument, "msn-invalid-address", func(s subject) string {
		return fmt.Sprintf("%s is no e-mail address that %s can mail to. Nothing was sent.", s.target, s.service)
	}},
	{msn.ErrTooLong, "msn-too-long", func(subject) string {
		return fmt.Sprintf("The text of the invitation is longer than %d bytes. Shorten it; nothing was sent.", msn.MaxInvitationText)
	}},
	{msn.ErrDialect, "msn-dialect", func(s subject) string {
		return fmt.Sprintf("The version of the protocol that %s speaks carries no text with an invitation. Nothing was sent; "+
			"try it without the text.", s.service)
	}},
	{msn.ErrUncertain, "msn-uncertain", func(s subject) string {
		return fmt.Sprintf("%s has not confirmed the invitation to %s: it may or may not have been mailed. Ask them before you send it again.", s.service, s.target)
	}},
}

// linkFailures are the ways in which the service gives no link.
var linkFailures = []failure{
	{msn.ErrNoSuchURL, "msn-no-such-link", func(s subject) string {
		return fmt.Sprintf("%s is no page of the service. There are %s.", s.target, urlNames())
	}},
	{msn.ErrArgument, "msn-link-argument", func(s subject) string {
		return fmt.Sprintf("The argument to %s cannot be sent. COMPOSE takes an e-mail address; PROFILE, PERSON, CHAT, N2PACCOUNT and N2PFUND take "+
			"a language such as 0x0409; the others take nothing, as in `!url INBOX`.", s.target)
	}},
}

// searchFailures are the ways in which the directory is not searched.
var searchFailures = []failure{
	{msn.ErrSearchDisabled, "msn-search-disabled", func(s subject) string {
		return fmt.Sprintf("%s does not search its directory of members: that was switched off for all versions of Messenger in 2003. "+
			"Ask people for their address and use `start-chat` with it.", s.service)
	}},
	{msn.ErrArgument, "msn-search-argument", func(subject) string {
		return "A first and a last name are needed, as in `!find Bob Builder`; they may not be `*`."
	}},
}

// explain says why a command failed: the code and the sentence of the first row
// that matches, of its own table and then of the common one.
func explain(err error, own []failure, s subject) (code, sentence string) {
	var tooLong *notify.TooLongError
	if errors.As(err, &tooLong) {
		return "msn-page-too-long", fmt.Sprintf("The page has %d characters, and at most %d fit. Shorten it by %d; it was not sent.",
			tooLong.Count, notify.MaxPageText, tooLong.Count-notify.MaxPageText)
	}
	for _, table := range [][]failure{own, commonFailures} {
		for _, row := range table {
			if errors.Is(err, row.err) {
				return row.code, row.sentence(s)
			}
		}
	}
	var refused *msn.ServerError
	if errors.As(err, &refused) {
		return "msn-server-error", fmt.Sprintf("%s refused it (error %d). Try again later.", s.service, refused.Number)
	}
	return "msn-error", fmt.Sprintf("%s did something unexpected. Try again later; the admin of this bridge finds more in the log.", s.service)
}

// subject returns what sentences about target need.
func (c *Client) subject(target string) subject {
	return subject{target: target, service: c.serviceOrUnknown().name, serviceKey: c.identity.Service}
}
