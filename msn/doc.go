// Package msn is a client for MSN Messenger services, one account as a program
// would like to use it: [Login] signs in and returns a [Client] with the contact
// lists loaded, [Client.Events] tells what happens, [Client.Conversation] sends.
//
// Besides conversations a service has pages on the web ([Client.ServiceURL],
// [Client.LoginForm]), mail ([MailCounted], [MailReceived]), invitations
// ([Client.Invite]), a directory ([Client.Search]), alerts ([AlertReceived]) and
// pages to and from mobile devices ([Client.Page], [PageReceived]). Most services of
// today answer few of them; what they do not offer is an error of its own.
//
// The dialects MSNP2 to MSNP18 are spoken, the best that both sides have. What a
// dialect does differently does not show in this package's interface, except that
// old ones cannot do everything ([ErrDialect], [ErrNoPaging]).
//
// The work is done by parts, each in a package of its own below this one: one owner
// goroutine at a time holds their state, and this package wires them together.
//
// The server and every contact are taken for hostile: limits are constants,
// addresses given by the server are held against a [Trust], and nothing that
// arrives can crash or block a Client.
package msn
