// Package passport proves to MSN services who a user is: the MD5 answer of
// MSNP2 to MSNP7, the Tweener tickets of MSNP8 to MSNP12, and the answers to the
// client challenge. (protocol/01-login.md)
//
// The headers of the Tweener login can be both written and read, so that a
// server can use the package as well.
package passport
