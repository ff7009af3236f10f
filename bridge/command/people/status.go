package people

import (
	"context"
	"time"
	"unicode/utf8"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/self"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
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
			c.Tell("command.people.write_status_with_one_of_these", config.Choices())
			return
		}
		choosing, cancel := context.WithTimeout(c.Ctx, session.RequestTimeout)
		defer cancel()
		if err := login.Self.Choose(choosing, choice); err != nil {
			c.Log.Info().Err(err).Msg("The status was not changed")
			c.Tell("command.people.what_you_have_chosen_is_tried", reason.Of(err, reason.Request, login.Account.About("")).Sentence)
			return
		}
	}
	c.Say("%s", describeStatus(login))
}

// describeStatus says as what the user is seen, and why.
func describeStatus(l *call.Login) string {
	choice := l.Self.Choice()
	status, fixed := choice.Status()
	followed := words.Text("command.people.online_while_you_write_and_read", names.Minutes(self.IdleAfter), names.Minutes(self.AwayAfter))
	var why string
	switch {
	case status == msn.Hidden:
		why = words.Text("command.people.your_contacts_see_you_as_offline", l.Account.Service.Name)
	case fixed:
		why = words.Text("command.people.your_contacts_see_you_as_until", call.StatusWords[status])
	case choice == config.Activity:
		why = words.Text("command.people.name_is", followed)
	case l.Self.Follows():
		why = words.Text("command.people.your_contacts_see_you_as_matrix")
	default:
		why = words.Text("command.people.your_contacts_are_to_see_you", followed)
	}
	if client := l.Session.Current(); client != nil {
		if now := call.StatusWords[client.Status()]; !fixed && now != "" {
			why += " " + words.Text("command.people.just_now_that_is", now)
		}
	} else {
		why += " " + words.Text("command.people.you_are_not_signed_in_now")
	}
	if text := l.Self.Personal(); text != "" {
		why += "\n" + words.Text("command.people.below_your_name_they_read", names.Own(text))
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
			c.Tell("command.people.below_your_name_your_contacts_read", names.Own(now))
		} else {
			c.Tell("command.people.personal_message_unknown")
		}
		return
	}
	if text == noName {
		text = ""
	}
	if n := utf8.RuneCountInString(text); n > msn.MaxPersonal {
		c.Tell("command.people.a_personal_message_has_at_most", msn.MaxPersonal, n)
		return
	}
	set := func(ctx context.Context) error { return login.Self.SetPersonal(ctx, text) }
	if !c.Tries(reason.Request, login.Account.About(""), set) {
		return
	}
	said := words.Text("command.people.your_contacts_read_below_your_name", names.Quoted(text))
	if text == "" {
		said = words.Text("command.people.personal_message_taken_away")
	}
	if shown := login.Self.Personal(); shown != text {
		said = words.Text("command.people.your_contacts_read_your_status_message", names.Quoted(shown))
	}
	if login.Session.Current() == nil {
		said += " " + words.Text("command.people.you_are_not_signed_in_now")
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
		c.Tell("command.people.this_bridge_does_not_show_in")
	case !login.Presence.On():
		c.Tell("command.people.matrix_does_not_show_which_of")
	case !login.Presence.Works() && login.Presence.InProfiles():
		c.Tell("command.people.matrix_shows_what_your_contacts_do", names.Minutes(time.Hour))
	case !login.Presence.Works():
		c.Tell("command.people.matrix_is_to_show_which_of", names.Minutes(time.Hour))
	case login.Presence.InProfiles():
		c.Tell("command.people.presence_is_shown_in_profiles_too")
	default:
		c.Tell("command.people.presence_is_shown")
	}
}
