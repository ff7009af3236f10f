package call

import (
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// StatusWords are the statuses as Messenger named them.
var StatusWords = map[msn.Status]string{
	msn.Online:      "online",
	msn.Busy:        "busy",
	msn.Idle:        "idle",
	msn.BeRightBack: words.Text("command.call.be_right_back"),
	msn.Away:        "away",
	msn.OnThePhone:  words.Text("command.call.on_the_phone"),
	msn.OutToLunch:  words.Text("command.call.out_to_lunch"),
}
