// Package slp is what Messengers say to each other within messages of the type
// application/x-msnmsgrp2p: packets with a binary header of either version, messages in MSNSLP that
// offer and ask for something, and what those are about: objects, such as display pictures, and
// files (protocol/05-p2p.md, 11-rich-content.md). It knows bytes and values; package p2p
// knows what is said when.
package slp

// MediaType is the type of messages that hold packets.
const MediaType = "application/x-msnmsgrp2p"

// Limits of what is read and sent, in bytes.
const (
	// MaxMessage is the longest message in MSNSLP that is put together. An offer with a picture of
	// a file stays below.
	MaxMessage = 64 << 10
	// MaxData is how much of a message fits into one packet on a switchboard.
	MaxData = 1202
	// maxObject is the longest MSNObject that is read. Stamps of bought winks are 3 KB long.
	maxObject = 8 << 10
)
