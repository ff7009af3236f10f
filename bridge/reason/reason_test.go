package reason

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/lib/pq"
	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/passport"
)

var update = flag.Bool("update", false, "write testdata/reasons.txt anew")

var home = Subject{Name: "Bob", Service: "Home", ServiceKey: "home", Choices: "INBOX, PROFILE"}

type namedPlace struct {
	name  string
	place Place
	own   string // what the names of errors begin with that come there only
}

// places have their names in testdata/reasons.txt.
var places = []namedPlace{
	{"page", Page, ""}, {"call", Call, ""}, {"circle", Circle, ""}, {"roster", Roster, ""}, {"name", Name, ""}, {"invitation", Invitation, ""}, {"link", Link, ""}, {"search", Search, ""},
	{"web login", WebLogin, ""}, {"sign-out", SignOut, ""}, {"nudge", Nudge, ""}, {"again", Again, ""}, {"request", Request, ""},
	{"input", Input, "typed "}, {"lookup", Lookup, "named "}, {"login", Login, "login "}, {"bounce", Bounce, "bounced "}, {"delivery", Delivery, "delivery"}, {"file", File, "coming "}, {"check", Check, "tried "},
}

// Codes and sentences are what people and programs know: testdata/reasons.txt holds what
// each error means in each place, but for those that mean nothing in particular there.
func TestCodesAndSentencesStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	line := func(code, format string, args ...any) {
		if code != "msn-error" && code != "msn-not-passed-on" {
			fmt.Fprintf(&b, format, args...)
		}
	}
	for _, test := range examples() {
		err := fmt.Errorf("x: %w", test.err)
		if own := slices.IndexFunc(places, func(p namedPlace) bool { return p.own != "" && strings.HasPrefix(test.name, p.own) }); own >= 0 {
			r := Of(err, places[own].place, home)
			line(r.Code, "%s: %s: %s %q\n", places[own].name, test.name, r.Code, r.Sentence)
			continue
		}
		if p := Of(err, Connection, home); p.Code != "msn-connection-lost" || strings.HasPrefix(test.name, "OUT ") {
			state := p.BridgeState()
			line(p.Code, "connection: %s: %s %s %s %q\n", test.name, p.Code, state.StateEvent, state.UserAction, p.Sentence)
		}
		for _, who := range []Subject{{Listed: true}, {Online: true}, {}} {
			if who != (Subject{Listed: true}) && !errors.Is(err, msn.ErrOffline) {
				continue
			}
			who.Name, who.Service = "Bob (bob@example.com)", "Home"
			r := Refused(err, who).(bridgev2.MessageStatus)
			code, _, _ := strings.Cut(r.InternalError.Error(), ":")
			line(code, "message: %s (online %v, listed %v): %v %s %s %v %v %q\n", test.name, who.Online, who.Listed,
				r.InternalError, r.Status, r.ErrorReason, r.IsCertain, r.SendNotice, r.Message)
		}
		for _, place := range places {
			r := Of(err, place.place, home)
			if place.own != "" && test.name != "something else" {
				continue
			}
			line(r.Code, "%s: %s: %s %q\n", place.name, test.name, r.Code, r.Sentence)
		}
	}
	const golden = "testdata/reasons.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(wanted)) {
		if i >= len(got) || i >= len(wanted) || got[i] != wanted[i] {
			t.Fatalf("line %d is\n%s\nwant\n%s", i+1, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""), strings.Join(wanted[min(i, len(wanted)):min(i+1, len(wanted))], ""))
		}
	}
}

type example struct {
	name string
	err  error
}

// examples are errors of all kinds.
func examples() (all []example) {
	add := func(name string, err error) { all = append(all, example{name, err}) }
	password := Of(msn.ErrBadCredentials, Connection, home)
	add("tried host that does not exist", &net.DNSError{Name: "msn.example.com"})
	add("tried certificate that has expired", &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Cert: new(x509.Certificate), Reason: x509.Expired}})
	add("tried certificate for another name", &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: new(x509.Certificate), Host: "x"}})
	add("tried certificate", &tls.CertificateVerificationError{Err: errors.New("self-signed")})
	add("tried private address", msn.ErrUntrusted)
	add("tried other dialects", msn.ErrNoDialect)
	add("tried gateway", msn.ErrGateway)
	add("tried server that is silent", msn.ErrTimeout)
	add("tried server that is away", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})
	add("tried server that hangs up", msn.ErrRefused)
	add("tried address", msn.ErrConfig)
	add("tried something else", errors.New("a whim"))
	add("bridge trouble", ErrBridge)
	add("not stored", ErrNotStored)
	add("no name in Matrix", ErrNoName)
	add("name in Matrix unknown", ErrNameUnknown)
	add("not a chat", ErrNotAChat)
	add("alerts room", ErrAlertsRoom)
	add("blocked by the user", ErrBlockedByUser)
	add("not seen", ErrNotSeen)
	add("not told", ErrNotTold)
	add("page not sent", ErrPageNotSent)
	add("no room", ErrRoom)
	add("group without members", ErrNoMembers)
	add("group of one", ErrOneMember)
	add("group with too many", ErrManyMembers)
	add("group with a stranger", ErrStranger)
	add("group not made", ErrGroup)
	add("let in only", fmt.Errorf("%w: %w", ErrLetInOnly, errors.New("a whim")))
	add("let in only, the list is full", fmt.Errorf("%w: %w", ErrLetInOnly, msn.ErrListFull))
	add("let in only, uncertain", fmt.Errorf("%w: %w", ErrLetInOnly, msn.ErrUncertain))
	add("contacts cannot be read", ErrContacts)
	add("alerts cannot be read", ErrAlerts)
	add("no public address", ErrNoAddress)
	add("reaction", ErrReaction)
	add("redaction", ErrRedaction)
	add("not corrected", ErrNotCorrected)
	add("emptied", ErrEmptied)
	add("not taken", ErrNotTaken)
	add("refused by the database", fmt.Errorf("%w: %w", ErrBridge, &pq.Error{Code: "22021"}))
	add("not withdrawn", ErrNotWithdrawn)
	add("picture", ErrMedia)
	add("file without an address", ErrNoFile)
	add("picture with words", ErrWordsOnly)
	add("picture of somebody who is relayed", ErrNamedOnly)
	add("files with an old dialect", ErrNoFiles)
	add("file to an old Messenger", ErrOldMessenger)
	add("file to somebody offline", ErrFileOffline)
	add("file that cannot be read", ErrFileUnread)
	add("file that is too large", LargeFile{100_000_000})
	add("any file", LargeFile{})
	for _, e := range []error{msn.ErrDeclined, msn.ErrCancelled, msn.ErrSilent, msn.ErrUnconfirmed, msn.ErrGone, msn.ErrBroken, msn.ErrManyFiles, ErrFileStopped} {
		add("sending: "+e.Error(), e)
	}
	for _, e := range []error{ErrFileStopped, ErrBlockedByUser, ErrFileUndecided, ErrFileNotStored, ErrFileCrowd, LargeFile{50_000_000}, LargeFile{}, msn.ErrCancelled, msn.ErrNoOffer, msn.ErrUnreachable,
		msn.ErrSilent, msn.ErrGone, msn.ErrBroken, msn.ErrNotConnected, msn.ErrClosed, msn.ErrDeclined, msn.ErrManyFiles, msn.ErrOffline, msn.ErrNoAnswer,
		msn.ErrNotDelivered, msn.ErrSwitchboard, msn.ErrTimeout, errors.New("a whim")} {
		add("coming "+e.Error(), e)
	}
	add("nothing has failed", ErrNothingFailed)
	add("the last text may have arrived", ErrMayHaveArrived)
	add("the last text is not done with", ErrNotDone)
	add("the last text is not known", ErrNotRead)
	add("call to MSN", ErrCall)
	add("vote", ErrVote)
	add("live location to MSN", ErrLiveLocation)
	add("verification", ErrVerification)
	add("no words", ErrNoWords)
	add("long address", msnid.ErrLongID)
	for _, e := range []error{msnid.ErrEmptyAccount, msnid.ErrLongAccount, msnid.ErrLongID, msnid.ErrNoAccount, msnid.ErrAccountCharacter,
		ErrEmptyPassword, ErrLongPassword, ErrPasswordLine} {
		add("typed "+e.Error(), e)
	}
	for _, e := range []error{msnid.ErrEmptyAccount, msnid.ErrLongAccount, msnid.ErrLongID, msnid.ErrNoAccount, msnid.ErrAccountCharacter,
		ErrOwnAccount, ErrOtherService, ErrContacts, ErrUnseen} {
		add("named "+e.Error(), e)
	}
	for _, e := range []error{ErrNotYours, ErrOtherService, ErrOtherAccount, ErrLeaving, ErrLoggedOut, ErrManyAttempts, ErrTaken} {
		add("login "+e.Error(), e)
	}
	for _, code := range []string{"", "0", "1", notify.BounceTooLong, "500\n"} {
		add(fmt.Sprintf("bounced %q", code), Bounced{code})
	}
	add("no service", config.ErrNoService)
	add("stored password", config.ErrCredentials)
	add("carries nothing", ErrCarriesNothing)
	for _, e := range []error{msn.ErrUncertain, msn.ErrUntrusted, msn.ErrBlocked, msn.ErrOffline, msn.ErrNoSuchContact, msn.ErrListFull, msn.ErrNetwork, msn.ErrCircle, msn.ErrCircleMember,
		msn.ErrNoAnswer, msn.ErrHidden, msn.ErrTooFast, msn.ErrNotDelivered, msn.ErrTooMany, msn.ErrTooLong, msn.ErrEmpty, msn.ErrSwitchboard, msn.ErrBusy,
		msn.ErrNotConnected, msn.ErrClosed, msn.ErrTimeout, msn.ErrArgument, msn.ErrDialect, msn.ErrNoMobile, msn.ErrNoPaging, msn.ErrPageRefused, msn.ErrPageFailed,
		msn.ErrPagingUnavailable, msn.ErrNoSuchURL, msn.ErrSearchDisabled, msn.ErrBadCredentials, msn.ErrTicket, msn.ErrAccountLocked, msn.ErrNoDialect, msn.ErrGateway, msn.ErrRefused, msn.ErrNoForm,
		notify.ErrEmptyPage, notify.ErrPageText, notify.ErrCallback, context.DeadlineExceeded, context.Canceled} {
		add(e.Error(), e)
	}
	add("page too long", &notify.TooLongError{Count: 120})
	add("server error", &msn.ServerError{Number: 280})
	for _, number := range []int{420, 911, 917, 923, 924, 926, 927} {
		add(fmt.Sprint("account locked ", number), fmt.Errorf("%w: %w", msn.ErrAccountLocked, &msn.ServerError{Number: number}))
	}
	add("account locked by the login service", fmt.Errorf("%w: %w", msn.ErrAccountLocked, &passport.AccountError{Code: "0x80048831", Reason: "its password has expired"}))
	for _, why := range []string{"OTH", "TOU", "SSD", "RCT"} {
		add("OUT "+why, &msn.OutError{Reason: why})
	}
	add("unknown host", &net.DNSError{Name: "host.invalid", Err: "no such host", IsNotFound: true})
	add("certificate", &tls.CertificateVerificationError{Err: errors.New("unknown authority")})
	add("other client wanted", &msn.UpgradeError{Version: msn.Version{Recommended: "14.0.8117"}})
	add("nothing listens", &net.OpError{Op: "dial", Err: errors.New("connection refused")})
	add("some parts arrived", fmt.Errorf("%w: %w", &msn.PartsError{Parts: 3, Acknowledged: 1}, msn.ErrOffline))
	add("the beginning arrived", &msn.PartsError{Parts: 3, Acknowledged: 1, Characters: 1234567, First: 1400, Reason: msn.ErrOffline})
	add("the beginning arrived, and is joined with the rest", &msn.PartsError{Parts: 3, Acknowledged: 1, Characters: 1001, First: 999, Joined: true, Reason: msn.ErrNotDelivered})
	add("not connected yet", NotConnected{})
	add("not connected because of the password", NotConnected{&password})
	add("switchboard refused with an error", fmt.Errorf("%w: %w", msn.ErrSwitchboard, &msn.ServerError{Number: 280}))
	add("switchboard elsewhere", fmt.Errorf("%w: %w", msn.ErrSwitchboard, msn.ErrUntrusted))
	add("cut off in the middle", fmt.Errorf("%w: %w", msn.ErrUncertain, context.Canceled))
	add("something else", errors.New("something else"))
	return all
}

// What package msn returns is wrapped; the row that says the most must win.
func TestErrorsComeOutAsTheRowThatSaysTheMost(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"msn-untrusted-address": fmt.Errorf("%w: %w", msn.ErrSwitchboard, msn.ErrUntrusted),
		"msn-session-refused":   fmt.Errorf("%w: %w", msn.ErrSwitchboard, &msn.ServerError{Number: 280}),
		"msn-uncertain":         fmt.Errorf("%w: %w", msn.ErrUncertain, context.Canceled),
		"msn-timeout":           context.DeadlineExceeded,
		"msn-not-connected":     NotConnected{},
		"msn-offline":           fmt.Errorf("x: %w", msn.ErrOffline),
		"msn-error":             fmt.Errorf("something else"),
	} {
		status, ok := Refused(err, Subject{Name: "Bob", Service: "Home"}).(bridgev2.MessageStatus)
		if !ok || status.Message == "" || !status.SendNotice {
			t.Errorf("%v gives %+v", err, status)
			continue
		}
		if got := fmt.Sprint(status.InternalError); len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}

func TestServiceThatAsksForAnotherClientSaysWhich(t *testing.T) {
	t.Parallel()
	got := Of(fmt.Errorf("x: %w", &msn.UpgradeError{Version: msn.Version{Recommended: "14.0.8117"}}), Connection, home)
	if got.Code != "msn-no-dialect" || !got.Retried() || !strings.Contains(got.Sentence, "version 14.0.8117 of the client") {
		t.Errorf("got %+v", got)
	}
}

func TestEveryRowHasItsSentence(t *testing.T) {
	t.Parallel()
	for i, row := range table {
		// The errors of some rows hold what their sentences say.
		for _, test := range examples() {
			if !row.when(test.err) {
				continue
			}
			sentence := row.text(test.err, home)
			if !strings.HasSuffix(sentence, ".") || strings.ContainsAny(sentence, "{}") || strings.Contains(sentence, "%!") {
				t.Errorf("row %d, %s: %q", i, row.code, sentence)
			}
		}
		if !strings.HasPrefix(row.code, "msn-") {
			t.Errorf("row %d has the code %q", i, row.code)
		}
	}
}

func TestEveryPlaceHasARowForEverything(t *testing.T) {
	t.Parallel()
	for place := Connection; place <= Request; place <<= 1 {
		if r := Of(errors.New("something else"), place, home); r.Sentence == "" {
			t.Errorf("place %b has no sentence", place)
		}
	}
}

func TestReasonIsKnownByItsCodeAndNumber(t *testing.T) {
	t.Parallel()
	for _, test := range examples() {
		if errors.Is(test.err, msn.ErrNotConnected) || errors.Is(test.err, msn.ErrClosed) || errors.Is(test.err, context.Canceled) ||
			errors.Is(test.err, msn.ErrTimeout) || errors.Is(test.err, context.DeadlineExceeded) {
			continue // several sentences have the same code
		}
		want := Of(test.err, Page, home)
		if got := OfCode(want.Code, NumberOf(test.err), Page, home); got.Sentence != want.Sentence {
			t.Errorf("%s: %q, want %q", test.name, got.Sentence, want.Sentence)
		}
	}
	if got := OfCode("msn-of-another-version", "", Page, home); !strings.Contains(got.Sentence, "was not sent: Home did something unexpected") {
		t.Errorf("an unknown code is %q", got.Sentence)
	}
	if got := OfCode("msn-page-too-long", "", Page, home); !strings.Contains(got.Sentence, "was not sent: Home did something unexpected") {
		t.Errorf("a page of unknown length is %q", got.Sentence)
	}
}

func TestWhatTheWebServicesRefuseReachesTheUser(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"the account": {
			fmt.Errorf("%w: %w", msn.ErrAccountLocked, &passport.AccountError{Code: "0x80048831", Reason: "its password has expired"}),
			"Home refused the account: its password has expired.",
		},
		"the contact list": {fmt.Errorf("contact list: %w: 503", msn.ErrBusy), "Home is out of order or busy."},
		"the gateway":      {fmt.Errorf("%w: %w: status 404", msn.ErrRefused, msn.ErrGateway), "The HTTP gateway of Home does not answer as one."},
	} {
		if got := Of(test.err, Connection, home); !strings.Contains(got.Sentence, test.want) {
			t.Errorf("%s: told %q", name, got.Sentence)
		}
	}
}

// Users read no names of settings, which are the admin's, and none of states.
func TestSentencesNameNoSettings(t *testing.T) {
	t.Parallel()
	for _, test := range examples() {
		for _, place := range append([]namedPlace{{"connection", Connection, ""}, {"message", Message, ""}}, places...) {
			if place.place == Check {
				continue // for the admin
			}
			sentence := Of(fmt.Errorf("x: %w", test.err), place.place, home).Sentence
			for _, raw := range []string{"network.", "appservice.", "public_media", "TRANSIENT", "BAD_CRED", "UNKNOWN_ERROR", "_"} {
				if strings.Contains(sentence, raw) {
					t.Errorf("%s: %s: %q", place.name, test.name, sentence)
				}
			}
		}
	}
}

// A name that somebody chose is put into a sentence as it is.
func TestNamesAreNoMarks(t *testing.T) {
	t.Parallel()
	if got := Of(msn.ErrBlocked, Message, Subject{Name: "{service} %s"}).Sentence; got != "{service} %s has blocked you." {
		t.Errorf("told %q", got)
	}
}

// Who is logged in gives a new password by relogin, which needs the ID of the login.
func TestRefusedPasswordNamesTheLogin(t *testing.T) {
	about := home
	if got := Of(msn.ErrBadCredentials, Connection, about).Sentence; got != "Home refused the e-mail address or the password. Check both and log in again." {
		t.Errorf("without a login: %q", got)
	}
	about.Login = "home/alice@example.com"
	if got := Of(msn.ErrBadCredentials, Connection, about).Sentence; got != "Home refused the e-mail address or the password. Check both and send `relogin home/alice@example.com`." {
		t.Errorf("with a login: %q", got)
	}
}
