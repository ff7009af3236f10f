package msntest

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"

	"matrix-msn/msn/wire"
)

// How the recorded answers and ours are compared.

// compare compares what a connection got in one step. What ours said beyond that
// is returned: clients that do not wait for answers make the recording have it
// after their next command, and presence is told when there is time for it.
func (p *replay) compare(s *step, place string, want, got []wire.Command) (rest []wire.Command) {
	p.t.Helper()
	want, got = p.expected(s, place, want, got)
	for _, w := range want {
		i := p.find(w, got)
		if i < 0 && p.pipelined && (w.Verb == "NLN" || w.Verb == "FLN" || w.Verb == "UBX") {
			// The recorded server told what was true when it came to it.
			continue
		}
		if i < 0 {
			ours := "nothing"
			if len(got) > 0 {
				ours = p.normal(got[0], false)
				got = got[1:]
			}
			p.t.Errorf("%v: to %s\nrecorded %s\nours     %s", s.do, place, p.normal(w, true), ours)
			continue
		}
		got = slices.Delete(slices.Clone(got), i, i+1)
	}
	return got
}

// find returns which of got is the recorded command; only presence may stand
// before it.
func (p *replay) find(w wire.Command, got []wire.Command) int {
	for i, g := range got {
		learnt := maps.Clone(p.ours)
		p.learn(w, g)
		if p.normal(w, true) == p.normal(g, false) {
			return i
		}
		p.ours = learnt
		if g.Verb != "NLN" && g.Verb != "FLN" && g.Verb != "UBX" && g.Verb != "ACK" && !p.pipelined {
			break
		}
	}
	return -1
}

// made says which parameters of a command its server makes up.
var made = map[string][]int{
	"XFR": {2, 4}, "RNG": {0, 1, 3}, "CAL": {2}, "CHL": {1}, "ADG": {2}, "CVR": {1, 2, 3, 4, 5},
}

func madeUp(cmd wire.Command) []int {
	switch {
	case cmd.Verb == "USR" && cmd.Arg(1) == "MD5":
		return []int{3}
	case cmd.Verb == "USR" && cmd.Arg(1) == "SSO":
		return []int{4}
	case cmd.Verb == "ADG" && len(cmd.Args) == 5:
		return nil // numbers count up there
	case cmd.Verb == "SYN" && strings.Contains(cmd.Arg(1), "-"):
		return []int{1, 2}
	}
	return made[cmd.Verb]
}

func (p *replay) learn(want, got wire.Command) {
	for _, i := range madeUp(want) {
		if theirs, ours := want.Arg(i), got.Arg(i); theirs != "" && ours != "" && want.Verb == got.Verb {
			p.ours[theirs] = ours
		}
	}
	for i, arg := range want.Args {
		if theirs, ok := strings.CutPrefix(arg, "C="); ok {
			p.ours[theirs] = strings.TrimPrefix(got.Arg(i), "C=")
		}
	}
}

// normal is a command in a form in which the recorded and ours compare equal.
func (p *replay) normal(cmd wire.Command, recorded bool) string {
	args := append([]string(nil), cmd.Args...)
	for _, i := range madeUp(cmd) {
		if i < len(args) {
			args[i] = "*"
		}
	}
	for i, arg := range args {
		if strings.HasPrefix(arg, "%3Cmsnobj") {
			args[i] = wire.Decode(arg)
		}
	}
	if recorded {
		for i := range args {
			for _, prefix := range []string{"C=", ""} {
				if ours, ok := p.ours[strings.TrimPrefix(args[i], prefix)]; ok && strings.HasPrefix(args[i], prefix) && len(args[i]) > 8 {
					args[i] = prefix + ours
					break
				}
			}
		}
	}
	text := strings.Join(append([]string{cmd.Verb}, args...), " ")
	if cmd.HasPayload {
		text += fmt.Sprintf(" + %q", p.payload(cmd))
	}
	if recorded {
		text = p.circle.Replace(text)
	}
	return text
}

// payload is a payload without what differs from server to server.
func (p *replay) payload(cmd wire.Command) string {
	switch {
	case cmd.Verb == "MSG" && cmd.Arg(0) == "Hotmail":
		return wire.ParseMessage(cmd.Payload).MediaType()
	case cmd.Verb == "GCF" && cmd.Arg(0) == "0":
		return "policies"
	case cmd.Verb == "NOT":
		_, circle, _ := strings.Cut(html.UnescapeString(cmd.Payload), "<CircleId>")
		circle, _, _ = strings.Cut(circle, "<")
		return map[bool]string{true: "ABCHInternal", false: "other"}[strings.Contains(cmd.Payload, "ABCHInternal")] + " " + circle
	case cmd.Verb == "UBX":
		return strings.ReplaceAll(html.UnescapeString(cmd.Payload), "<CurrentMedia></CurrentMedia>", "")
	}
	return cmd.Payload
}
