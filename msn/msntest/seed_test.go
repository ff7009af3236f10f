package msntest

import (
	"strconv"
	"strings"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/wire"
)

// seed makes the accounts of a recording with the lists that its first SYN of
// each of them shows.
func seed(s *Server, rec transcript.Recording) {
	names := map[string]string{
		"alice": "Alice", "bob": "Bob Builder", "carol": "Carol ♥ 100%", "dave": "dave@example.com", "erin": "Erin",
	}
	for who, name := range names {
		s.AddAccount(who+"@example.com", replayPassword, Name(name))
	}
	for who, id := range map[string]string{
		"alice": "a11ce000-1a2b-4c3d-8e4f-0a11ce000001", "bob": "b0b00000-2b3c-4d5e-9f6a-0b0b00000002",
		"carol": "ca401000-3c4d-4e6f-a07b-0ca401000003", "dave": "da7e0000-4d5e-4f70-b18c-0da7e0000004",
		"erin": "e4140000-5e6f-4081-829d-0e4140000005",
	} {
		s.accounts[who+"@example.com"].id = id
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, changed := make(map[string]bool), false
	blp := make(map[string]string) // TrID of the last BLP of each user
	reading := make(map[string]*syncReader)
	for _, r := range rec.Records {
		if !r.MSN() {
			continue
		}
		r.Who = strings.TrimRight(r.Who, "23") // the same account at another endpoint
		cmd, err := wire.NewReader(strings.NewReader(r.Text), direction(r)).Read()
		if err != nil {
			continue
		}
		switch {
		case r.Kind == transcript.FromClient && cmd.Verb == "ADL" && initialList.MatchString(cmd.Payload) && !changed && !seen[r.Who]:
			seen[r.Who] = true
			members, _ := wire.ParseMembers(cmd.Payload)
			for _, m := range members {
				s.accounts[r.Who+"@example.com"].list.add(m.Account, List(m.Lists))
			}
		case r.Kind == transcript.FromClient && (cmd.Verb == "ADD" || cmd.Verb == "ADC" || cmd.Verb == "REM"):
			changed = true
		case r.Kind == transcript.FromClient && cmd.Verb == "BLP":
			blp[r.Who] += "," + cmd.Arg(0)
		case cmd.Verb == "218" && blp[r.Who] == ","+cmd.Arg(0):
			s.accounts[r.Who+"@example.com"].blpSet = true
		case r.Kind == transcript.FromClient:
			delete(reading, r.Who)
			if cmd.Verb == "SYN" && !changed && !seen[r.Who] {
				seen[r.Who] = true
				reading[r.Who] = &syncReader{s: s, a: s.accounts[r.Who+"@example.com"]}
			}
		case reading[r.Who] != nil:
			reading[r.Who].command(cmd)
		}
	}
	// Who is told by ADL has the others' lists only by their own.
	for _, a := range s.accounts {
		for _, c := range a.list.order {
			other := s.accounts[c.email]
			who, _, _ := strings.Cut(c.email, "@")
			if c.lists&FL == 0 || c.lists&(RL|PL) != 0 || other == nil {
				continue
			}
			switch {
			case seen[who] && other.list.on(a.email)&FL != 0 && rec.Name != "msnp13-login":
				c.lists |= RL | watches
			case !seen[who] && !strings.Contains(rec.Name, "-login"):
				other.list.add(a.email, FL|AL|RL|watches)
				c.lists |= RL | watches
			}
			if seen[who] {
				other.list.add(a.email, watches)
			}
		}
	}
	for _, a := range s.accounts {
		for _, c := range a.list.order {
			other := s.accounts[c.email]
			if c.lists&(RL|PL) != 0 {
				c.lists |= watches
			}
			if other != nil && c.lists&(RL|PL) != 0 && !seen[strings.TrimSuffix(c.email, "@example.com")] {
				other.list.add(a.email, FL)
			}
		}
	}
}

func direction(r transcript.Record) wire.Direction {
	if r.Kind == transcript.FromClient {
		return wire.FromClient
	}
	return wire.FromServer
}

// syncReader fills an account from the answer to SYN, in any of its shapes.
type syncReader struct {
	s    *Server
	a    *Account
	last *Account // whom BPR without an account is about
}

func (r *syncReader) command(cmd wire.Command) {
	args := cmd.Args
	switch cmd.Verb {
	case "PRP", "BPR":
		r.property(cmd)
	case "LSG":
		switch {
		case len(args) == 2: // MSNP10: name, GUID
			r.a.newGroup(wire.Decode(args[0])).guid = args[1]
		case len(args) == 3 && args[0] != "0": // MSNP8: number, name, 0
			r.a.newGroup(wire.Decode(args[1]))
		case len(args) == 7 && args[4] != "0": // MSNP7: TrID, version, i, n, number, name, 0
			r.a.newGroup(wire.Decode(args[5]))
		}
	case "LST":
		r.contact(args)
	}
}

func (r *syncReader) property(cmd wire.Command) {
	args := cmd.Args
	if _, numbered := wire.ParseTrID(cmd.Arg(0)); numbered {
		args = args[1:]
	}
	target := r.a
	if cmd.Verb == "BPR" {
		target = r.last
	}
	if target != nil && len(args) == 2 && args[0] != "MFN" {
		target.props[args[0]] = wire.Decode(args[1])
	}
}

func (r *syncReader) contact(args []string) {
	var c *contact
	groups := ""
	switch {
	case strings.HasPrefix(args[0], "N="):
		c, groups = r.prefixed(args)
	case len(args) >= 7: // MSNP2: TrID, list, version, i, n, account, name, groups
		c = r.a.list.add(args[5], listNames[args[1]])
		if len(args) > 7 {
			groups = args[7]
		}
	case len(args) >= 3 && len(args) <= 4: // MSNP8: account, name, lists, groups
		bits, _ := strconv.Atoi(args[2])
		c = r.a.list.add(args[0], List(bits))
		if len(args) > 3 {
			groups = args[3]
		}
	default:
		return
	}
	r.last = r.s.accounts[c.email]
	for id := range strings.SplitSeq(groups, ",") {
		if g := r.a.group(id); g != nil && !c.in(g) {
			c.groups = append(c.groups, g)
		}
	}
}

// prefixed reads LST of MSNP10 to MSNP12.
func (r *syncReader) prefixed(args []string) (*contact, string) {
	email := args[0][2:]
	rest := args[2:]
	if strings.HasPrefix(rest[0], "C=") {
		if other := r.s.accounts[email]; other != nil {
			other.id = rest[0][2:]
		}
		rest = rest[1:]
	}
	bits, _ := strconv.Atoi(rest[0])
	return r.a.list.add(email, List(bits)), rest[len(rest)-1]
}
