package call

import (
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// StatusWords are the statuses as Messenger named them.
var StatusWords = map[msn.Status]string{
	msn.Online:      words.Text("status.online"),
	msn.Busy:        words.Text("status.busy"),
	msn.Idle:        words.Text("status.idle"),
	msn.BeRightBack: words.Text("status.brb"),
	msn.Away:        words.Text("status.away"),
	msn.OnThePhone:  words.Text("status.phone"),
	msn.OutToLunch:  words.Text("status.lunch"),
}
