package reason

import (
	"errors"
	"fmt"
	"net"

	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
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

// refusedAccount is the sentence for an account that is refused for good though the
// password may be right (protocol/08-errors.md).
func refusedAccount(why string) words {
	return say("{service} refused the account: " + why + ". Put that right with the service, then {again}.")
}

// table is all that can go wrong. Of the rows of a place the first that matches counts.
var table = []row{
	// Signing in, and being signed in.
	{Connection, is(config.ErrNoService), "msn-service-not-configured", certain, waiting, say("" +
		"This bridge does not know the service \"{key}\" any more. Ask its admin to put it back into the config.")},
	{Connection, is(msnid.ErrLongID), "msn-address-too-long", certain, waiting, say("" +
		"The e-mail address of your account at {service} is too long for Matrix, in whose IDs many signs take two or three places: nothing of it can be shown. Send `logout {login}`, and log in with another address.")},
	{Connection, is(config.ErrCredentials), "msn-stored-password", certain, relogin, say("" +
		"The bridge cannot read your stored password any more, because the key was changed with which it is encrypted. Please {again}.")},
	{Connection, out("OTH"), CodeElsewhere, certain, waiting, say("Your account at {service} was signed in at another place, which signed the bridge out. " +
		"The bridge stays signed out, so that the two don't throw each other out. Send `reconnect` to come back; that ends the other session.")},
	{Connection, is(ErrCarriesNothing), CodeCarriesNothing, certain, retried, say("{service} says that the account is signed in, and carries no texts. " +
		"Only the service can help. The bridge goes on trying, and says here when texts go out again.")},
	{Connection, out("TOU"), "msn-terms-of-use", certain, relogin, say("{service} wants its terms of use accepted. Do that on its website, then {again}.")},
	{Connection, out("SSD"), "msn-server-going-down", certain, retried, say("The server of {service} is going down for maintenance. The bridge comes back by itself.")},
	{Connection, hasType[*msn.OutError], "msn-connection-lost", certain, retried, say("The server of {service} ended the connection. The bridge comes back by itself.")},
	{Connection, is(msn.ErrTicket), "msn-ticket-refused", certain, retried, say("{service} did not let the account in just now (error {n}), which need not be because of the password. " +
		"If that lasts, check the address and {again}.")},
	{Connection, is(msn.ErrBadCredentials), "msn-bad-credentials", certain, relogin, say("{service} refused the e-mail address or the password. Check both and {again}.")},
	{Connection, isPassport, "msn-account-refused", certain, relogin, func(err error, s Subject) string {
		account, _ := errors.AsType[*passport.AccountError](err)
		return refusedAccount(account.Reason)(err, s)
	}},
	{Connection, locked(420), "msn-account-refused", certain, relogin, refusedAccount("the account may not be used with this client")},
	{Connection, locked(917), "msn-account-refused", certain, relogin, refusedAccount("the account does not belong to this service")},
	{Connection, locked(923), "msn-account-refused", certain, relogin, refusedAccount("the account is a child's and has no consent yet")},
	{Connection, locked(924), "msn-account-refused", certain, relogin, refusedAccount("the account's e-mail address is not verified yet")},
	{Connection, locked(926), "msn-account-refused", certain, relogin, refusedAccount("the account is managed and may not be used with this client")},
	{Connection, locked(927), "msn-account-refused", certain, relogin, refusedAccount("the account is suspended")},
	{Connection, lockedBy[*msn.ServerError], "msn-account-refused", certain, relogin, refusedAccount("it does not let the account in (error {n})")},
	{Connection, is(msn.ErrAccountLocked), "msn-account-refused", certain, relogin, refusedAccount("it does not let the account in")},
	{Connection, hasType[*net.DNSError], "msn-unknown-host", certain, retried, say("The server {host} of {service} was not found. If that lasts, ask the admin of this bridge " +
		"to check the host name in the config.")},
	{Connection, is(msn.ErrUntrusted), "msn-untrusted-address", certain, retried, say("{service} sent the bridge to an address that it must not use. The admin of this bridge " +
		"finds the address in the log, and can allow it.")},
	{Connection, isCertificate, "msn-certificate", certain, retried, say("The login server of {service} shows a certificate that the bridge does not trust. For a service " +
		"with a certificate of its own, the admin of this bridge can have that trusted.")},
	{Connection, hasType[*msn.UpgradeError], "msn-no-dialect", certain, retried, say("{service} speaks none of the versions of the protocol that the bridge offers; it asks for version {version} of the client. " +
		"Ask the admin of this bridge which versions it may offer there.")},
	{Connection, is(msn.ErrNoDialect), "msn-no-dialect", certain, retried, say("{service} speaks none of the versions of the protocol that the bridge offers. " +
		"Ask the admin of this bridge which versions it may offer there.")},
	{Connection, timedOut, "msn-timeout", certain, retried, say("{service} does not answer. Try again in a few minutes.")},
	{Connection, isServerError, codeServerError, certain, retried, say("{service} is busy or has trouble (error {n}). Try again in a few minutes.")},
	{Connection, is(msn.ErrGateway), "msn-unreachable", certain, retried, say("The HTTP gateway of {service} does not answer as one. If that lasts, ask the admin of this bridge " +
		"to check its address.")},
	{Connection, is(msn.ErrBusy), codeServerError, certain, retried, say("{service} is out of order or busy. Try again in a few minutes.")},
	{Connection, hasType[*net.OpError], "msn-unreachable", certain, retried, say("The bridge cannot reach {service}: there is no network, or the server is down. " +
		"Try again in a few minutes.")},
	{Connection, anything, "msn-connection-lost", certain, retried, say("The connection to {service} was lost.")},

	// A service that is tried out for the admin. {name} is the setting with the address.
	{Check, hasType[*net.DNSError], "msn-unknown-host", certain, answered, say("The host {host} in {name} is not known. Check the name, and whether the service still has it.")},
	{Check, isCertificate, "msn-certificate", certain, answered, say("The certificate of the host in {name} is not trusted. If the service made it itself, name its file in network.services.{key}.ca_file; " +
		"if it has expired, or is for another name, only the service can help.")},
	{Check, is(msn.ErrUntrusted), "msn-untrusted-address", certain, answered, say("The host in {name} leads to a loopback or private address. For a server in your own network set network.services.{key}.allow_private_addresses to true.")},
	{Check, is(msn.ErrNoDialect), "msn-no-dialect", certain, answered, say("{service} answers, and speaks none of the versions of the protocol in network.services.{key}.dialects. List others there.")},
	{Check, is(msn.ErrGateway), "msn-unreachable", certain, answered, say("What is at network.services.{key}.gateway does not answer as an HTTP gateway. Check its path.")},
	{Check, timedOut, "msn-timeout", certain, answered, say("The host in {name} does not answer. Check host and port, and whether a firewall lets the bridge out to it; where only the web is let through, network.services.{key}.gateway helps.")},
	{Check, isRefusedConnection, "msn-unreachable", certain, answered, say("Nothing listens at the host and port in {name}. Check both; the service may be down.")},
	{Check, is(msn.ErrRefused), "msn-unreachable", certain, answered, say("The host in {name} ends the connection at once. It may be no MSN server, or a busy one. Check host and port.")},
	{Check, is(msn.ErrConfig), "msn-address", certain, answered, say("{name} cannot be used. Write it as the example config does.")},
	{Check, anything, "msn-unreachable", certain, answered, say("The host in {name} is not reached. Check host and port, the network of this machine, and whether the service is up.")},

	// Messages from Matrix to people on MSN.
	{Message, is(ErrReaction), "msn-unsupported", certain, notCarried, say("MSN has no reactions: your contact does not see it.")},
	{Message, is(ErrRedaction), "msn-unsupported", certain, notCarried, say("MSN has no deletion: your contact keeps the message.")},
	{Message, is(ErrMedia), "msn-unsupported", certain, notCarried, say("MSN carries pictures and other files to one contact at a time, not to this room. Put it on a website and send the link.")},
	{Message, is(ErrWordsOnly), "msn-unsupported", certain, notCarried, say("The file itself cannot be brought to {name} now: only your words under it go to MSN. Put it on a website and send the link, or send it again in a chat with one contact who is online.")},
	{Message, is(ErrNamedOnly), "msn-unsupported", certain, notCarried, say("The file itself cannot be brought to {name} now: they are only told that you sent one. Put it on a website and send the link, or send it again in a chat with one contact who is online.")},
	{Message, is(ErrNoFiles), "msn-no-files", certain, unsupported, say("the version of the protocol that is spoken with {service} carries no files, which came with MSNP9. Put it on a website and send the link.")},
	{Message, is(ErrOldMessenger), "msn-no-files", certain, unsupported, say("{name} uses a Messenger that takes no such files: those came with MSN Messenger 6. Put it on a website and send the link.")},
	{Message, hasType[LargeFile], "msn-file-too-large", certain, unsupported, largeFile("it is larger than {size}, the most that the bridge sends. Put it on a website and send the link.",
		"the bridge sends no files. Put it on a website and send the link.")},
	{Message, is(ErrFileOffline), "msn-offline", certain, generic, say("{name} is offline, and files are not kept for later. Send it again when they are back, or put it on a website and send the link.")},
	{Message, is(ErrFileUnread), "msn-file-unread", certain, generic, say("the homeserver did not give the file to the bridge. Send it again; if that lasts, tell the admin of this bridge.")},
	{Message, is(ErrFileStopped), "msn-uncertain", uncertain, generic, say("the bridge was stopped while the file was on its way, and it may not have arrived. Ask {name}, and send it again.")},
	{Message, is(msn.ErrDeclined), "msn-file-declined", certain, noPermission, say("{name} did not take the file, or their Messenger takes none. Ask them, or put it on a website and send the link.")},
	{Message, is(msn.ErrCancelled), "msn-file-cancelled", certain, generic, say("{name} has stopped the file before they had all of it. Ask them, and send it again.")},
	{Message, is(msn.ErrSilent), "msn-file-silent", certain, generic, say("{name} did not accept the file in time, or their Messenger does not answer. Ask them, and send it again.")},
	{Message, is(msn.ErrUnconfirmed), "msn-uncertain", uncertain, network, say("{name} left while the last of the file was on its way, and may not have it. Ask them before you send it again.")},
	{Message, is(msn.ErrGone), "msn-file-gone", certain, network, say("{name} has left, or lost the connection, before they had all of the file. Send it again when they are back.")},
	{Message, is(msn.ErrBroken), "msn-file-broken", certain, network, say("the Messenger of {name} and the bridge did not understand each other about the file. Put it on a website and send the link.")},
	{Message, is(msn.ErrManyFiles), "msn-many-files", certain, generic, say("too many files are on their way to {name} already. Send it again when they are through.")},
	{Message, is(ErrCall), "msn-unsupported", certain, notCarried, say("the bridge carries no calls to MSN: it does not ring at your contact's. Hang up, and write to them.")},
	{Message, is(ErrVote), "msn-unsupported", certain, notCarried, say("MSN has no votes: your contact sees a poll as a numbered list. Write to them what you would choose.")},
	{Message, is(ErrLiveLocation), "msn-unsupported", certain, notCarried, say("nobody on MSN can follow where you are. Share the place where you are now instead, which goes out as a link to a map.")},
	{Message, is(ErrVerification), "msn-unsupported", certain, notCarried, say("people on MSN have no keys that you could verify. Cancel it, and ask them something that only they know.")},
	{Message, is(ErrNoWords), "msn-unsupported", certain, notCarried, say("MSN has nothing of this kind, and there are no words in it. Write it as a text.")},
	{Message, is(ErrNotCorrected), "msn-uncertain", certain, generic, say("it is not certain whether {name} got the message that you changed. Ask them, and send the new text as a message of its own.")},
	{Message, is(ErrNotWriter), "msn-unsupported", certain, notCarried, say("the message that it would change is somebody else's. Everybody changes their own.")},
	{Message, is(ErrEmptied), "msn-empty", certain, notCarried, say("it would leave nothing of the message that it changes. Delete the message instead.")},
	{Message, isNotTaken, codeTrouble, certain, notCarried, say("the bridge's database does not take it as it is, and will not. Write it in other words; if that fails too, tell the admin of this bridge.")},
	{Message, is(ErrNotWithdrawn), codeTrouble, uncertain, generic, say("The message that you deleted could not be taken back, because the bridge's database does not take that: it is still sent if it was not yet. If that lasts, tell the admin of this bridge.")},
	{Message, is(ErrBridge), codeTrouble, certain, unavailable, say("the bridge could not store it. Send it again; if that lasts, tell the admin of this bridge.")},
	{Message, is(ErrNotAChat), "msn-not-a-dm", certain, unsupported, say("this room is not one with people on MSN.")},
	{Message, is(ErrAlertsRoom), "msn-alerts-room", certain, unsupported, say("nobody reads what is written here: this room shows what {service} announces. " +
		"Commands work here; write to a contact in the room with them.")},
	{Message, is(msn.ErrUncertain), "msn-uncertain", uncertain, network, say("the connection was lost before {service} confirmed it. Ask {name} whether it arrived before you send it again.")},
	{Message, is(msn.ErrUntrusted), "msn-untrusted-address", certain, network, say("{service} wanted the conversation at an address that the bridge must not use. The admin of this bridge finds it in the log and can allow it in the config.")},
	{Message, is(msn.ErrBlocked), "msn-blocked", certain, noPermission, say("{name} has blocked you.")},
	{Message, is(ErrBlockedByUser), "msn-blocked-by-you", certain, noPermission, say("you have blocked {name}. Send `!unblock` here first.")},
	{Message, is(ErrNotSeen), "msn-not-seen", certain, tooLate, say("{name} was not online in all the time that the bridge keeps messages. Send it again when they are back.")},
	{Message, is(msn.ErrOffline), "msn-offline", certain, generic, func(_ error, r Subject) string {
		switch {
		case r.Online:
			return fmt.Sprintf("%s is shown as online but takes no messages: they may have blocked you, or have just left.", r.Name)
		case !r.Listed:
			return fmt.Sprintf("%s is not on your contact list, and is offline or takes no messages from people they don't know.", r.Name)
		}
		return fmt.Sprintf("%s is offline. Send it again when they are back.", r.Name)
	}},
	{Message, is(msn.ErrNoSuchContact), "msn-no-such-account", certain, generic, say("{service} knows no account {name}. Check the address.")},
	{Message, is(msn.ErrNetwork), "msn-other-network", certain, unsupported, say("{name} is on another network, and {service} carries no messages there.")},
	{Message, is(msn.ErrCircle), "msn-circle", certain, noPermission, say("{service} does not carry it to this circle: you may not belong to it any more, or the service has just lost it. `!circles` shows yours.")},
	{Message, is(msn.ErrNoAnswer), "msn-no-answer", certain, network, say("{name} did not come into the conversation. Their Messenger may have lost its connection; try again later.")},
	{Message, is(msn.ErrHidden), "msn-hidden", certain, generic, say("{service} starts no conversations while you appear offline. Go online first.")},
	{Message, is(msn.ErrTooFast), "msn-too-fast", certain, generic, say("{service} says that you send too fast. Wait a minute and send it again.")},
	{Message, is(msn.ErrNotDelivered), "msn-not-delivered", certain, network, say("{service} reported that it did not reach {name}. Send it again.")},
	{Message, is(msn.ErrTooMany), "msn-too-many-waiting", certain, generic, say("too many messages to {name} wait to be sent already. Wait until they are through and send it again.")},
	{Message, is(msn.ErrTooLong), "msn-too-long", certain, unsupported, func(_ error, r Subject) string {
		return fmt.Sprintf("it is longer than %d bytes. Send it in parts.", msn.MaxText)
	}},
	{Message, is(msn.ErrEmpty), "msn-empty", certain, unsupported, say("it holds no text.")},
	{Message, is(msn.ErrSwitchboard), "msn-session-refused", certain, network, say("{service} refused to open a conversation. Try again in a minute.")},
	{Message, is(msn.ErrBusy), "msn-busy", certain, network, say("{service} is out of order or busy. Send it again in a few minutes.")},
	{Message, is(msn.ErrNotConnected), "msn-not-connected", certain, unavailable, say("the bridge is not connected to {service} at the moment; it keeps trying. Send it again later.")},
	{Message, is(msn.ErrClosed), "msn-not-connected", certain, unavailable, say("the bridge has just signed out of {service}. Send it again later.")},
	{Message, is(msn.ErrTimeout), "msn-timeout", certain, tooLate, say("{service} did not answer in time. Try again in a minute.")},
	{Message, isPastDeadline, "msn-timeout", certain, tooLate, say("{service} did not answer in time. Try again in a minute.")},
	{Message, isCancelled, "msn-not-connected", certain, unavailable, say("the bridge has just signed out of {service}. Send it again later.")},
	{Message, anything, "msn-error", uncertain, generic, say("{service} did something unexpected. Ask {name} whether it arrived before you send it again.")},

	// Of all commands.
	{commands, isTooLongPage, codePageTooLong, certain, answered, func(err error, _ Subject) string {
		tooLong, _ := errors.AsType[*notify.TooLongError](err)
		return fmt.Sprintf("The page has %d characters, and at most %d fit. Shorten it by %d; it was not sent.",
			tooLong.Count, notify.MaxPageText, tooLong.Count-notify.MaxPageText)
	}},

	// Pages to mobile devices.
	{Page, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("The connection to {service} was lost right after the page to {name} was sent. It may or may not have gone out.")},
	{Page, is(ErrPageNotSent), "msn-not-sent", certain, answered, say("The page to {name} was not sent: the bridge was stopped before. Send it again.")},
	{Page, is(ErrBridge), codeTrouble, certain, answered, say("The page was not sent: the bridge could not store it. Try again; if that lasts, tell the admin of this bridge.")},
	{Page, is(msn.ErrNoMobile), "msn-no-mobile", certain, answered, say("{name} has no mobile device that takes pages, or does not let you page it. The page was not sent.")},
	{Page, is(msn.ErrNoPaging), "msn-no-paging", certain, answered, say("{service} does not page mobile devices. The page was not sent. If the service does, the admin of this bridge " +
		"can switch it on.")},
	{Page, is(msn.ErrDialect), "msn-dialect", certain, answered, say("The version of the protocol that {service} speaks pages contacts only, no numbers. Name the contact by their address.")},
	{Page, is(msn.ErrPageRefused), "msn-page-refused", certain, answered, say("The page was not accepted: {name} does not take pages from you, or {service} does not let you send this one.")},
	{Page, is(msn.ErrPageFailed), "msn-page-failed", certain, answered, say("The page to {name} could not be sent, perhaps because you send too fast. Wait a minute and try again.")},
	{Page, is(msn.ErrPagingUnavailable), "msn-paging-unavailable", certain, answered, say("Paging is not available at {service} at the moment, or not at all. The page to {name} was not sent.")},
	{Page, is(msn.ErrEmpty), "msn-empty", certain, answered, say("The page holds no text. Write it behind the command.")},
	{Page, is(notify.ErrEmptyPage), "msn-empty", certain, answered, say("The page holds no text. Write it behind the command.")},
	{Page, is(notify.ErrPageText), "msn-page-characters", certain, answered, say("The page was not sent: it holds characters that no page can carry, such as control characters. Leave them out.")},
	{Page, is(notify.ErrCallback), "msn-callback", certain, answered, say("The page was not sent: the number to call back must have 1 to 20 digits. Write it like --callback home=15551112222.")},
	{Page, is(msn.ErrArgument), "msn-page-target", certain, answered, say("{name} is neither an MSN account nor a telephone number that can be paged. Write the number like +15551112222.")},

	// Nudges.
	{Nudge, is(ErrBridge), codeTrouble, certain, answered, say("{name} was not nudged: the bridge could not read who is in the conversation. Try again; if that lasts, tell the admin of this bridge.")},
	{Nudge, is(ErrBlockedByUser), "msn-blocked-by-you", certain, answered, say("{name} was not nudged: you have blocked them. Unblock them with `!unblock` first.")},
	{Nudge, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("The connection was lost before {service} confirmed the nudge. {name} may or may not have got it.")},
	{Nudge, is(msn.ErrDialect), "msn-dialect", certain, answered, say("{name} was not nudged: the version of the protocol that is spoken with {service} has no nudges, which came with MSNP11.")},
	{Nudge, is(msn.ErrOffline), "msn-offline", certain, answered, say("{name} was not nudged: they are offline, or take nothing from you. Nudges are not kept for later.")},
	{Nudge, is(msn.ErrNetwork), "msn-other-network", certain, answered, say("{name} was not nudged: they are on another network, and {service} carries no nudges there.")},
	{Nudge, is(msn.ErrCircle), "msn-circle", certain, answered, say("{service} carries nothing to this circle: you may not belong to it any more, or the service has just lost it. `!circles` shows yours.")},
	{Nudge, is(msn.ErrTooFast), "msn-too-fast", certain, answered, say("{name} was not nudged: too many nudges in a short time. Wait a little and try again.")},
	{Nudge, is(msn.ErrNotDelivered), "msn-not-delivered", certain, answered, say("{service} reported that the nudge did not reach {name}.")},
	{Nudge, is(msn.ErrTooMany), "msn-too-many-waiting", certain, answered, say("{name} was not nudged: too many messages to them wait to be sent already.")},
	{Nudge, is(msn.ErrUntrusted), "msn-untrusted-address", certain, answered, say("{service} wanted the conversation at an address that the bridge must not use. The admin of this bridge finds it in the log and can allow it in the config.")},

	// Calls of contacts into group chats.
	{Call, is(ErrBridge), codeTrouble, certain, answered, say("{name} was not called: the bridge could not read who is in the conversation. Try again; if that lasts, tell the admin of this bridge.")},
	{Call, is(ErrRoom), codeTrouble, certain, answered, say("The bridge could not make a room for the three of you. Try again; if that lasts, tell the admin of this bridge.")},
	{Call, is(msn.ErrArgument), "msn-not-callable", certain, answered, say("{name} cannot be called into this conversation.")},
	{Call | Nudge, is(msn.ErrBlocked), "msn-blocked", certain, answered, say("{name} has blocked you and does not come into the conversation.")},
	{Call, is(msn.ErrOffline), "msn-offline", certain, answered, say("{name} is offline, or takes no calls from you, and does not hear what is said in the conversation.")},
	{Call | Nudge, is(msn.ErrNoSuchContact), "msn-no-such-account", certain, answered, say("{service} knows no account {name}. Check the address.")},
	{Call | Nudge, is(msn.ErrNoAnswer), "msn-no-answer", certain, answered, say("{name} was called and did not come into the conversation.")},
	{Call | Nudge, is(msn.ErrHidden), "msn-hidden", certain, answered, say("{service} starts no conversations while you appear offline. Go online first.")},
	{Call | Nudge, is(msn.ErrSwitchboard), "msn-session-refused", certain, answered, say("{service} refused to open a conversation. Try again in a minute.")},

	// Changes of circles.
	{Circle, both(ErrNotAdmin, msn.ErrBusy), "msn-circle-not-admin", certain, answered, say("{name} was not invited: only the administrators of a circle can invite, and you are none of this one.")},
	{Circle, both(ErrLastAdmin, msn.ErrBusy), "msn-circle-last-admin", certain, answered, say("You have not left {name}: services let nobody leave a circle of which they are the only administrator.")},
	{Circle, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("{service} may or may not have done it: the connection was lost before it answered. `!circles` shows what is.")},
	{Circle, is(msn.ErrTooLong), "msn-too-long", certain, answered, func(_ error, s Subject) string {
		return fmt.Sprintf("The text of the invitation is longer than %d bytes. Shorten it; nobody was invited.", msn.MaxRequest)
	}},
	{Circle, is(msn.ErrCircleMember), "msn-circle-member", certain, answered, say("{name} belongs to this circle already.")},
	{Circle, is(msn.ErrArgument), "msn-circle-argument", certain, answered, say("That cannot be done with {name}. `!circles` shows how your circles are now.")},
	{Circle, is(msn.ErrCircle), "msn-circle", certain, answered, say("You do not belong to this circle any more: nothing was done about {name}. `!circles` shows yours.")},
	{Circle, is(msn.ErrNoSuchContact), "msn-no-such-account", certain, answered, say("{service} knows no account {name}. Check the address.")},
	{Circle, is(msn.ErrDialect), "msn-dialect", certain, answered, say("The version of the protocol that is spoken with {service} carries no circles.")},
	{Circle, is(msn.ErrBusy), "msn-busy", certain, answered, say("{service} did not do it: it is out of order, or does not let you.")},

	// Changes of the contact list.
	{Roster, both(ErrLetInOnly, msn.ErrListFull), "msn-list-full", certain, answered, say("{name} can see you and write to you now, and is not on your contact list: that is full. " +
		"Remove somebody with `!remove`; then `!add {name}` puts them on it.")},
	{Roster, both(ErrLetInOnly, msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("{name} can see you and write to you now. The connection was lost before {service} said whether they are on your contact list: " +
		"`!whois {name}` shows it, and `!add {name}` puts them on it.")},
	{Roster, is(ErrLetInOnly), "msn-let-in-only", certain, answered, say("{name} can see you and write to you now, and is not on your contact list: {service} did not put them there. " +
		"Try `!add {name}` in a few minutes.")},
	{Roster | Rename | Groups, is(msn.ErrNoSuchContact), "msn-no-such-account", certain, answered, say("{service} knows no account {name}. Check the address; nothing was changed.")},
	{Roster | Rename | Groups, is(msn.ErrListFull), "msn-list-full", certain, answered, say("Your contact list at {service} is full. Remove somebody with `!remove`, and try again.")},
	{Roster | Rename | Groups, is(msn.ErrNotListed), "msn-not-listed", certain, answered, say("{name} is not on your contact list. Put them on it with `!add` first; nothing was changed.")},
	{Name, is(ErrNotStored), codeTrouble, uncertain, answered, say("Your contacts see the name now. The bridge could not store that you have chosen it: when it is started again, that may be forgotten. " +
		"Send the same again in a few minutes; if that lasts, tell the admin of this bridge.")},
	{Name, is(ErrNoName), "msn-no-matrix-name", certain, answered, say("You have no name in Matrix that your contacts could see. Nothing was changed. Give yourself one in the settings of your Matrix client, and send `!nick --follow` again.")},
	{Name, is(ErrNameUnknown), codeTrouble, certain, answered, say("The homeserver does not say how you are called in Matrix. Nothing was changed. Try again in a few minutes, or send `!nick` and a name.")},
	{Name, is(msn.ErrNameRefused), "msn-name-refused", certain, answered, say("{service} does not take that name: it holds a word that is forbidden there, or your e-mail address was never verified.")},
	{Name, is(msn.ErrArgument), "msn-invalid-name", certain, answered, say("A name needs a letter. Nothing was changed.")},
	{Name, is(msn.ErrTooLong), "msn-too-long", certain, answered, func(error, Subject) string {
		return fmt.Sprintf("That name is too long: it may have %d bytes, and a letter that is not English takes several. Nothing was changed.", msn.MaxEncodedName)
	}},
	{Name, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("{service} may or may not have changed your name: the connection was lost before it answered. `!nick` shows how it is.")},
	{Groups, is(msn.ErrDialect), "msn-no-groups", certain, answered, say("{service} speaks a version of the protocol that has no groups: those came with MSNP7.")},
	{Groups, is(msn.ErrManyGroups), "msn-many-groups", certain, answered, func(error, Subject) string {
		return fmt.Sprintf("You have as many groups as you can have, which is %d. Remove one with `!group remove`, and try again.", msn.MaxGroups)
	}},
	{Groups, is(msn.ErrGroupExists), "msn-group-exists", certain, answered, say("There is a group of that name already. `!group` shows yours.")},
	{Groups, is(msn.ErrNoGroup), "msn-no-group", certain, answered, say("There is no such group any more. `!group` shows yours.")},
	{Groups, is(msn.ErrFixedGroup), "msn-fixed-group", certain, answered, say("{service} does not give that group up: it holds those who are in no other.")},
	{Rename | Groups, is(msn.ErrTooLong), "msn-too-long", certain, answered, say("The name is too long for {service}. Nothing was changed.")},
	{Rename, is(ErrBridge), codeTrouble, certain, answered, say("The name was not changed: the bridge could not note it down. Try again; if that lasts, tell the admin of this bridge.")},
	{Groups, is(msn.ErrArgument), "msn-invalid-name", certain, answered, say("A group needs a name. Nothing was changed.")},
	{Groups, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("{service} may or may not have done it: the connection was lost before it answered. `!group` shows how it is.")},
	{Roster | Rename, is(msn.ErrArgument), "msn-invalid-address", certain, answered, say("{name} is no address that can be on a contact list. Nothing was changed.")},
	{Roster, is(msn.ErrTooLong), "msn-too-long", certain, answered, func(_ error, s Subject) string {
		return fmt.Sprintf("The text for %s is longer than %d bytes. Shorten it; nothing was changed.", s.Name, msn.MaxRequest)
	}},
	{Roster | Rename, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("{service} may or may not have done it: the connection was lost before it answered. `!whois {name}` shows how it is.")},
	{Roster, is(msn.ErrTooFast), "msn-too-fast", certain, answered, say("{service} says that your contact list is changed too fast. Wait a minute and try again.")},
	{Roster, is(msn.ErrBusy), "msn-busy", certain, answered, say("{service} did not change anything about {name}: it is out of order or busy. Try again in a few minutes.")},

	// Invitations by mail.
	{Invitation, is(ErrBridge), codeTrouble, certain, answered, say("The bridge could not note the invitation down, and has sent nothing. If that lasts, tell the admin of this bridge.")},
	{Invitation, is(ErrContacts), codeTrouble, certain, answered, say("The contact list could not be read. Nothing was sent; the admin of this bridge finds the reason in the log.")},
	{Invitation, is(msn.ErrArgument), "msn-invalid-address", certain, answered, say("{name} is no e-mail address that {service} can mail to. Nothing was sent.")},
	{Invitation, is(msn.ErrTooLong), "msn-too-long", certain, answered, func(_ error, s Subject) string {
		return fmt.Sprintf("The text of the invitation is longer than %d bytes. Shorten it; nothing was sent.", msn.MaxInvitationText)
	}},
	{Invitation, is(msn.ErrDialect), "msn-dialect", certain, answered, say("The version of the protocol that {service} speaks carries no text with an invitation. Nothing was sent; " +
		"try it without the text.")},
	{Invitation, is(msn.ErrUncertain), "msn-uncertain", uncertain, answered, say("{service} has not confirmed the invitation to {name}: it may or may not have been mailed. Ask them before you send it again.")},

	// Links to pages of the service.
	{Link, is(ErrBridge), codeTrouble, certain, answered, say("The link could not be sent to your chat with the bot. Open a chat with the bot and ask again there.")},
	{Link, is(msn.ErrNoSuchURL), "msn-no-such-link", certain, answered, say("{name} is no page of the service. There are {choices}.")},
	{Link, isInvalidParameter, "msn-no-such-link", certain, answered, say("{service} has no page {name}.")},
	{Link, is(msn.ErrArgument), "msn-link-argument", certain, answered, say("The argument to {name} cannot be sent. COMPOSE takes an e-mail address; PROFILE, PERSON, CHAT, N2PACCOUNT and N2PFUND take " +
		"a language such as 0x0409; the others take nothing, as in `!url INBOX`.")},

	// Searches of the directory.
	{Search, is(msn.ErrSearchDisabled), "msn-search-disabled", certain, answered, say("{service} does not search its directory of members: that was switched off for all versions of Messenger in 2003. " +
		"Ask people for their address and use `start-chat` with it.")},
	{Search, is(msn.ErrArgument), "msn-search-argument", certain, answered, say("A first and a last name are needed, as in `!find Bob Builder`; they may not be `*`.")},

	// Logging a browser in: why the user has to do it.
	{WebLogin, is(ErrNoAddress), "msn-no-address", certain, answered, say("You have to log in there yourself: this bridge has no public address at which it could do that for you.")},
	{WebLogin, is(msn.ErrNoForm), "msn-no-form", certain, answered, say("You have to log in there yourself: {service} gave the bridge nothing to log in on the web with.")},
	{WebLogin, is(msn.ErrUntrusted), "msn-untrusted-address", certain, answered, say("You have to log in there yourself: {service} names a login page that the bridge does not trust with your password.")},
	{WebLogin, anything, "msn-error", uncertain, answered, say("You may have to log in there.")},

	// Signing out elsewhere.
	{SignOut, anything, "msn-not-passed-on", uncertain, answered, say("The service did not pass it on to {name}. Try again in a minute.")},

	// Group chats.
	{Request, is(ErrNoMembers), "msn-group-empty", certain, answered, say("A group chat needs members. Invite at least two contacts into this room, and send the command again.")},
	{Request, is(ErrOneMember), "msn-group-of-one", certain, answered, say("A group chat needs two contacts at least: to MSN, one of them and you are the chat with that one. " +
		"Invite another contact into this room, and send the command again; or send `bridge` with the address of the one, which makes this room that of them.")},
	{Request, is(ErrManyMembers), "msn-group-full", certain, answered, func(error, Subject) string {
		return fmt.Sprintf("A group chat has at most %d members. Make it with fewer of them.", msn.MaxMembers)
	}},
	{Request, is(ErrStranger), "msn-group-stranger", certain, answered, say("Somebody in this room has no account at {service}. Make the group chat without them.")},
	{Request, is(ErrGroup), codeTrouble, certain, answered, say("The bridge could not make this room a group chat. Try again in a minute; the admin of this bridge finds the reason in the log.")},

	// What somebody typed.
	{Input | Lookup, is(msnid.ErrEmptyAccount), "msn-invalid-address", certain, answered, say("The e-mail address is empty.")},
	{Input | Lookup, is(msnid.ErrLongAccount), "msn-invalid-address", certain, answered, func(error, Subject) string {
		return fmt.Sprintf("The e-mail address is longer than %d bytes, which none is.", msnid.MaxAccount)
	}},
	{Input | Lookup, is(msnid.ErrLongID), "msn-invalid-address", certain, answered, say("The e-mail address is too long for Matrix, in whose IDs many signs take two or three places.")},
	{Input | Lookup, is(msnid.ErrNoAccount), "msn-invalid-address", certain, answered, say("An MSN account is an e-mail address such as bob@example.com.")},
	{Input | Lookup, is(msnid.ErrAccountCharacter), "msn-invalid-address", certain, answered, say("The e-mail address holds a character that no address has.")},
	{Input, is(ErrEmptyPassword), "msn-invalid-password", certain, answered, say("The password is empty.")},
	{Input, is(ErrLongPassword), "msn-invalid-password", certain, answered, func(error, Subject) string {
		return fmt.Sprintf("The password is longer than %d bytes.", MaxPassword)
	}},
	{Input, is(ErrPasswordLine), "msn-invalid-password", certain, answered, say("The password holds a line end.")},
	{Input, anything, "msn-invalid-input", certain, answered, say("The bridge cannot take that. Look for a mistake in what you typed, and try again.")},

	// Contacts whom somebody names.
	{Lookup, is(msn.ErrNoSuchContact), "msn-no-such-account", certain, answered, say("{service} knows no account {name}. Check the address.")},
	{Lookup, is(msn.ErrHidden), "msn-hidden", certain, answered, say("You are hidden, and {service} calls nobody for you then, so that {name} cannot be looked for. Send `!status online`, and try again.")},
	{Lookup, is(ErrUnseen), "msn-unseen", certain, answered, say("{name} is on none of your lists, and not online: {service} does not say whether there is such an account. " +
		"`!add {name}` puts them on your list, if there is.")},
	{Lookup, is(ErrOwnAccount), "msn-own-account", certain, answered, say("{name} is your own account. Name somebody else.")},
	{Lookup, is(ErrOtherService), "msn-other-service", certain, answered, say("{name} has an account at another service. Use a login there: `list-logins` shows yours.")},
	{Lookup, is(ErrContacts), codeTrouble, certain, answered, say("The contact list could not be read. Try again in a minute; the admin of this bridge finds the reason in the log.")},
	{Lookup, anything, codeTrouble, certain, answered, say("The bridge could not look for {name}. Try again in a minute; the admin of this bridge finds the reason in the log.")},

	// Logins.
	{Login, is(ErrNotYours), "msn-not-yours", certain, answered, say("That login is not yours. Use `list-logins` to see yours.")},
	{Login, is(ErrOtherService), "msn-other-service", certain, answered, say("The login {name} is not at {service}. Send `relogin {name} {choices}`.")},
	{Login, is(ErrOtherAccount), "msn-other-account", certain, answered, say("This login is for {name}. To add another account, use `login`.")},
	{Login, is(ErrLeaving), "msn-leaving", certain, answered, say("This account is just being logged out. Try again in a moment.")},
	{Login, is(ErrLoggedOut), "msn-leaving", certain, answered, say("This account was logged out meanwhile. Try again.")},
	{Login, is(msn.ErrBadCredentials), "msn-bad-credentials", certain, answered, say("{service} refused the e-mail address or the password. Type the password of {name} again, or send `cancel`.")},
	{Login, is(ErrManyAttempts), "msn-too-many-attempts", certain, answered, say("Too many wrong passwords were tried. Try again in {choices}, with the password that works at the service's website.")},
	{Login, is(ErrTaken), "msn-taken", certain, answered, say("This account is in use by another Matrix user of this bridge. They have to log out first.")},
	{Login, anything, codeTrouble, certain, answered, say("The bridge could not store the login. Try again; if that lasts, tell the admin of this bridge.")},

	// Pages that came back.
	{Bounce, bouncedWith(notify.BounceTooLong), "msn-page-bounced", certain, answered, say("Your page to {name} did not arrive after all: it was too long for the device.")},
	{Bounce, bouncedWith("", "0", "1"), "msn-page-bounced", certain, answered, say("Your page to {name} did not arrive after all.")},
	{Bounce, hasType[Bounced], "msn-page-bounced", certain, answered, func(err error, s Subject) string {
		bounced, _ := errors.AsType[Bounced](err)
		return fmt.Sprintf("Your page to %s did not arrive after all (code %s).", s.Name, names.Clean(bounced.Code))
	}},
	{Bounce, anything, "msn-page-bounced", certain, answered, say("Your page to {name} did not arrive after all.")},

	// Messages from MSN.
	{Delivery, anything, "msn-not-in-matrix", certain, answered, say("{name} could not be brought into this room: the homeserver refuses it.")},

	// Files from MSN. The file is called {choices}.
	{File, is(ErrFileStopped), "msn-file-stopped", certain, answered, say("The bridge was stopped while the file {choices} was coming. Ask {name} to send it again.")},
	{File, is(ErrBlockedByUser), "msn-blocked-by-you", certain, answered, say("You have blocked {name}, and the file {choices} does not come. If you want it, unblock them with `!unblock`, and ask them to send it again.")},
	{File, is(ErrFileUndecided), "msn-file-undecided", certain, answered, say("Nobody has accepted the file {choices} of {name} within 5 minutes, and the bridge has declined it. Ask them to send it again if you want it.")},
	{File, is(ErrFileNotStored), "msn-file-not-stored", certain, answered, say("{name} has sent the file {choices}, and the homeserver does not take it. Ask them for it in another way; if that lasts, tell the admin of this bridge.")},
	{File, is(ErrFileCrowd), "msn-many-files", certain, answered, say("{name} offers the file {choices}. The bridge has declined it, because too many files are on their way at once. Ask them to send it again when those are through.")},
	{File, hasType[LargeFile], "msn-file-too-large", certain, answered, largeFile("{name} offers the file {choices}. The bridge has declined it: your homeserver takes files up to {size}. Ask them for it in another way.",
		"{name} offers the file {choices}. The bridge has declined it: your homeserver takes no files. Ask them for it in another way.")},
	{File, is(msn.ErrUnreachable), "msn-file-unreachable", certain, answered, say("The file {choices} did not come: the old Messenger of {name} wants to be reached directly, and cannot be. Ask them for it in another way.")},
	{File, is(msn.ErrCancelled), "msn-file-cancelled", certain, answered, say("{name} has taken the file {choices} back, or stopped it. Ask them to send it again if you want it.")},
	{File, is(msn.ErrNoOffer), "msn-file-cancelled", certain, answered, say("{name} has taken the file {choices} back. Ask them to send it again if you want it.")},
	{File, is(msn.ErrSilent), "msn-file-silent", certain, answered, say("Nothing more of the file {choices} comes: the Messenger of {name} does not answer. Ask them to send it again.")},
	{File, is(msn.ErrGone), "msn-file-gone", certain, answered, say("The file {choices} did not come: {name} has left, or lost the connection. Ask them to send it again.")},
	{File, is(msn.ErrBroken), "msn-file-broken", certain, answered, say("The file {choices} did not come: the Messenger of {name} and the bridge did not understand each other. Ask them to send it again, or for it in another way.")},
	{File, is(msn.ErrNotConnected), "msn-not-connected", certain, answered, say("The connection to {service} was lost while the file {choices} was coming. Ask {name} to send it again.")},
	{File, is(msn.ErrClosed), "msn-not-connected", certain, answered, say("The bridge has signed out of {service} while the file {choices} was coming. Ask {name} to send it again.")},
	{File, anything, codeTrouble, certain, answered, say("The file {choices} of {name} did not come: the bridge could not take it. Ask them to send it again; if that lasts, tell the admin of this bridge.")},

	// What the bridge has stored.
	{Request, is(ErrContacts), codeTrouble, certain, answered, say("The contact list could not be read. The admin of this bridge finds the reason in the log.")},
	{Request, is(ErrAlerts), codeTrouble, certain, answered, say("The alerts could not be read. The admin of this bridge finds the reason in the log.")},

	// Texts that are sent again.
	{Again, is(ErrNothingFailed), "msn-nothing-failed", certain, answered, say("Nothing that you have written here of late has failed, so there is nothing to send again.")},
	{Again, is(ErrMayHaveArrived), "msn-uncertain", certain, answered, say("It was not sent again: your last text may have reached {name}. Ask them, and send `!retry anyway` if it did not.")},
	{Again, is(ErrNotDone), "msn-not-done", certain, answered, say("It was not sent again: the bridge is not done with your last text yet. Try again in a moment.")},
	{Again, is(ErrNotRead), "msn-not-read", certain, answered, say("It was not sent again: the homeserver does not say what your last text was. Write it once more.")},
	{Again, is(ErrBridge), codeTrouble, certain, answered, say("It was not sent again: the bridge could not read or store it. Try again; if that lasts, tell the admin of this bridge.")},

	// Whatever a command asks the service.
	{commands, is(msn.ErrNotConnected), "msn-not-connected", certain, answered, say("The bridge is not connected to {service} at the moment; it keeps trying. Try again later.")},
	{commands, is(msn.ErrClosed), "msn-not-connected", certain, answered, say("The bridge has just signed out of {service}. Try again later.")},
	{commands, is(msn.ErrTooFast), "msn-too-fast", certain, answered, say("{service} says that you do this too often. Wait a minute and try again.")},
	{commands, is(msn.ErrTimeout), "msn-timeout", certain, answered, say("{service} did not answer: it may not know this request. Try again in a minute.")},
	{commands, isPastDeadline, "msn-timeout", certain, answered, say("{service} did not answer in time. Try again in a minute.")},
	{commands, isCancelled, "msn-not-connected", certain, answered, say("The bridge has just signed out of {service}. Try again later.")},
	{Page, isServerError, codeServerError, certain, answered, say("{service} refused the page to {name} (error {n}).")},
	{Page, anything, "msn-error", certain, answered, say("The page to {name} was not sent: {service} did something unexpected. The admin of this bridge finds more in the log.")},
	{commands, isServerError, codeServerError, certain, answered, say("{service} refused it (error {n}). Try again later.")},
	{commands, anything, "msn-error", uncertain, answered, say("{service} did something unexpected. Try again later; the admin of this bridge finds more in the log.")},
}
