package msn

import (
	"errors"
	"slices"
	"strings"

	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// requestCommand makes the call that a recorded request stands for: CVR, URL, SND,
// SDC, UUX, FND, PAG and PGD. It reports false for other commands.
func (r *replay) requestCommand(i item) bool {
	r.t.Helper()
	args := i.cmd.Args
	ctx := r.t.Context()
	switch i.cmd.Verb {
	case "CVR":
		r.announce(i)
	case "URL":
		name, argument := URLName(argAt(args, 1)), argAt(args, 2)
		var got ServiceURL
		call := func() (err error) { got, err = r.client.ServiceURL(ctx, name, argument); return err }
		if !slices.Contains(strings.Fields("INBOX FOLDERS COMPOSE PROFILE CHGMOB PERSON CHAT"), string(name)) {
			r.refused(i, call, ErrNoSuchURL)
			break
		}
		r.call(i, call, func(reply item) {
			want := ServiceURL{Redirect: reply.cmd.Arg(1), Post: reply.cmd.Arg(2), SiteID: reply.cmd.Arg(3)}
			if got != want {
				r.t.Errorf("%v: ServiceURL returns %+v", reply.Record, got)
			}
			if dummy := strings.HasPrefix(want.Redirect, "/unused"); got.Dummy() != dummy {
				r.t.Errorf("%v: Dummy is %v", reply.Record, got.Dummy())
			}
		})
	case "SND":
		r.call(i, func() error { return r.client.Invite(ctx, argAt(args, 1), "") }, nil)
	case "SDC":
		call := func() error { return r.client.Invite(ctx, argAt(args, 1), i.cmd.Payload) }
		switch {
		case r.rec.dialect < 5:
			r.refused(i, call, ErrDialect)
		case i.cmd.Payload == "":
			r.left(i, "an invitation without a text goes by SND")
		default:
			r.call(i, call, nil)
		}
	case "UUX":
		r.personal(i)
	case "FND":
		r.search(i)
	case "PAG", "PGD":
		to := argAt(args, 1)
		want := ErrNoMobile
		switch {
		case r.rec.dialect < 5:
			want = ErrNoPaging
		case !strings.Contains(to, "@"):
			want = ErrArgument
		}
		r.refused(i, func() error { return r.client.Page(ctx, to, notify.Page{Text: i.cmd.Payload}, nil) }, want)
	default:
		return false
	}
	return true
}

// call makes a call and checks that it sends the recorded command and takes the
// recorded answer for success. check is called with the answer.
func (r *replay) call(i item, call func() error, check func(item)) {
	r.t.Helper()
	r.settle()
	r.ns.barrier()
	result := make(chan error, 1)
	go func() { result <- call() }()
	r.expectCommand(r.ns, i)
	r.requests[i.Line] = func(reply item) {
		r.t.Helper()
		err := waitError(r.t, result)
		if number, isError := reply.cmd.ErrorNumber(); isError {
			var refused *ServerError
			if !errors.As(err, &refused) || refused.Number != number {
				r.t.Errorf("%v: %v", reply.Record, err)
			}
			return
		}
		if err != nil {
			r.t.Errorf("%v: %v", reply.Record, err)
		} else if check != nil {
			check(reply)
		}
	}
	if _, answered := r.peekAnswer(i); !answered {
		r.t.Errorf("%v: no answer was recorded", i.Record)
	}
}

// refused makes a call that sends nothing: this client knows better than the
// recorded one.
func (r *replay) refused(i item, call func() error, want error) {
	r.t.Helper()
	if err := call(); !errors.Is(err, want) {
		r.t.Errorf("%v: the call returns %v", i.Record, err)
	}
	r.ns.barrier() // nothing was sent
	r.left(i, "not sent: "+want.Error())
}

// announce plays a CVR after signing in.
func (r *replay) announce(i item) {
	r.t.Helper()
	id := r.client.Identity()
	if ours := []string{id.Locale, id.OS, id.OSVer, id.Arch, id.Client, id.Version}; len(i.cmd.Args) < 7 || !slices.Equal(i.cmd.Args[1:7], ours) {
		r.left(i, "an identity is announced for a whole session")
		return
	}
	var got Version
	r.call(i, func() (err error) { got, err = r.client.AnnounceVersion(r.t.Context()); return err }, func(reply item) {
		want := Version{reply.cmd.Arg(1), reply.cmd.Arg(3), reply.cmd.Arg(4), reply.cmd.Arg(5)}
		if kept, ok := r.client.Version(); got != want || !ok || kept != want {
			r.t.Errorf("%v: the version is %+v, then %+v", reply.Record, got, kept)
		}
	})
}

// personal plays a UUX that sets a personal message.
func (r *replay) personal(i item) {
	r.t.Helper()
	set := func() error { return r.client.SetPersonal(r.t.Context(), xmltext.Element(i.cmd.Payload, "PSM")) }
	_, answered := r.peekAnswer(i)
	switch {
	case r.rec.dialect < wire.FirstPersonal:
		r.refused(i, set, ErrDialect)
	case !strings.HasPrefix(i.cmd.Payload, "<Data>") || !answered:
		r.left(i, "is no personal message, or not well-formed")
	case r.rec.dialect >= wire.FirstPrefixed && r.signsIn(i):
		r.left(i, "this client is signed in when it can be called, and enters the circles then")
	case xmltext.Element(i.cmd.Payload, "CurrentMedia") != "":
		r.left(i, "the interface sets no media")
	default:
		r.call(i, set, nil)
	}
}

// signsIn reports whether the recorded client had set no status yet when it sent a command.
func (r *replay) signsIn(c item) bool {
	return !slices.ContainsFunc(r.rec.records, func(i item) bool {
		return i.Line < c.Line && i.client() && isNotification(i.Conn) && i.cmd.Verb == "CHG"
	})
}

// search plays FND, which the recorded server never answers.
func (r *replay) search(i item) {
	r.t.Helper()
	field := func(name string) string {
		for _, arg := range i.cmd.Args {
			if value, ok := strings.CutPrefix(arg, name+"="); ok && value != "*" {
				return wire.Decode(value)
			}
		}
		return ""
	}
	q := Query{field("fname"), field("lname"), field("city"), field("state"), field("country")}
	call := func() error { _, err := r.client.Search(r.t.Context(), q); return err }
	if q.FirstName == "" || q.LastName == "" {
		r.refused(i, call, ErrArgument)
		return
	}
	if _, answered := r.peekAnswer(i); answered {
		r.call(i, call, nil)
		return
	}
	r.settle()
	r.ns.barrier()
	result := make(chan error, 1)
	go func() { result <- call() }()
	r.expectCommand(r.ns, i)
	if err := waitError(r.t, result); !errors.Is(err, ErrSearchDisabled) {
		r.t.Errorf("%v: Search returns %v", i.Record, err)
	}
}
