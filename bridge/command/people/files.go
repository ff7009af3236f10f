package people

import "matrix-msn/bridge/command/call"

// answersFile makes a command of one that answers who has added the user: in a room where a file
// waits, and without an address, it is the file that is taken, or declined.
func answersFile(accept bool, otherwise func(*call.Call)) func(*call.Call) {
	return func(c *call.Call) {
		if c.Text == "" && c.Portal != nil && !c.InRoomOfOther() {
			if login, ok := c.Login(); !ok {
				return
			} else if login.Account.Login.ID == c.Portal.Receiver {
				if said, waits := login.Files.Answer(c.Ctx, c.Portal.ID, accept); waits {
					c.Say("%s", said)
					return
				}
			}
		}
		otherwise(c)
	}
}
