package call

import "matrix-msn/msn"

// StatusWords are the statuses as Messenger named them.
var StatusWords = map[msn.Status]string{
	msn.Online:      "online",
	msn.Busy:        "busy",
	msn.Idle:        "idle",
	msn.BeRightBack: "be right back",
	msn.Away:        "away",
	msn.OnThePhone:  "on the phone",
	msn.OutToLunch:  "out to lunch",
}
