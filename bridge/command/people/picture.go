package people

import (
	"errors"
	"strings"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/picture"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// Picture sets, removes or tells of the display picture that contacts see.
func Picture(c *call.Call) {
	login, ok := c.Login()
	if !ok {
		return
	}
	switch {
	case c.Text == "remove" || c.Text == "-":
		setPicture(c, login, "", nil)
	case strings.EqualFold(c.Text, follow):
		if err := login.Picture.Follow(c.Ctx); err != nil {
			c.Log.Err(err).Msg("Failed to note that a user's picture is that of Matrix")
			c.Tell("command.people.that_did_not_work_now_try")
			return
		}
		c.Tell("command.people.picture_follows_from_now_on")
	case c.Text != "":
		c.Tell("command.people.picture_takes_no_words_send_the")
	case c.ReplyTo == "":
		shown, err := login.Picture.Is(c.Ctx)
		switch {
		case err != nil:
			c.Tell("command.people.the_bridge_cannot_look_it_up")
		case shown && login.Picture.Follows():
			c.Tell("command.people.picture_follows")
		case shown:
			c.Tell("command.people.your_contacts_see_the_picture_that")
		default:
			c.Tell("command.people.no_picture")
		}
	default:
		pictureOfAnswer(c, login)
	}
}

// pictureOfAnswer takes the picture that the command answers.
func pictureOfAnswer(c *call.Call, login *call.Login) {
	evt, err := login.Picture.Sent(c.Ctx, c.RoomID, c.ReplyTo)
	if err != nil || evt == nil {
		c.Log.Err(err).Msg("Failed to get the event that a command answers")
		c.Tell("command.people.the_bridge_cannot_read_what_you")
		return
	}
	if evt.Content.Parsed == nil {
		_ = evt.Content.ParseRaw(evt.Type) // then it holds no address
	}
	content := evt.Content.AsMessage()
	if evt.Type != event.EventMessage && evt.Type != event.EventSticker || content.URL == "" && content.File == nil {
		c.Tell("command.people.what_you_have_answered_is_no")
		return
	}
	if info := content.Info; info != nil && info.Size > picture.MaxOwn {
		c.Tell("command.people.picture_too_many_bytes", picture.MaxOwn>>20)
		return
	}
	data, err := c.Bot.DownloadMedia(c.Ctx, content.URL, content.File)
	if err != nil {
		c.Log.Err(err).Msg("Failed to download the picture that a command answers")
		c.Tell("command.people.the_homeserver_does_not_give_the")
		return
	}
	source := string(content.URL)
	if content.File != nil {
		source = string(content.File.URL)
	}
	setPicture(c, login, source, data)
}

func setPicture(c *call.Call, login *call.Login, source string, data []byte) {
	err := login.Picture.Set(c.Ctx, source, data)
	switch {
	case errors.Is(err, picture.ErrTooLarge):
		c.Tell("command.people.picture_too_large", picture.MaxOwn>>20)
	case errors.Is(err, picture.ErrNoPicture):
		c.Tell("command.people.the_bridge_cannot_read_that_picture")
	case errors.Is(err, msn.ErrDialect):
		c.Tell("command.people.is_too_old_for_pictures_your", login.Account.Service.Name)
	case err != nil && !errors.Is(err, msn.ErrNotConnected) && len(data) > 0:
		c.Log.Err(err).Msg("Failed to set a display picture")
		c.Tell("command.people.did_not_take_it_now_your", login.Account.Service.Name)
	case err != nil:
		c.Log.Err(err).Msg("Failed to set a display picture")
		c.Tell("command.people.that_did_not_work_now_try")
	case len(data) == 0:
		c.Tell("command.people.picture_taken_away")
	default:
		c.Say("%s", words.Text("command.people.your_contacts_on_see_this_picture", login.Account.Service.Name))
	}
}
