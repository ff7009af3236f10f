// Package stack starts the real parts around the bridge for the demo and the end-to-end tests: a homeserver (Dendrite,
// or an installed Synapse), the bridge program itself, and Matrix users who talk to both.
//
// A whole stack is two calls. [build.All] makes the two programs, and [Start] configures them
// in one directory, starts them on free ports of the loopback interface and waits until they answer. What was
// started ends with [Stack.Stop]; on Linux also with the calling process, however that ends.
//
//	binaries, err := build.All(ctx, dir, false, os.Stderr)
//	s, err := stack.Start(ctx, stack.Options{
//		Dir: dir, Homeserver: stack.Dendrite(binaries.Dendrite), Binary: binaries.Bridge, Bridges: []stack.BridgeOptions{{}},
//	})
//	defer s.Stop()
//	alice, err := s.Homeserver.NewUser(ctx, "alice", stack.AutoJoin)
//	room, err := alice.OpenChat(ctx, s.Bridges[0].Bot())
//	_, err = alice.SendText(ctx, room, "help")
//	_, err = alice.WaitEvent(ctx, "the bot's help", stack.Notice(room, s.Bridges[0].Bot(), "login"))
//
// The package needs neither a build tag nor libolm: the bridge, which needs both, is only ever run as a program.
package stack
