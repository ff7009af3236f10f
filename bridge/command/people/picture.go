package people

import (
	"errors"
	"fmt"
	"strings"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/picture"
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
			c.Say("That did not work now. Try again in a minute.")
			return
		}
		c.Say("Your contacts see your picture of Matrix from now on.")
	case c.Text != "":
		c.Say("`picture` takes no words: send the picture here, and answer it with `$cmdprefix picture`. `$cmdprefix picture remove` takes it away, `$cmdprefix picture --follow` shows your picture of Matrix.")
	case c.ReplyTo == "":
		shown, err := login.Picture.Is(c.Ctx)
		switch {
		case err != nil:
			c.Say("The bridge cannot look it up now. Try again in a minute.")
		case shown && login.Picture.Follows():
			c.Say("Your contacts see your picture of Matrix. To show another one, send it here and answer it with `$cmdprefix picture`; `$cmdprefix picture remove` takes it away.")
		case shown:
			c.Say("Your contacts see the picture that you have chosen. To show another one, send it here and answer it with `$cmdprefix picture`; `$cmdprefix picture remove` takes it away.")
		default:
			c.Say("Your contacts see no picture of you. To show one, send it here and answer it with `$cmdprefix picture`; `$cmdprefix picture --follow` shows the one that you have in Matrix.")
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
		c.Say("The bridge cannot read what you have answered. Send the picture once more here, and answer that.")
		return
	}
	if evt.Content.Parsed == nil {
		_ = evt.Content.ParseRaw(evt.Type) // then it holds no address
	}
	content := evt.Content.AsMessage()
	if evt.Type != event.EventMessage && evt.Type != event.EventSticker || content.URL == "" && content.File == nil {
		c.Say("What you have answered is no picture. Send a PNG, JPEG or GIF here, and answer that with `$cmdprefix picture`.")
		return
	}
	if info := content.Info; info != nil && info.Size > picture.MaxOwn {
		c.Say("That picture is too large: take one of less than %d MB.", picture.MaxOwn>>20)
		return
	}
	data, err := c.Bot.DownloadMedia(c.Ctx, content.URL, content.File)
	if err != nil {
		c.Log.Err(err).Msg("Failed to download the picture that a command answers")
		c.Say("The homeserver does not give the picture. Send it once more here, and answer that.")
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
		c.Say("That picture is too large: take one of less than %d MB and 4,096 by 4,096 pixels.", picture.MaxOwn>>20)
	case errors.Is(err, picture.ErrNoPicture):
		c.Say("The bridge cannot read that picture: send a PNG, JPEG or GIF.")
	case errors.Is(err, msn.ErrDialect):
		c.Say("%s is too old for pictures: your contacts see none. The bridge keeps it.", login.Account.Service.Name)
	case err != nil && !errors.Is(err, msn.ErrNotConnected) && len(data) > 0:
		c.Log.Err(err).Msg("Failed to set a display picture")
		c.Say("%s did not take it now. Your contacts see it after the next sign-in; `$cmdprefix reconnect` makes one.", login.Account.Service.Name)
	case err != nil:
		c.Log.Err(err).Msg("Failed to set a display picture")
		c.Say("That did not work now. Try again in a minute.")
	case len(data) == 0:
		c.Say("Your contacts see no picture of you any more.")
	default:
		c.Say("%s", fmt.Sprintf("Your contacts on %s see this picture now, cut to a square of 96 by 96.", login.Account.Service.Name))
	}
}
