// Package msntest is an MSN server in process, for tests, benchmarks and demos,
// as net/http/httptest is for HTTP. It speaks MSNP2 to MSNP18: dispatch,
// notification and switchboard connections, the log-ins over TLS (Tweener and RST), the
// web services of contact lists, offline messages and roaming profiles, the HTTP gateway, and the
// circles of MSNP18 (see [Server.AddCircle] and [Bot.EnterCircle]).
//
//	srv := msntest.NewServer(t)
//	srv.AddAccount("alice@example.com", "secret123", msntest.Name("Alice"))
//	srv.AddAccount("bob@example.com", "secret123")
//	srv.Befriend("alice@example.com", "bob@example.com")
//	bob := srv.Play("bob@example.com", msntest.Script{Text: func(chat *msntest.Chat, from, text string) {
//		chat.Say("You said: " + text)
//	}})
//	// let the client under test dial srv.Addr() and sign in as alice
//
// The server keeps a record of everything that went over its connections (see
// [Server.Await]) and misbehaves on demand (see [Server.Hook]).
//
// By default it does what the documents say the servers of the period did; with
// [WithCompat] it does what the Escargot server of today does where that
// differs. Everything lives in memory. It is no server for the open Internet:
// passwords are kept as they are, so that the MD5 log-in of MSNP2 to MSNP7 works.
//
// The package shares codecs with the client (packages wire, passport and notify) and
// nothing else, so that a mistake of the client is not a mistake of its server.
package msntest
