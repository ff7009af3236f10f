package media

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/msnftp"
	"matrix-msn/msn/p2p"
	"matrix-msn/msn/wire"
)

// Files of old clients come by a connection to where their Messenger listens (MSNFTP). They are taken where
// Config.Dial is set.

const (
	// oldDecideTime is until somebody has decided about a file of an old client.
	oldDecideTime = 5 * time.Minute
	// oldAnswerTime is until its sender says where it is: official clients listen for half a minute.
	oldAnswerTime = 30 * time.Second
	// portMask is what PortX has the port hidden with.
	portMask = 0x3141
)

// oldOffer is a file that an old client offers. It belongs to the owner.
type oldOffer struct {
	invitation *chat.FileInvitation
	offer      *FileOffer
	over       bool           // accepted, declined or not there any more
	stop       func(error)    // ends what was accepted; nil before that
	answers    chan oldAnswer // what the sender says after the file was accepted
}

// oldAnswer is where a file is, or why it is nowhere.
type oldAnswer struct {
	at     netip.AddrPort
	cookie string
	err    error
}

// invited takes the offer of a file of an old client.
func (m *Media) invited(i *chat.FileInvitation) bool {
	from := i.Origin.From
	if m.blocked(from) || i.Bytes > msnftp.MaxFile || !m.offers.Allow(from, time.Now()) {
		return false
	}
	old := &oldOffer{invitation: i, answers: make(chan oldAnswer, 1)}
	old.offer = &FileOffer{media: m, old: old, ended: make(chan struct{})}
	lazy.Put(&m.old, old, struct{}{})
	i.OnAnswer(old.answered)
	m.conn.After(oldDecideTime, func() {
		if !old.over {
			i.Cancel("TIMEOUT")
			old.end(p2p.ErrSilent)
		}
	})
	m.conn.Emit(FileOffered{Origin: i.Origin, Name: i.Name, Bytes: i.Bytes, Offer: old.offer})
	return true
}

func (o *oldOffer) end(err error) {
	o.over = true
	o.forget()
	o.offer.end(err)
}

// forget has nothing more happen with an offer.
func (o *oldOffer) forget() {
	o.invitation.Forget()
	delete(o.offer.media.old, o)
}

func (o *oldOffer) decline() {
	if !o.over {
		o.over = true
		o.invitation.Cancel("REJECT")
		o.forget()
	}
}

// severOld ends the files of an old client's, of all with "".
func (m *Media) severOld(account string, err error) {
	for o := range m.old {
		switch {
		case account != "" && o.invitation.Origin.From != account:
		case !o.over:
			o.invitation.Cancel("REJECT")
			o.end(err)
		case o.stop != nil:
			o.stop(err)
		}
	}
}

// answered takes what the sender says.
func (o *oldOffer) answered(accepted bool, fields wire.Header) {
	switch {
	case !o.over && !accepted:
		o.end(p2p.ErrCancelled)
	case o.over:
		a := oldAnswer{err: p2p.ErrCancelled}
		if accepted {
			a = oldPlace(fields)
		}
		select {
		case o.answers <- a:
		default: // it has answered
		}
	}
}

// oldPlace reads where a file is.
func oldPlace(fields wire.Header) oldAnswer {
	ip, err := netip.ParseAddr(fields.Get("IP-Address"))
	port, portErr := strconv.ParseUint(fields.Get("Port"), 10, 16)
	if portErr != nil {
		port, portErr = strconv.ParseUint(fields.Get("PortX"), 10, 16)
		port ^= portMask
	}
	cookie := strings.TrimSpace(fields.Get("AuthCookie"))
	if err != nil || portErr != nil || port == 0 || !clean.IsNumber(cookie) || len(cookie) > maxOldCookie {
		return oldAnswer{err: p2p.ErrBroken}
	}
	return oldAnswer{at: netip.AddrPortFrom(ip.Unmap(), uint16(port)), cookie: cookie}
}

// maxOldCookie is the longest AuthCookie, in digits.
const maxOldCookie = 20

// acceptOld takes a file of an old client.
func (o *FileOffer) acceptOld(ctx context.Context, w io.Writer, told func(done uint64)) error {
	m, old := o.media, o.old
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	begun := make(chan error, 1)
	if !m.conn.Post(func() {
		switch {
		case old.over:
			begun <- ErrNoOffer
		case !old.invitation.Accept():
			old.end(ErrGone)
			begun <- ErrGone
		default:
			old.over, old.stop = true, stop
			begun <- nil
		}
	}) {
		return m.conn.Ended()
	}
	if err := <-begun; err != nil {
		return err
	}
	err := o.receiveOld(ctx, w, told)
	m.conn.Post(func() {
		if err != nil {
			old.invitation.Cancel("FTTIMEOUT")
		}
		old.forget()
	})
	return err
}

// receiveOld waits for where the file is, and takes it from there.
func (o *FileOffer) receiveOld(ctx context.Context, w io.Writer, told func(done uint64)) error {
	timer := time.NewTimer(oldAnswerTime)
	defer timer.Stop()
	var a oldAnswer
	select {
	case a = <-o.old.answers:
	case <-timer.C:
		return p2p.ErrSilent
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if a.err != nil {
		return a.err
	}
	conn, err := o.media.cfg.Dial(ctx, a.at)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			_ = conn.Close()
		}
		return context.Cause(ctx)
	case err != nil:
		return errors.Join(ErrUnreachable, err)
	}
	err = msnftp.Receive(ctx, conn, msnftp.File{Account: o.media.conn.Account(), Cookie: a.cookie, Size: o.old.invitation.Bytes}, w, told)
	switch {
	case errors.Is(err, msnftp.ErrProtocol):
		return errors.Join(p2p.ErrBroken, err)
	case errors.Is(err, msnftp.ErrCancelled):
		return errors.Join(p2p.ErrCancelled, err)
	case errors.Is(err, msnftp.ErrSilent):
		return errors.Join(p2p.ErrSilent, err)
	}
	return err
}

// ErrUnreachable says that an old client listens where it cannot be reached, or must not be.
var ErrUnreachable = errors.New("msn: the sender's Messenger cannot be reached directly")
