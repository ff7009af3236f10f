package msn

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/internal/web"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// From MSNP13 on a recording also holds calls to web services, or leaves them out. The
// services that a replayed Client calls answer as recorded; what was left out is made
// of what the recorded client says that it got: the ticket that it showed (USR), the
// lists that it told the server (ADL) and its name (PRP).

// replayWeb answers the calls of one sign-in.
type replayWeb struct {
	mu       sync.Mutex
	recorded map[string][]string // answers by operation
	ticket   string
	members  []wire.Member
	name     string
	secret   string // that came with the ticket
}

// webServices reads what the sign-in got from web services.
func (r *replay) webServices() *replayWeb {
	w := &replayWeb{recorded: make(map[string][]string)}
	operation, present := "", false
	for _, i := range r.rec.records {
		switch {
		case i.Conn == "HTTPS" && present:
			// What comes after signing in answers changes that the recorded client
			// has made and this one has not.
		case i.Conn == "HTTPS" && i.client():
			operation = recordedOperation(i.Text)
		case i.Conn == "HTTPS" && i.server() && operation != "":
			w.recorded[operation] = append(w.recorded[operation], i.Text)
			operation = ""
		case !i.client() || !isNotification(i.Conn) || i.malformed:
		case i.cmd.Verb == "CHG":
			present = true
		case i.cmd.Verb == "USR" && i.cmd.Arg(2) == "S" && w.ticket == "":
			w.ticket = i.cmd.Arg(3)
		case i.cmd.Verb == "PRP" && i.cmd.Arg(1) == "MFN" && w.name == "":
			w.name = wire.Decode(i.cmd.Arg(2))
		}
	}
	w.members, w.secret = r.toldMembers(), fakeSecret
	r.web = w
	return w
}

// toldMembers are those whom the recorded client told the server of while signing in.
func (r *replay) toldMembers() (members []wire.Member) {
	for _, i := range r.rec.records {
		if !i.client() || !isNotification(i.Conn) {
			continue
		}
		switch i.cmd.Verb {
		case "ADL":
			if list, err := wire.ParseMembers(i.cmd.Payload); err == nil && strings.Contains(i.cmd.Payload, "<ml l=") {
				members = append(members, list...)
			}
		case "CHG":
			return members
		}
	}
	return members
}

// recordedOperation names the operation of a recorded request.
func recordedOperation(text string) string {
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		return ""
	}
	return operationOf(request)
}

func operationOf(r *http.Request) string {
	if strings.HasSuffix(strings.ToLower(r.URL.Path), ".srf") {
		return "RST"
	}
	action := strings.Trim(r.Header.Get("SOAPAction"), `"`)
	return action[strings.LastIndexByte(action, '/')+1:]
}

// RoundTrip implements http.RoundTripper.
func (w *replayWeb) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	operation := operationOf(r)
	if answers := w.recorded[operation]; len(answers) > 0 {
		w.recorded[operation] = answers[1:]
		if operation == "RST" {
			_, rest, _ := strings.Cut(answers[0], passport.ServiceMessengerClear.Address)
			_, rest, _ = strings.Cut(rest, "BinarySecret>")
			w.secret, _, _ = strings.Cut(rest, "<")
		}
		return http.ReadResponse(bufio.NewReader(strings.NewReader(answers[0])), r)
	}
	content, ok := w.made(operation)
	if !ok {
		return nil, errors.New("nothing more was recorded")
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(content)), Request: r}, nil
}

// made is the answer to a call that was left out, once.
func (w *replayWeb) made(operation string) (string, bool) {
	var b strings.Builder
	result := func(content string) string {
		return soapEnvelope("<" + operation + "Response><" + operation + "Result>" + content + "</" + operation + "Result></" + operation + "Response>")
	}
	switch operation {
	case "RST":
		for i, service := range append([]passport.Service{passport.ServiceMessengerClear}, web.TicketServices...) {
			fmt.Fprintf(&b, `<R><RequestSecurityTokenResponse><AppliesTo><EndpointReference><Address>%s</Address></EndpointReference></AppliesTo>`+
				`<RequestedSecurityToken><BinarySecurityToken Id="Compact%d">%s</BinarySecurityToken></RequestedSecurityToken>`+
				`<RequestedProofToken><BinarySecret>%s</BinarySecret></RequestedProofToken></RequestSecurityTokenResponse></R>`,
				service.Address, i, escapeText(w.ticket), fakeSecret)
		}
		return soapEnvelope("<C>" + strings.NewReplacer("<R>", "", "</R>", "").Replace(b.String()) + "</C>"), true
	case "FindMembership":
		for role, list := range rolesOfLists {
			if list&(ListAllow|ListBlock) == 0 {
				continue
			}
			for _, m := range w.members {
				if List(m.Lists).Has(list) {
					b.WriteString(membership(string(role), escapeText(m.Account)))
				}
			}
		}
		return result("<Services><Service><Memberships>" + b.String() + "</Memberships><Info><Handle><Type>Messenger</Type></Handle></Info></Service></Services>"), true
	case "ABFindAll", "ABFindContactsPaged":
		for i, m := range w.members {
			if List(m.Lists).Has(ListForward) {
				b.WriteString(contactElement(fmt.Sprintf("00000000-0000-0000-0000-%012d", i+1), escapeText(m.Account), ""))
			}
		}
		me := ""
		if w.name != "" {
			me = meElement(escapeText(w.name))
		}
		if operation == "ABFindAll" {
			return result("<contacts>" + me + b.String() + "</contacts>"), true
		}
		return result("<Contacts>" + me + b.String() + "</Contacts>"), true
	}
	return "", false
}

func escapeText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// webConfig adds to the Config what the recorded sign-in needs from MSNP13 on.
func (r *replay) webConfig(cfg *Config) {
	web := r.webServices()
	const host = "https://127.0.0.1"
	// Offline messages are left out: recorded clients fetch and send them at moments
	// of their own (msn/soap tests that against the same recordings).
	cfg.Web = WebServices{Login: host + "/RST.srf", AddressBook: host + "/abservice/abservice.asmx", Sharing: host + "/abservice/SharingService.asmx"}
	cfg.https = web
	for _, i := range r.rec.records {
		if !i.client() || i.cmd.Verb != "USR" && i.cmd.Verb != "ANS" {
			continue
		}
		// libpurple leaves the braces out while signing in.
		place := "{" + strings.Trim(i.cmd.Arg(5), "{}") + "}"
		if !isNotification(i.Conn) {
			_, place, _ = strings.Cut(i.cmd.Arg(1), ";")
		}
		if clean.IsGUID(place) {
			cfg.MachineGUID = place
		}
	}
}

// answerCommand sends what the server said to a recorded command of the sign-in,
// wherever that stands: recorded clients send several before the answers come. What
// the server says by itself before the next command goes out too. It reports whether
// the connection was closed instead.
func (r *replay) answerCommand(at int) (closed bool) {
	answered, passed := false, false
	for n := at + 1; n < len(r.rec.records); n++ {
		i := r.rec.records[n]
		if !isNotification(i.Conn) || r.used[n] {
			passed = passed || isNotification(i.Conn) && i.client()
			continue
		}
		switch {
		case i.client():
			passed = true
		case i.Kind == transcript.Connection:
			return !answered && i.Text != transcript.Open
		default:
			cause, ok := r.cause(i)
			if ok && cause.Line == r.rec.records[at].Line {
				answered = true
			} else if ok || passed {
				continue
			}
			r.used[n] = true
			r.expectEvents(i)
			r.ns.sendText(r.translate(r.ns, i))
			if answered && r.rec.records[at].cmd.Verb == "CHG" && i.cmd.Verb == "CHG" {
				return false // signed in: the rest is played as a session
			}
		}
		if answered && passed {
			return false
		}
	}
	return false
}

// unrecorded answers a command of the sign-in that the recorded client never sends, as
// any server would. It reports false for commands without which no sign-in is one.
func (r *replay) unrecorded(cmd wire.Command) bool {
	answer := ""
	switch cmd.Verb {
	case "BLP", "PRP":
		answer = lineOf(cmd)
	case "ADL":
		answer = "ADL " + cmd.Arg(0) + " OK"
	case "UUX":
		answer = "UUX " + cmd.Arg(0) + " 0"
	default:
		return false
	}
	r.t.Logf("the recorded client never sends %s %q; the answer is made up", cmd.Verb, cmd.Payload)
	r.ns.sendText(answer + "\r\n")
	return true
}

// findLike returns the recorded command of the sign-in that stands for cmd: of the
// UUX, which set several things, the one that sets the same.
func (r *replay) findLike(cmd wire.Command) int {
	root, _, _ := strings.Cut(cmd.Payload, ">")
	for n, i := range r.rec.records {
		if r.used[n] || !i.client() || !isNotification(i.Conn) || i.cmd.Verb != cmd.Verb || i.malformed {
			continue
		}
		if cmd.Verb == "ADL" && !strings.Contains(i.cmd.Payload, "<ml l=") || cmd.Verb == "USR" && i.cmd.Arg(1) == "SHA" || cmd.Verb == "UUX" && !strings.HasPrefix(i.cmd.Payload, root+">") {
			continue
		}
		return n
	}
	return -1
}

// compareProof holds a "USR SSO S" against the recorded one. Each proof is made with
// another random number, so that it is verified instead.
func (r *replay) compareProof(recorded item, sent wire.Command) {
	r.t.Helper()
	nonce := ""
	for _, i := range r.rec.records {
		if i.Line < recorded.Line && i.server() && isNotification(i.Conn) && i.cmd.Verb == "USR" && i.cmd.Arg(2) == "S" {
			nonce = i.cmd.Arg(4)
		}
	}
	r.web.mu.Lock()
	secret := r.web.secret
	r.web.mu.Unlock()
	if was := recorded.cmd.Arg(3); was != "" && strings.HasPrefix(sent.Arg(3), was) {
		r.t.Logf("line %d: the recorded client cuts long tickets: %d bytes of %d", recorded.Line, len(was), len(sent.Arg(3)))
	} else {
		r.t.Errorf("line %d: the client shows the ticket %q", recorded.Line, sent.Arg(3))
	}
	if !passport.VerifyProof(sent.Arg(4), secret, nonce) {
		r.t.Errorf("line %d: the proof %q is wrong", recorded.Line, sent.Arg(4))
	}
	if place := sent.Arg(5); place != recorded.cmd.Arg(5) {
		if recorded.cmd.Arg(5) != "" && place != "{"+recorded.cmd.Arg(5)+"}" || r.rec.dialect < wire.FirstEndpoints || !clean.IsGUID(place) {
			r.t.Errorf("line %d: the place is %q", recorded.Line, place)
		}
		r.t.Logf("line %d: from MSNP16 on this client always names its place, in braces", recorded.Line)
	}
}

// about reads in the recording's own words whom a line of presence is about: what
// follows the account, and whether it is another person, not the user and not seen by
// way of a circle.
func (r *replay) about(args []string) (account string, rest []string, theirs bool) {
	account, rest = strings.ToLower(args[0]), args[1:]
	switch d := r.rec.dialect; {
	case d >= 18:
		if _, after, ok := strings.Cut(account, ":"); ok {
			account = after
		}
	case d >= 14 && len(rest) > 0:
		rest = rest[1:]
	}
	account, via, _ := strings.Cut(account, ";")
	return account, rest, via == "" && (r.rec.dialect < 13 || account != strings.ToLower(r.account))
}

// recordedPlace are the parts of UBX that tell where the user is signed in.
var recordedPlace = regexp.MustCompile(`id="(\{[^"]*\})"|<(EpName|Idle|ClientType|State)>([^<]*)<`)

// expectPlaces notes the event that a UBX about the user makes.
func (r *replay) expectPlaces(i item, account string) {
	found := recordedPlace.FindAllString(i.cmd.Payload, -1)
	places := strings.Join(found, "")
	if account != strings.ToLower(r.account) || i.cmd.Payload == "" || places == r.places {
		return
	}
	r.places = places
	ids := make(map[string]bool)
	for _, match := range recordedPlace.FindAllStringSubmatch(i.cmd.Payload, -1) {
		if match[1] != "" {
			ids[strings.ToLower(match[1])] = true
		}
	}
	r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
		changed, ok := e.(EndpointsChanged)
		ok = ok && len(changed.Endpoints) == len(ids)
		for _, place := range changed.Endpoints {
			ok = ok && ids[place.ID] && strings.Contains(places, escapeText(place.Name))
		}
		return ok
	}})
}

// expectMembers notes the events of "ADL 0" and "RML 0".
func (r *replay) expectMembers(i item) {
	members, err := wire.ParseMembers(i.cmd.Payload)
	if err != nil || i.cmd.Arg(0) != "0" {
		return
	}
	if r.added == nil {
		r.added = make(map[string]bool)
		for _, c := range r.client.Contacts() {
			r.added[c.Account] = c.Lists&(ListReverse|ListPending) != 0
		}
	}
	for _, m := range members {
		account := strings.ToLower(m.Account)
		adds := i.cmd.Verb == "ADL"
		if m.Lists != 0 && List(m.Lists)&(ListReverse|ListPending) == 0 || r.added[account] == adds {
			continue
		}
		r.added[account] = adds
		r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
			switch e := e.(type) {
			case AddedYou:
				return adds && e.Contact.Account == account
			case RemovedYou:
				return !adds && e.Contact.Account == account
			}
			return false
		}})
	}
}

// samePeople reports whether two payloads of ADL or RML name the same people with the
// same lists.
func samePeople(a, b string) bool {
	list := func(payload string) map[wire.Member]bool {
		members, err := wire.ParseMembers(payload)
		if err != nil {
			return nil
		}
		set := make(map[wire.Member]bool)
		for _, m := range members {
			set[m] = true
		}
		return set
	}
	people := list(a)
	return people != nil && maps.Equal(people, list(b))
}

// checkTold holds the Client's contact lists against what the recorded client told the
// server of them.
func (r *replay) checkTold() {
	r.t.Helper()
	want := make(map[string]List)
	for _, m := range r.toldMembers() {
		want[strings.ToLower(m.Account)] |= List(m.Lists)
	}
	if len(want) == 0 {
		return // such as a client that stops before that
	}
	got := make(map[string]List)
	for _, c := range r.client.Contacts() {
		if lists := c.Lists & (ListForward | ListAllow | ListBlock); lists != 0 {
			got[c.Account] = lists
		}
	}
	for _, account := range slices.Sorted(maps.Keys(want)) {
		if got[account] != want[account] {
			r.t.Errorf("%s is on the lists %d, the recorded client says %d", account, got[account], want[account])
		}
	}
}

// rolesOfLists are the lists of the membership roles.
var rolesOfLists = map[soap.Role]List{
	soap.Allow: ListAllow, soap.Block: ListBlock, soap.Reverse: ListReverse, soap.Pending: ListPending,
}
