package people

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/self"
	"matrix-msn/bridge/session"
	"matrix-msn/msn"
)

// Status shows or changes as what the user is seen by their contacts.
func Status(c *call.Call) {
	login, ok := c.Login()
	if !ok {
		return
	}
	if c.Text != "" {
		choice, ok := config.ParseChoice(c.Text)
		if !ok {
			c.Say("Write `!status` with one of these words behind it: %s. Your status was not changed.", config.Choices())
			return
		}
		choosing, cancel := context.WithTimeout(c.Ctx, session.RequestTimeout)
		defer cancel()
		if err := login.Self.Choose(choosing, choice); err != nil {
			c.Log.Info().Err(err).Msg("The status was not changed")
			c.Say("%s What you have chosen is tried again.", reason.Of(err, reason.Request, login.Account.About("")).Sentence)
			return
		}
	}
	c.Say("%s", describeStatus(login))
}

// describeStatus says as what the user is seen, and why.
func describeStatus(l *call.Login) string {
	choice := l.Self.Choice()
	status, fixed := choice.Status()
	followed := fmt.Sprintf("online while you write and read in Matrix, as idle after %s without, as away after %s", names.Minutes(self.IdleAfter), names.Minutes(self.AwayAfter))
	var why string
	switch {
	case status == msn.Hidden:
		why = fmt.Sprintf("Your contacts see you as offline until you choose something else. %s may let you begin no conversations meanwhile, and messages to you may wait.", l.Account.Service.Name)
	case fixed:
		why = fmt.Sprintf("Your contacts see you as “%s” until you choose something else.", call.StatusWords[status])
	case choice == config.Activity:
		why = fmt.Sprintf("Your contacts see you as %s.", followed)
	case l.Self.Follows():
		why = "Your contacts see you as Matrix shows you, and as away while you are offline there."
	default:
		why = fmt.Sprintf("Your contacts are to see you as Matrix shows you. The homeserver has not told the bridge how that is: until it does, they see you as %s.", followed)
	}
	if client := l.Session.Current(); client != nil {
		if now := call.StatusWords[client.Status()]; !fixed && now != "" {
			why += fmt.Sprintf(" Just now that is “%s”.", now)
		}
	} else {
		why += " You are not signed in now; it holds when you are."
	}
	if text := l.Self.Personal(); text != "" {
		why += "\nBelow your name they read: " + names.Own(text)
	}
	return why
}

// Personal sets the personal message, or takes it away.
func Personal(c *call.Call) {
	login, ok := c.Login()
	if !ok {
		return
	}
	text := names.OneLine(c.Text)
	if text == "" {
		if now := login.Self.Personal(); now != "" {
			c.Say("Below your name your contacts read %s. `!psm` and a text changes that, `!psm -` takes it away.", names.Own(now))
		} else {
			c.Say("Your contacts read nothing below your name that the bridge knows of. `!psm Gone sailing` sets a text.")
		}
		return
	}
	if text == noName {
		text = ""
	}
	if n := utf8.RuneCountInString(text); n > msn.MaxPersonal {
		c.Say("A personal message has at most %d characters, and this has %d. It was not changed.", msn.MaxPersonal, n)
		return
	}
	set := func(ctx context.Context) error { return login.Self.SetPersonal(ctx, text) }
	if !c.Tries(reason.Request, login.Account.About(""), set) {
		return
	}
	said := "Your contacts read " + names.Quoted(text) + " below your name."
	if text == "" {
		said = "Your contacts read nothing below your name any more."
	}
	if shown := login.Self.Personal(); shown != text {
		said = "Your contacts read your status message of Matrix below your name, " + names.Quoted(shown) + ". What you have written here is shown when there is none."
	}
	if login.Session.Current() == nil {
		said += " You are not signed in now; it holds when you are."
	}
	c.Say("%s", said)
}

// Presence shows, or changes, whether contacts are shown as online in Matrix.
func Presence(c *call.Call) {
	login, ok := c.Login()
	if !ok {
		return
	}
	if !switched(c, "presence", login.Presence.Switch) {
		return
	}
	switch {
	case login.Account.Config.Presence == config.PresenceOff:
		c.Say("This bridge does not show in Matrix which contacts are online. `!contacts` lists them.")
	case !login.Presence.On():
		c.Say("Matrix does not show which of your contacts are online, as far as only you know them. `!presence on` changes that; `!contacts` lists them.")
	case !login.Presence.Works() && login.Presence.InProfiles():
		c.Say("Matrix shows what your contacts do in their profiles only, of those with whom you have a room: this homeserver does not show who is online, and its admin would have to switch presence on. The bridge looks again %s later at the latest. `!contacts` lists who is online, `!presence off` takes the profiles away too.", names.Minutes(time.Hour))
	case !login.Presence.Works():
		c.Say("Matrix is to show which of your contacts are online, but this homeserver shows nobody: its admin would have to switch presence on. The bridge looks again %s later at the latest. `!contacts` lists them.", names.Minutes(time.Hour))
	case login.Presence.InProfiles():
		c.Say("Matrix shows which of your contacts are online, and what they do in their profiles, of those with whom you have a room. `!presence off` changes that.")
	default:
		c.Say("Matrix shows which of your contacts are online, of those with whom you have a room. `!presence off` changes that.")
	}
}
