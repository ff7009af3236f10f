package reason

import (
	"crypto/x509"
	"errors"
	"net"

	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/passport"
)

// outcome is what others than people are told.
type outcome struct {
	status event.MessageStatusReason
	final  bool
	state  status.BridgeStateEvent
	action status.BridgeStateUserAction
}

// Outcomes of messages, as Matrix names them.
var (
	generic      = outcome{status: event.MessageStatusGenericError}
	network      = outcome{status: event.MessageStatusNetworkError}
	unavailable  = outcome{status: event.MessageStatusBridgeUnavailable}
	unsupported  = outcome{status: event.MessageStatusUnsupported}
	notCarried   = outcome{status: event.MessageStatusUnsupported, final: true}
	noPermission = outcome{status: event.MessageStatusNoPermission}
	tooLate      = outcome{status: event.MessageStatusTooOld}
)

// Outcomes of connections.
var (
	retried = outcome{state: status.StateTransientDisconnect} // the bridge goes on trying
	relogin = outcome{state: status.StateBadCredentials, action: status.UserActionRelogin}
	waiting = outcome{state: status.StateUnknownError} // for the user, or the admin
)

// answered is the outcome of what a command asked for: nobody else is told.
var answered outcome

// What a row says of whether something was done all the same.
const (
	certain   = true // it was not
	uncertain = false
)

// CodeElsewhere is the code of an account that was signed in at another endpoint.
const CodeElsewhere = "msn-signed-in-elsewhere"

// CodeCarriesNothing is the code of an account that is signed in, and of which the service carries no texts.
const CodeCarriesNothing = "msn-carries-nothing"

const (
	codePageTooLong = "msn-page-too-long"
	codeServerError = "msn-server-error"
	codeTrouble     = "msn-bridge-trouble"
)

// table is all that can go wrong. Of the rows of a place the first that matches counts.
var table = []row{
	// Signing in, and being signed in.
	{Connection, is(config.ErrNoService), "msn-service-not-configured", certain, waiting, say("reason.connection.no_service")},
	{Connection, is(msnid.ErrLongID), "msn-address-too-long", certain, waiting, say("reason.connection.long_id")},
	{Connection, is(config.ErrCredentials), "msn-stored-password", certain, relogin, say("reason.connection.credentials")},
	{Connection, out("OTH"), CodeElsewhere, certain, waiting, say("reason.connection.out_oth")},
	{Connection, is(ErrCarriesNothing), CodeCarriesNothing, certain, retried, say("reason.connection.carries_nothing")},
	{Connection, out("TOU"), "msn-terms-of-use", certain, relogin, say("reason.connection.out_tou")},
	{Connection, out("SSD"), "msn-server-going-down", certain, retried, say("reason.connection.out_ssd")},
	{Connection, hasType[*msn.OutError], "msn-connection-lost", certain, retried, say("reason.connection.out_error")},
	{Connection, is(msn.ErrTicket), "msn-ticket-refused", certain, retried, say("reason.connection.ticket")},
	{Connection, is(msn.ErrBadCredentials), "msn-bad-credentials", certain, relogin, say("reason.connection.bad_credentials")},
	{Connection, isPassport, "msn-account-refused", certain, relogin, func(err error, s Subject) string {
		account, _ := errors.AsType[*passport.AccountError](err)
		s.Choices = account.Reason
		return say("reason.refused.account")(err, s)
	}},
	{Connection, locked(420), "msn-account-refused", certain, relogin, say("reason.refused.not_this_client")},
	{Connection, locked(917), "msn-account-refused", certain, relogin, say("reason.refused.not_this_service")},
	{Connection, locked(923), "msn-account-refused", certain, relogin, say("reason.refused.child")},
	{Connection, locked(924), "msn-account-refused", certain, relogin, say("reason.refused.not_verified")},
	{Connection, locked(926), "msn-account-refused", certain, relogin, say("reason.refused.managed")},
	{Connection, locked(927), "msn-account-refused", certain, relogin, say("reason.refused.suspended")},
	{Connection, lockedBy[*msn.ServerError], "msn-account-refused", certain, relogin, say("reason.refused.with_number")},
	{Connection, is(msn.ErrAccountLocked), "msn-account-refused", certain, relogin, say("reason.refused.otherwise")},
	{Connection, hasType[*net.DNSError], "msn-unknown-host", certain, retried, say("reason.connection.dns_error")},
	{Connection, is(msn.ErrUntrusted), "msn-untrusted-address", certain, retried, say("reason.connection.untrusted")},
	{Connection, isCertificate, "msn-certificate", certain, retried, say("reason.connection.certificate")},
	{Connection, hasType[*msn.UpgradeError], "msn-no-dialect", certain, retried, say("reason.connection.upgrade_error")},
	{Connection, is(msn.ErrNoDialect), "msn-no-dialect", certain, retried, say("reason.connection.no_dialect")},
	{Connection, timedOut, "msn-timeout", certain, retried, say("reason.connection.timed_out")},
	{Connection, isServerError, codeServerError, certain, retried, say("reason.connection.server_error")},
	{Connection, is(msn.ErrGateway), "msn-unreachable", certain, retried, say("reason.connection.gateway")},
	{Connection, is(msn.ErrBusy), codeServerError, certain, retried, say("reason.connection.busy")},
	{Connection, hasType[*net.OpError], "msn-unreachable", certain, retried, say("reason.connection.op_error")},
	{Connection, anything, "msn-connection-lost", certain, retried, say("reason.connection.otherwise")},

	// A service that is tried out for the admin. {name} is the setting with the address.
	{Check, hasType[*net.DNSError], "msn-unknown-host", certain, answered, say("reason.check.dns_error")},
	{Check, isExpired, "msn-certificate", certain, answered, say("reason.check.expired")},
	{Check, hasType[x509.HostnameError], "msn-certificate", certain, answered, say("reason.check.other_name")},
	{Check, isCertificate, "msn-certificate", certain, answered, say("reason.check.certificate")},
	{Check, is(msn.ErrUntrusted), "msn-untrusted-address", certain, answered, say("reason.check.untrusted")},
	{Check, is(msn.ErrNoDialect), "msn-no-dialect", certain, answered, say("reason.check.no_dialect")},
	{Check, is(msn.ErrGateway), "msn-unreachable", certain, answered, say("reason.check.gateway")},
	{Check, timedOut, "msn-timeout", certain, answered, say("reason.check.timed_out")},
	{Check, isRefusedConnection, "msn-unreachable", certain, answered, say("reason.check.refused_connection")},
	{Check, is(msn.ErrRefused), "msn-unreachable", certain, answered, say("reason.check.refused")},
	{Check, is(msn.ErrConfig), "msn-address", certain, answered, say("reason.check.config")},
	{Check, anything, "msn-unreachable", certain, answered, say("reason.check.otherwise")},

	// Messages from Matrix to people on MSN.
	{Message, is(ErrReaction), "msn-unsupported", certain, notCarried, say("reason.message.reaction")},
	{Message, is(ErrRedaction), "msn-unsupported", certain, notCarried, say("reason.message.redaction")},
	{Message, is(ErrNoFile), "msn-unsupported", certain, notCarried, say("reason.message.no_file")},
	{Message, is(ErrMedia), "msn-unsupported", certain, notCarried, say("reason.message.media")},
	{Message, is(ErrWordsOnly), "msn-unsupported", certain, notCarried, say("reason.message.words_only")},
	{Message, is(ErrNamedOnly), "msn-unsupported", certain, notCarried, say("reason.message.named_only")},
	{Message, is(ErrNoFiles), "msn-no-files", certain, unsupported, say("reason.message.no_files")},
	{Message, is(ErrOldMessenger), "msn-no-files", certain, unsupported, say("reason.message.old_messenger")},
	{Message, hasType[LargeFile], "msn-file-too-large", certain, unsupported, largeFile("reason.message.large_file", "reason.message.no_files_at_all")},
	{Message, is(ErrFileOffline), "msn-offline", certain, generic, say("reason.message.file_offline")},
	{Message, is(ErrFileUnread), "msn-file-unread", certain, generic, say("reason.message.file_unread")},
	{Message, is(ErrFileStopped), "msn-uncertain", uncertain, generic, say("reason.message.file_stopped")},
	{Message, is(msn.ErrDeclined), "msn-file-declined", certain, noPermission, say("reason.message.declined")},
	{Message, is(msn.ErrCancelled), "msn-file-cancelled", certain, generic, say("reason.message.file_cancelled")},
	{Message, is(msn.ErrSilent), "msn-file-silent", certain, generic, say("reason.message.silent")},
	{Message, is(msn.ErrUnconfirmed), "msn-uncertain", uncertain, network, say("reason.message.unconfirmed")},
	{Message, is(msn.ErrGone), "msn-file-gone", certain, network, say("reason.message.gone")},
	{Message, is(msn.ErrBroken), "msn-file-broken", certain, network, say("reason.message.broken")},
	{Message, is(msn.ErrManyFiles), "msn-many-files", certain, generic, say("reason.message.many_files")},
	{Message, is(ErrCall), "msn-unsupported", certain, notCarried, say("reason.message.call")},
	{Message, is(ErrVote), "msn-unsupported", certain, notCarried, say("reason.message.vote")},
	{Message, is(ErrLiveLocation), "msn-unsupported", certain, notCarried, say("reason.message.live_location")},
	{Message, is(ErrVerification), "msn-unsupported", certain, notCarried, say("reason.message.verification")},
	{Message, is(ErrNoWords), "msn-unsupported", certain, notCarried, say("reason.message.no_words")},
	{Message, is(ErrNotCorrected), "msn-uncertain", certain, generic, say("reason.message.not_corrected")},
	{Message, is(ErrNotWriter), "msn-unsupported", certain, notCarried, say("reason.message.not_writer")},
	{Message, is(ErrEmptied), "msn-empty", certain, notCarried, say("reason.message.emptied")},
	{Message, isNotTaken, codeTrouble, certain, notCarried, say("reason.message.not_taken")},
	{Message, is(ErrNotWithdrawn), codeTrouble, uncertain, generic, say("reason.message.not_withdrawn")},
	{Message, is(ErrBridge), codeTrouble, certain, unavailable, say("reason.message.bridge")},
	{Message, is(ErrNotAChat), "msn-not-a-dm", certain, unsupported, say("reason.message.not_a_chat")},
	{Message, is(ErrAlertsRoom), "msn-alerts-room", certain, unsupported, say("reason.message.alerts_room")},
	{Message, is(msn.ErrUncertain), "msn-uncertain", uncertain, network, say("reason.message.uncertain")},
	{Message, is(msn.ErrUntrusted), "msn-untrusted-address", certain, network, say("reason.message.untrusted")},
	{Message, is(msn.ErrBlocked), "msn-blocked", certain, noPermission, say("reason.message.blocked")},
	{Message, is(ErrBlockedByUser), "msn-blocked-by-you", certain, noPermission, say("reason.message.blocked_by_user")},
	{Message, is(ErrNotSeen), "msn-not-seen", certain, tooLate, say("reason.message.not_seen")},
	{Message, is(ErrNotTold), "msn-not-delivered", certain, generic, say("reason.message.not_told")},
	{Message, is(msn.ErrOffline), "msn-offline", certain, generic, func(_ error, r Subject) string {
		switch {
		case r.Online:
			return words.Text("reason.message.offline_but_shown", r.Name)
		case !r.Listed:
			return words.Text("reason.message.offline_and_not_listed", r.Name)
		}
		return words.Text("reason.message.offline", r.Name)
	}},
	{Message, is(msn.ErrNoSuchContact), "msn-no-such-account", certain, generic, say("reason.message.no_such_contact")},
	{Message, is(msn.ErrNetwork), "msn-other-network", certain, unsupported, say("reason.message.network")},
	{Message, is(msn.ErrCircle), "msn-circle", certain, noPermission, say("reason.message.circle")},
	{Message, is(msn.ErrNoAnswer), "msn-no-answer", certain, network, say("reason.message.no_answer")},
	{Message, is(msn.ErrHidden), "msn-hidden", certain, generic, say("reason.message.hidden")},
	{Message, is(msn.ErrTooFast), "msn-too-fast", certain, generic, say("reason.message.too_fast")},
	{Message, is(msn.ErrNotDelivered), "msn-not-delivered", certain, network, say("reason.message.not_delivered")},
	{Message, is(msn.ErrTooMany), "msn-too-many-waiting", certain, generic, say("reason.message.too_many")},
	{Message, is(msn.ErrTooLong), "msn-too-long", certain, unsupported, func(_ error, r Subject) string {
		return words.Text("reason.message.too_long", msn.MaxText)
	}},
	{Message, is(msn.ErrEmpty), "msn-empty", certain, unsupported, say("reason.message.empty")},
	{Message, is(msn.ErrSwitchboard), "msn-session-refused", certain, network, say("reason.message.switchboard")},
	{Message, is(msn.ErrBusy), "msn-busy", certain, network, say("reason.message.busy")},
	{Message, is(msn.ErrNotConnected), "msn-not-connected", certain, unavailable, say("reason.message.not_connected")},
	{Message, is(msn.ErrClosed), "msn-not-connected", certain, unavailable, say("reason.message.closed")},
	{Message, is(msn.ErrTimeout), "msn-timeout", certain, tooLate, say("reason.message.timeout")},
	{Message, isPastDeadline, "msn-timeout", certain, tooLate, say("reason.message.past_deadline")},
	{Message, isCancelled, "msn-not-connected", certain, unavailable, say("reason.message.signed_out")},
	{Message, anything, "msn-error", uncertain, generic, say("reason.message.otherwise")},

	// Of all commands.
	{commands, isTooLongPage, codePageTooLong, certain, answered, func(err error, _ Subject) string {
		tooLong, _ := errors.AsType[*notify.TooLongError](err)
		return words.Text("reason.page.too_long",
			tooLong.Count, notify.MaxPageText, tooLong.Count-notify.MaxPageText)
	}},

	// Pages to mobile devices.
	{Page, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("reason.page.uncertain")},
	{Page, is(ErrPageNotSent), "msn-not-sent", certain, answered, say("reason.page.page_not_sent")},
	{Page, is(ErrBridge), codeTrouble, certain, answered, say("reason.page.bridge")},
	{Page, is(msn.ErrNoMobile), "msn-no-mobile", certain, answered, say("reason.page.no_mobile")},
	{Page, is(msn.ErrNoPaging), "msn-no-paging", certain, answered, say("reason.page.no_paging")},
	{Page, is(msn.ErrDialect), "msn-dialect", certain, answered, say("reason.page.dialect")},
	{Page, is(msn.ErrPageRefused), "msn-page-refused", certain, answered, say("reason.page.page_refused")},
	{Page, is(msn.ErrPageFailed), "msn-page-failed", certain, answered, say("reason.page.page_failed")},
	{Page, is(msn.ErrPagingUnavailable), "msn-paging-unavailable", certain, answered, say("reason.page.paging_unavailable")},
	{Page, is(msn.ErrEmpty), "msn-empty", certain, answered, say("reason.page.empty")},
	{Page, is(notify.ErrEmptyPage), "msn-empty", certain, answered, say("reason.page.empty_page")},
	{Page, is(notify.ErrPageText), "msn-page-characters", certain, answered, say("reason.page.page_text")},
	{Page, is(notify.ErrCallback), "msn-callback", certain, answered, say("reason.page.callback")},
	{Page, is(msn.ErrArgument), "msn-page-target", certain, answered, say("reason.page.argument")},

	// Nudges.
	{Nudge, is(ErrBridge), codeTrouble, certain, answered, say("reason.nudge.bridge")},
	{Nudge, is(ErrBlockedByUser), "msn-blocked-by-you", certain, answered, say("reason.nudge.blocked_by_user")},
	{Nudge, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("reason.nudge.uncertain")},
	{Nudge, is(msn.ErrDialect), "msn-dialect", certain, answered, say("reason.nudge.dialect")},
	{Nudge, is(msn.ErrOffline), "msn-offline", certain, answered, say("reason.nudge.offline")},
	{Nudge, is(msn.ErrNetwork), "msn-other-network", certain, answered, say("reason.nudge.network")},
	{Nudge, is(msn.ErrCircle), "msn-circle", certain, answered, say("reason.nudge.circle")},
	{Nudge, is(msn.ErrTooFast), "msn-too-fast", certain, answered, say("reason.nudge.too_fast")},
	{Nudge, is(msn.ErrNotDelivered), "msn-not-delivered", certain, answered, say("reason.nudge.not_delivered")},
	{Nudge, is(msn.ErrTooMany), "msn-too-many-waiting", certain, answered, say("reason.nudge.too_many")},
	{Nudge, is(msn.ErrUntrusted), "msn-untrusted-address", certain, answered, say("reason.nudge.untrusted")},

	// Calls of contacts into group chats.
	{Call, is(ErrBridge), codeTrouble, certain, answered, say("reason.call.bridge")},
	{Call, is(ErrRoom), codeTrouble, certain, answered, say("reason.call.room")},
	{Call, is(msn.ErrArgument), "msn-not-callable", certain, answered, say("reason.call.argument")},
	{Call | Nudge, is(msn.ErrBlocked), "msn-blocked", certain, answered, say("reason.call.blocked")},
	{Call, is(msn.ErrOffline), "msn-offline", certain, answered, say("reason.call.offline")},
	{Call | Nudge, is(msn.ErrNoSuchContact), "msn-no-such-account", certain, answered, say("reason.call.no_such_contact")},
	{Call | Nudge, is(msn.ErrNoAnswer), "msn-no-answer", certain, answered, say("reason.call.no_answer")},
	{Call | Nudge, is(msn.ErrHidden), "msn-hidden", certain, answered, say("reason.call.hidden")},
	{Call | Nudge, is(msn.ErrSwitchboard), "msn-session-refused", certain, answered, say("reason.call.switchboard")},

	// Changes of circles.
	{Circle, both(ErrNotAdmin, msn.ErrBusy), "msn-circle-not-admin", certain, answered, say("reason.circle.no_admin")},
	{Circle, both(ErrLastAdmin, msn.ErrBusy), "msn-circle-last-admin", certain, answered, say("reason.circle.last_admin")},
	{Circle, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("reason.circle.uncertain")},
	{Circle, is(msn.ErrTooLong), "msn-too-long", certain, answered, func(_ error, s Subject) string {
		return words.Text("reason.circle.too_long", msn.MaxRequest)
	}},
	{Circle, is(msn.ErrCircleMember), "msn-circle-member", certain, answered, say("reason.circle.circle_member")},
	{Circle, is(msn.ErrArgument), "msn-circle-argument", certain, answered, say("reason.circle.argument")},
	{Circle, is(msn.ErrCircle), "msn-circle", certain, answered, say("reason.circle.circle")},
	{Circle, is(msn.ErrNoSuchContact), "msn-no-such-account", certain, answered, say("reason.circle.no_such_contact")},
	{Circle, is(msn.ErrDialect), "msn-dialect", certain, answered, say("reason.circle.dialect")},
	{Circle, is(msn.ErrBusy), "msn-busy", certain, answered, say("reason.circle.busy")},

	// Changes of the contact list.
	{Roster, both(ErrLetInOnly, msn.ErrListFull), "msn-list-full", certain, answered, say("reason.roster.let_in_list_full")},
	{Roster, both(ErrLetInOnly, msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("reason.roster.let_in_list_uncertain")},
	{Roster, is(ErrLetInOnly), "msn-let-in-only", certain, answered, say("reason.roster.let_in_only")},
	{Roster | Rename | Groups, is(msn.ErrNoSuchContact), "msn-no-such-account", certain, answered, say("reason.roster.no_such_contact")},
	{Roster | Rename | Groups, is(msn.ErrListFull), "msn-list-full", certain, answered, say("reason.roster.list_full")},
	{Roster | Rename | Groups, is(msn.ErrNotListed), "msn-not-listed", certain, answered, say("reason.roster.not_listed")},
	{Name, is(ErrNotStored), codeTrouble, uncertain, answered, say("reason.name.not_stored")},
	{Name, is(ErrNoName), "msn-no-matrix-name", certain, answered, say("reason.name.no_name")},
	{Name, is(ErrNameUnknown), codeTrouble, certain, answered, say("reason.name.name_unknown")},
	{Name, is(msn.ErrNameRefused), "msn-name-refused", certain, answered, say("reason.name.name_refused")},
	{Name, is(msn.ErrArgument), "msn-invalid-name", certain, answered, say("reason.name.argument")},
	{Name, is(msn.ErrTooLong), "msn-too-long", certain, answered, func(error, Subject) string {
		return words.Text("reason.name.too_long", msn.MaxEncodedName)
	}},
	{Name, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("reason.name.uncertain")},
	{Groups, is(msn.ErrDialect), "msn-no-groups", certain, answered, say("reason.groups.dialect")},
	{Groups, is(msn.ErrManyGroups), "msn-many-groups", certain, answered, func(error, Subject) string {
		return words.Text("reason.groups.full", msn.MaxGroups)
	}},
	{Groups, is(msn.ErrGroupExists), "msn-group-exists", certain, answered, say("reason.groups.group_exists")},
	{Groups, is(msn.ErrNoGroup), "msn-no-group", certain, answered, say("reason.groups.no_group")},
	{Groups, is(msn.ErrFixedGroup), "msn-fixed-group", certain, answered, say("reason.groups.fixed_group")},
	{Rename | Groups, is(msn.ErrTooLong), "msn-too-long", certain, answered, say("reason.rename.too_long")},
	{Rename, is(ErrBridge), codeTrouble, certain, answered, say("reason.rename.bridge")},
	{Groups, is(msn.ErrArgument), "msn-invalid-name", certain, answered, say("reason.groups.argument")},
	{Groups, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("reason.groups.uncertain")},
	{Roster | Rename, is(msn.ErrArgument), "msn-invalid-address", certain, answered, say("reason.roster.argument")},
	{Roster, is(msn.ErrTooLong), "msn-too-long", certain, answered, func(_ error, s Subject) string {
		return words.Text("reason.roster.too_long", s.Name, msn.MaxRequest)
	}},
	{Roster | Rename, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("reason.roster.uncertain")},
	{Roster, is(msn.ErrTooFast), "msn-too-fast", certain, answered, say("reason.roster.too_fast")},
	{Roster, is(msn.ErrBusy), "msn-busy", certain, answered, say("reason.roster.busy")},

	// Invitations by mail.
	{Invitation, is(ErrBridge), codeTrouble, certain, answered, say("reason.invitation.bridge")},
	{Invitation, is(ErrContacts), codeTrouble, certain, answered, say("reason.invitation.contacts")},
	{Invitation, is(msn.ErrArgument), "msn-invalid-address", certain, answered, say("reason.invitation.argument")},
	{Invitation, is(msn.ErrTooLong), "msn-too-long", certain, answered, func(_ error, s Subject) string {
		return words.Text("reason.invitation.too_long", msn.MaxInvitationText)
	}},
	{Invitation, is(msn.ErrDialect), "msn-dialect", certain, answered, say("reason.invitation.dialect")},
	{Invitation, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("reason.invitation.uncertain")},

	// Links to pages of the service.
	{Link, is(ErrBridge), codeTrouble, certain, answered, say("reason.link.bridge")},
	{Link, is(msn.ErrNoSuchURL), "msn-no-such-link", certain, answered, say("reason.link.no_such_url")},
	{Link, isInvalidParameter, "msn-no-such-link", certain, answered, say("reason.link.invalid_parameter")},
	{Link, is(msn.ErrArgument), "msn-link-argument", certain, answered, say("reason.link.argument")},

	// Searches of the directory.
	{Search, is(msn.ErrSearchDisabled), "msn-search-disabled", certain, answered, say("reason.search.search_disabled")},
	{Search, is(msn.ErrArgument), "msn-search-argument", certain, answered, say("reason.search.argument")},

	// Logging a browser in: why the user has to do it.
	{WebLogin, is(ErrNoAddress), "msn-no-address", certain, answered, say("reason.web_login.no_address")},
	{WebLogin, is(msn.ErrNoForm), "msn-no-form", certain, answered, say("reason.web_login.no_form")},
	{WebLogin, is(msn.ErrUntrusted), "msn-untrusted-address", certain, answered, say("reason.web_login.untrusted")},
	{WebLogin, anything, "msn-error", uncertain, answered, say("reason.web_login.otherwise")},

	// Signing out elsewhere.
	{SignOut, anything, "msn-not-passed-on", uncertain, answered, say("reason.sign_out.otherwise")},

	// Group chats.
	{Request, is(ErrNoMembers), "msn-group-empty", certain, answered, say("reason.request.no_members")},
	{Request, is(ErrOneMember), "msn-group-of-one", certain, answered, say("reason.request.one_member")},
	{Request, is(ErrManyMembers), "msn-group-full", certain, answered, func(error, Subject) string {
		return words.Text("reason.request.many_members", msn.MaxMembers)
	}},
	{Request, is(ErrStranger), "msn-group-stranger", certain, answered, say("reason.request.stranger")},
	{Request, is(ErrGroup), codeTrouble, certain, answered, say("reason.request.group")},

	// What somebody typed.
	{Input | Lookup, is(msnid.ErrEmptyAccount), "msn-invalid-address", certain, answered, say("reason.input.empty_account")},
	{Input | Lookup, is(msnid.ErrLongAccount), "msn-invalid-address", certain, answered, func(error, Subject) string {
		return words.Text("reason.input.long_account", msnid.MaxAccount)
	}},
	{Input | Lookup, is(msnid.ErrLongID), "msn-invalid-address", certain, answered, say("reason.input.long_id")},
	{Input | Lookup, is(msnid.ErrNoAccount), "msn-invalid-address", certain, answered, say("reason.input.no_account")},
	{Input | Lookup, is(msnid.ErrAccountCharacter), "msn-invalid-address", certain, answered, say("reason.input.account_character")},
	{Input, is(ErrEmptyPassword), "msn-invalid-password", certain, answered, say("reason.input.empty_password")},
	{Input, is(ErrLongPassword), "msn-invalid-password", certain, answered, func(error, Subject) string {
		return words.Text("reason.input.long_password", MaxPassword)
	}},
	{Input, is(ErrPasswordLine), "msn-invalid-password", certain, answered, say("reason.input.password_line")},
	{Input, anything, "msn-invalid-input", certain, answered, say("reason.input.otherwise")},

	// Contacts whom somebody names.
	{Lookup, is(msn.ErrNoSuchContact), "msn-no-such-account", certain, answered, say("reason.lookup.no_such_contact")},
	{Lookup, is(msn.ErrHidden), "msn-hidden", certain, answered, say("reason.lookup.hidden")},
	{Lookup, is(ErrUnseen), "msn-unseen", certain, answered, say("reason.lookup.unseen")},
	{Lookup, is(ErrOwnAccount), "msn-own-account", certain, answered, say("reason.lookup.own_account")},
	{Lookup, is(ErrOtherService), "msn-other-service", certain, answered, say("reason.lookup.other_service")},
	{Lookup, is(ErrContacts), codeTrouble, certain, answered, say("reason.lookup.contacts")},
	{Lookup, anything, codeTrouble, certain, answered, say("reason.lookup.otherwise")},

	// Logins.
	{Login, is(ErrNotYours), "msn-not-yours", certain, answered, say("reason.login.not_yours")},
	{Login, is(ErrOtherService), "msn-other-service", certain, answered, say("reason.login.other_service")},
	{Login, is(ErrOtherAccount), "msn-other-account", certain, answered, say("reason.login.other_account")},
	{Login, is(ErrLeaving), "msn-leaving", certain, answered, say("reason.login.leaving")},
	{Login, is(ErrLoggedOut), "msn-leaving", certain, answered, say("reason.login.logged_out")},
	{Login, is(msn.ErrBadCredentials), "msn-bad-credentials", certain, answered, say("reason.login.bad_credentials")},
	{Login, is(ErrManyAttempts), "msn-too-many-attempts", certain, answered, say("reason.login.many_attempts")},
	{Login, is(ErrTaken), "msn-taken", certain, answered, say("reason.login.taken")},
	{Login, anything, codeTrouble, certain, answered, say("reason.login.otherwise")},

	// Pages that came back.
	{Bounce, bouncedWith(notify.BounceTooLong), "msn-page-bounced", certain, answered, say("reason.bounce.too_long")},
	{Bounce, bouncedWith("", "0", "1"), "msn-page-bounced", certain, answered, say("reason.bounce.unsaid")},
	{Bounce, hasType[Bounced], "msn-page-bounced", certain, answered, func(err error, s Subject) string {
		bounced, _ := errors.AsType[Bounced](err)
		return words.Text("reason.bounce.with_code", s.Name, names.Clean(bounced.Code))
	}},
	{Bounce, anything, "msn-page-bounced", certain, answered, say("reason.bounce.otherwise")},

	// Messages from MSN.
	{Delivery, anything, "msn-not-in-matrix", certain, answered, say("reason.delivery.otherwise")},

	// Files from MSN. The file is called {choices}.
	{File, is(ErrFileStopped), "msn-file-stopped", certain, answered, say("reason.file.file_stopped")},
	{File, is(ErrBlockedByUser), "msn-blocked-by-you", certain, answered, say("reason.file.blocked_by_user")},
	{File, is(ErrFileUndecided), "msn-file-undecided", certain, answered, say("reason.file.file_undecided")},
	{File, is(ErrFileNotStored), "msn-file-not-stored", certain, answered, say("reason.file.file_not_stored")},
	{File, is(ErrFileCrowd), "msn-many-files", certain, answered, say("reason.file.file_crowd")},
	{File, hasType[LargeFile], "msn-file-too-large", certain, answered, largeFile("reason.file.large", "reason.file.none")},
	{File, is(msn.ErrUnreachable), "msn-file-unreachable", certain, answered, say("reason.file.unreachable")},
	{File, is(msn.ErrCancelled), "msn-file-cancelled", certain, answered, say("reason.file.cancelled")},
	{File, is(msn.ErrNoOffer), "msn-file-cancelled", certain, answered, say("reason.file.no_offer")},
	{File, is(msn.ErrSilent), "msn-file-silent", certain, answered, say("reason.file.silent")},
	{File, is(msn.ErrGone), "msn-file-gone", certain, answered, say("reason.file.gone")},
	{File, is(msn.ErrBroken), "msn-file-broken", certain, answered, say("reason.file.broken")},
	{File, is(msn.ErrNotConnected), "msn-not-connected", certain, answered, say("reason.file.not_connected")},
	{File, is(msn.ErrClosed), "msn-not-connected", certain, answered, say("reason.file.closed")},
	{File, is(msn.ErrDeclined), "msn-file-declined", certain, answered, say("reason.file.declined")},
	{File, is(msn.ErrManyFiles), "msn-many-files", certain, answered, say("reason.file.file_crowd")},
	{File, is(msn.ErrOffline), "msn-file-gone", certain, answered, say("reason.file.gone")},
	{File, is(msn.ErrNoAnswer), "msn-file-gone", certain, answered, say("reason.file.gone")},
	{File, is(msn.ErrNotDelivered), "msn-file-gone", certain, answered, say("reason.file.gone")},
	{File, is(msn.ErrSwitchboard), "msn-file-gone", certain, answered, say("reason.file.gone")},
	{File, is(msn.ErrTimeout), "msn-timeout", certain, answered, say("reason.file.timeout")},
	{File, anything, codeTrouble, certain, answered, say("reason.file.otherwise")},

	// What the bridge has stored.
	{Request, is(ErrContacts), codeTrouble, certain, answered, say("reason.request.contacts")},
	{Request, is(ErrAlerts), codeTrouble, certain, answered, say("reason.request.alerts")},

	// Texts that are sent again.
	{Again, is(ErrNothingFailed), "msn-nothing-failed", certain, answered, say("reason.again.nothing_failed")},
	{Again, is(ErrMayHaveArrived), "msn-uncertain", certain, answered, say("reason.again.may_have_arrived")},
	{Again, is(ErrNotDone), "msn-not-done", certain, answered, say("reason.again.not_done")},
	{Again, is(ErrNotRead), "msn-not-read", certain, answered, say("reason.again.not_read")},
	{Again, is(ErrBridge), codeTrouble, certain, answered, say("reason.again.bridge")},

	// Whatever a command asks the service.
	{commands, is(msn.ErrNotConnected), "msn-not-connected", certain, answered, say("reason.commands.not_connected")},
	{commands, is(msn.ErrClosed), "msn-not-connected", certain, answered, say("reason.commands.closed")},
	{commands, is(msn.ErrTooFast), "msn-too-fast", certain, answered, say("reason.commands.too_fast")},
	{commands, is(msn.ErrTimeout), "msn-timeout", certain, answered, say("reason.commands.timeout")},
	{commands, isPastDeadline, "msn-timeout", certain, answered, say("reason.commands.past_deadline")},
	{commands, isCancelled, "msn-not-connected", certain, answered, say("reason.commands.cancelled")},
	{Page, isServerError, codeServerError, certain, answered, say("reason.page.server_error")},
	{Page, anything, "msn-error", certain, answered, say("reason.page.otherwise")},
	{commands, isServerError, codeServerError, certain, answered, say("reason.commands.server_error")},
	{commands, anything, "msn-error", uncertain, answered, say("reason.commands.otherwise")},
}
