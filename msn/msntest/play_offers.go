package msntest

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"unicode/utf16"

	"matrix-msn/msn/wire"
)

// OfferFile offers a file as old clients do (MSNFTP), and returns the cookie of the invitation.
func (c *Chat) OfferFile(name string, size uint64) (cookie string, err error) {
	cookie = fmt.Sprint(rand.Uint32())
	return cookie, c.inviteOld(cookie, name, size)
}

func (c *Chat) inviteOld(cookie, name string, size uint64) error {
	return c.sendOld(wire.Header("").With("Application-Name", "File Transfer").
		With("Application-GUID", "{5D3E02AB-6190-11d3-BBBB-00C04F795683}").With("Invitation-Command", "INVITE").
		With("Invitation-Cookie", cookie).With("Application-File", name).With("Application-FileSize", fmt.Sprint(size)).
		With("Connectivity", "N"))
}

// SendFile offers a file to somebody in MSNSLP.
func (c *Chat) SendFile(to, name string, size uint64) error {
	context := make([]byte, 574)
	binary.LittleEndian.PutUint32(context, 574)
	binary.LittleEndian.PutUint32(context[4:], 2)
	binary.LittleEndian.PutUint64(context[8:], size)
	binary.LittleEndian.PutUint32(context[16:], 1)
	for i, unit := range utf16.Encode([]rune(name)) {
		binary.LittleEndian.PutUint16(context[20+2*i:], unit)
	}
	body := "EUF-GUID: {5D3E02AB-6190-11D3-BBBB-00C04F795683}\r\nSessionID: 4711\r\nAppID: 2\r\nContext: " +
		base64.StdEncoding.EncodeToString(context) + "\r\n\r\n\x00"
	from := c.bot.account.email
	invite := "INVITE MSNMSGR:" + to + " MSNSLP/1.0\r\nTo: <msnmsgr:" + to + ">\r\nFrom: <msnmsgr:" + from + ">\r\n" +
		"Via: MSNSLP/1.0/TLP ;branch={" + newGUID() + "}\r\nCSeq: 0 \r\nCall-ID: {" + newGUID() + "}\r\nMax-Forwards: 0\r\n" +
		"Content-Type: application/x-msnmsgr-sessionreqbody\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\n\r\n" + body
	header := make([]byte, p2pHeader)
	binary.LittleEndian.PutUint32(header[4:], rand.Uint32())
	binary.LittleEndian.PutUint64(header[16:], uint64(len(invite)))
	binary.LittleEndian.PutUint32(header[24:], uint32(len(invite)))
	binary.LittleEndian.PutUint32(header[32:], rand.Uint32())
	return c.Send(wire.Message{
		Header: wire.Header("").With("MIME-Version", "1.0").With("Content-Type", "application/x-msnmsgrp2p").With("P2P-Dest", to),
		Body:   string(header) + invite + "\x00\x00\x00\x00",
	})
}
