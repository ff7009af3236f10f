package msntest

import (
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/passport"
)

// The recorded calls to web services, played against this server.

// webAnswer is what of an answer is compared: status, what it answers, and the fault.
type webAnswer struct{ status, operation, fault string }

var (
	answerElement = regexp.MustCompile(`<(?:soap:)?Body>\s*<([A-Za-z0-9:]+)`)
	faultElement  = regexp.MustCompile(`<errorcode[^>]*>([^<]*)<|<faultcode[^>]*>q0:([^<]*)<`)
	guidElement   = regexp.MustCompile(`Result>\s*<guid>([^<]*)<`)
	messageIDs    = regexp.MustCompile(`(?:&lt;|<)I(?:&gt;|>)([0-9A-F-]{36})(?:&lt;|<)`)
)

func answerOf(status, body string) webAnswer {
	a := webAnswer{status: status}
	if m := answerElement.FindStringSubmatch(body); m != nil {
		a.operation = m[1]
	}
	if m := faultElement.FindStringSubmatch(body); m != nil {
		a.fault = m[1] + m[2]
	}
	return a
}

// played reports whether a recorded request is one that is played: those for tickets
// are not, as the tickets are made without.
func played(r transcript.Record) bool {
	if r.Conn != "HTTPS" || r.Kind != transcript.FromClient {
		return false
	}
	for _, path := range []string{SharingPath, AddressBookPath, MailboxPath, PostPath, StoragePath} {
		if strings.HasPrefix(r.Text, "POST "+path+" ") {
			return true
		}
	}
	return false
}

// recordedAnswer finds the answer to a recorded request: clients do not wait for one
// before they do something else.
func (p *replay) recordedAnswer(do transcript.Record) string {
	for i, r := range p.rec.Records {
		if r.Line > do.Line && r.Who == do.Who && r.Conn == "HTTPS" && r.Kind == transcript.FromServer && !p.answered[i] {
			p.answered[i] = true
			return r.Text
		}
	}
	return ""
}

// call sends a recorded request, with our tickets and IDs, and compares the answer.
func (p *replay) call(s *step) {
	head, body, _ := strings.Cut(s.do.Text, "\r\n\r\n")
	_, rest, _ := strings.Cut(head, " ")
	path, _, _ := strings.Cut(rest, " ")
	for theirs, ours := range p.ours {
		if len(theirs) < 16 {
			continue
		}
		body = strings.ReplaceAll(body, html.EscapeString(theirs), html.EscapeString(ours))
		if inner, ok := strings.CutPrefix(theirs, "t="); ok {
			inner, _, _ = strings.Cut(inner, "&p=")
			mine, _, _ := strings.Cut(strings.TrimPrefix(ours, "t="), "&p=")
			body = strings.ReplaceAll(body, "<t>"+inner+"</t>", "<t>"+mine+"</t>")
		}
	}
	request, err := http.NewRequestWithContext(p.ctx, http.MethodPost, p.srv.urls.host+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.SplitSeq(head, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok && name == "SOAPAction" {
			request.Header.Set(name, value)
		}
	}
	response, err := p.srv.HTTPClient().Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	ours, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	recordedHead, recorded, _ := strings.Cut(p.recordedAnswer(s.do), "\r\n\r\n")
	fields := strings.Fields(recordedHead)
	if len(fields) < 2 {
		p.t.Fatalf("%v: no recorded answer", s.do)
	}
	want, got := answerOf(fields[1], recorded), answerOf(strings.Fields(response.Status)[0], string(ours))
	if want != got {
		p.t.Errorf("%.120v…\nrecorded %+v\nours     %+v", s.do, want, got)
	}
	p.learnCircles(recorded, string(ours))
	for _, ids := range []*regexp.Regexp{guidElement, messageIDs} {
		theirs, mine := ids.FindAllStringSubmatch(recorded, -1), ids.FindAllStringSubmatch(string(ours), -1)
		if len(theirs) != len(mine) {
			p.t.Errorf("%.120v…: %d IDs, recorded %d", s.do, len(mine), len(theirs))
		}
		for i := range min(len(theirs), len(mine)) {
			p.ours[theirs[i][1]] = mine[i][1]
		}
	}
}

var (
	circleElement = regexp.MustCompile(`CreateCircleResult>\s*<Id>([^<]*)<`)
	circleTickets = regexp.MustCompile(`<CircleTicket>([^<]*)</CircleTicket>`)
)

// learnCircles notes the ID of a circle that was made, and the ticket of circles.
func (p *replay) learnCircles(recorded, ours string) {
	if theirs, mine := circleElement.FindStringSubmatch(recorded), circleElement.FindStringSubmatch(ours); theirs != nil && mine != nil {
		p.circle = strings.NewReplacer(theirs[1], mine[1])
	}
	if theirs, mine := circleTickets.FindStringSubmatch(recorded), circleTickets.FindStringSubmatch(ours); theirs != nil && mine != nil {
		ticket := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(html.UnescapeString(s))) }
		p.ours[ticket(theirs[1])] = ticket(mine[1])
	}
}

// proof makes our ticket and proof where the recorded client had right ones.
func (p *replay) proof(args []string, e *end) {
	ticket, right := args[3], len(args) > 4 && strings.HasPrefix(args[4], "HAAAAAEAAAADZgAA")
	p.srv.mu.Lock()
	defer p.srv.mu.Unlock()
	a := p.srv.loginAccount(e.conn.claimed)
	if a == nil || !right {
		return
	}
	secret := "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
	if p.ours[ticket] == "" {
		p.ours[ticket] = "t=" + newGUID() + "&p="
		p.srv.webTickets.put(p.ours[ticket], &webTicket{account: a, secret: secret}, webTicketLife)
	}
	args[3] = p.ours[ticket]
	args[4], _ = passport.Proof(secret, e.conn.salt)
}
