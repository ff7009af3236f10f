package msntest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"

	"matrix-msn/msn/wire"
)

// OldFile is how a Messenger of MSNP8 or older gives a file, by a connection of its own (MSNFTP). The zero
// value has it do so as official clients do.
type OldFile struct {
	// Place is where it says that it listens, in the place of where it does: fields of an invitation, such as
	// IP-Address and Port.
	Place wire.Header
	// Silent has it say nothing when the file was accepted, and Regrets that it takes it back then.
	Silent, Regrets bool
	// Size is what it says in FIL, in the place of what is right.
	Size string
	// Blocks are what it sends in the place of the data.
	Blocks func(w io.Writer)
}

// GiveOldFile offers a file as old clients do, sends it when it is accepted, and returns when that is over, or
// with ErrRefused.
func (c *Chat) GiveOldFile(ctx context.Context, name string, data []byte, how OldFile) error {
	answers := make(chan wire.Header, 4)
	cookie := strconv.FormatUint(uint64(rand.Uint32()), 10)
	c.bot.old.Store(cookie, answers)
	defer c.bot.old.Delete(cookie)
	if err := c.inviteOld(cookie, name, uint64(len(data))); err != nil {
		return err
	}
	for {
		select {
		case fields := <-answers:
			if strings.EqualFold(fields.Get("Invitation-Command"), "ACCEPT") {
				return c.serveOld(ctx, cookie, data, how, answers)
			}
			return ErrRefused
		case <-ctx.Done():
			_ = c.sendOld(wire.Header("").With("Invitation-Command", "CANCEL").With("Invitation-Cookie", cookie).With("Cancel-Code", "OUTBANDCANCEL"))
			return context.Cause(ctx)
		}
	}
}

func (c *Chat) sendOld(fields wire.Header) error {
	return c.Send(wire.Message{
		Header: wire.Header("").With("MIME-Version", "1.0").With("Content-Type", "text/x-msmsgsinvite; charset=UTF-8"),
		Body:   string(fields) + "\r\n",
	})
}

// serveOld listens, says where, and gives the file to who comes.
func (c *Chat) serveOld(ctx context.Context, cookie string, data []byte, how OldFile, answers <-chan wire.Header) error {
	switch {
	case how.Silent:
		<-ctx.Done()
		return context.Cause(ctx)
	case how.Regrets:
		return c.sendOld(wire.Header("").With("Invitation-Command", "CANCEL").With("Invitation-Cookie", cookie).With("Cancel-Code", "OUTBANDCANCEL"))
	}
	l, err := c.bot.srv.listenOn(ctx, 0)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	place := how.Place
	if place == "" {
		host, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return err
		}
		place = wire.Header("").With("IP-Address", host).With("IP-Address-Internal", host).With("Port", port).With("AuthCookie", "93301")
	}
	if err := c.sendOld(wire.Header("").With("Invitation-Command", "ACCEPT").With("Invitation-Cookie", cookie) + place +
		wire.Header("").With("Launch-Application", "FALSE").With("Request-Data", "IP-Address:")); err != nil {
		return err
	}
	accepted := make(chan net.Conn, 1)
	go func() {
		if nc, err := l.Accept(); err == nil {
			accepted <- nc
		}
		close(accepted)
	}()
	select {
	case nc, ok := <-accepted:
		if !ok {
			return io.ErrUnexpectedEOF
		}
		return giveOld(nc, data, how)
	case <-answers: // it was not reached
		return ErrCancelled
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// giveOld is the sender's side of MSNFTP.
func giveOld(nc net.Conn, data []byte, how OldFile) error {
	defer func() { _ = nc.Close() }()
	r := bufio.NewReader(nc)
	hear := func(verb string) error {
		line, err := r.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, verb) {
			return fmt.Errorf("%q for %s: %w", line, verb, ErrCancelled)
		}
		return nil
	}
	size := strconv.Itoa(len(data))
	if how.Size != "" {
		size = how.Size
	}
	if err := hear("VER MSNFTP"); err != nil {
		return err
	}
	_, _ = io.WriteString(nc, "VER MSNFTP\r\n")
	if err := hear("USR "); err != nil {
		return err
	}
	_, _ = io.WriteString(nc, "FIL "+size+"\r\n")
	if err := hear("TFR"); err != nil {
		return err
	}
	if how.Blocks != nil {
		how.Blocks(nc)
	} else {
		const most = 2045
		for rest := data; len(rest) > 0; rest = rest[min(len(rest), most):] {
			part := rest[:min(len(rest), most)]
			if _, err := nc.Write(append([]byte{0, byte(len(part)), byte(len(part) >> 8)}, part...)); err != nil {
				return ErrCancelled
			}
		}
		_, _ = nc.Write([]byte{1, 0, 0})
	}
	return hear("BYE 16777989")
}
