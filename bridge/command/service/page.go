package service

import (
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/notify"
)

const CallbackOption = "callback"

const pageUsage = "command.service.write_page_bob_example_com_call"

// isOption matches what is meant as an option and not as text: "--" alone and "-->"
// are text.
var isOption = regexp.MustCompile(`^--[A-Za-z]`)

// Page sends a page to somebody's mobile device.
func Page(c *call.Call) {
	rest := c.Text
	login, ok := c.Login()
	if !ok {
		return
	}
	if word, _ := call.CutWord(rest); isOption.MatchString(word) {
		c.Tell("command.service.is_no_option_of_page_the", names.Clean(word), words.Text(pageUsage))
		return
	}
	// Looked at before what else is missing: who writes "--callback hi" means hi as text.
	if problem := callbackProblem(c.Given); problem != "" {
		c.Say("%s", problem)
		return
	}
	to, rest, problem := pageTarget(rest, c.ContactOfRoom(login))
	if problem != "" {
		c.Say("%s", problem)
		return
	}
	text := c.Given.Take(rest, CallbackOption)
	if problem := callbackProblem(c.Given); problem != "" {
		c.Say("%s", problem)
		return
	}
	if strings.TrimSpace(text) == "" {
		c.Tell("command.service.the_text_is_missing", words.Text(pageUsage))
		return
	}
	client, ok := c.SessionOf(login)
	if !ok {
		return
	}
	var callback notify.Callback
	if value, ok := c.Given[CallbackOption]; ok {
		if callback, problem = parseCallback(value, client.OwnNumber); problem != "" {
			c.Say("%s", problem)
			return
		}
	}
	now := time.Now()
	err := login.Pages.Put(c.Ctx, &database.Page{
		LoginID:        login.Account.Login.ID,
		PageID:         rand.Text(),
		To:             to,
		Text:           text,
		Callback:       string(callback.Location),
		CallbackNumber: callback.Number,
		RoomID:         c.OrigRoomID,
		EventID:        c.EventID,
		Sender:         c.User.MXID,
		State:          database.PageSending,
		WrittenAt:      now,
		UpdatedAt:      now,
	})
	if err != nil {
		if !errors.Is(err, msn.ErrClosed) { // the user logs out
			zerolog.Ctx(c.Ctx).Err(err).Msg("Failed to store a page")
			err = reason.ErrBridge
		}
		sentence := reason.Of(err, reason.Page, login.Account.About(to)).Sentence
		c.Say("%s", sentence)
	}
}

// pageTarget finds out whom a page is for: the address or number it begins with, or
// the contact of the room. problem is a sentence when it is nobody.
func pageTarget(typed, contact string) (to, text, problem string) {
	word, rest := call.CutWord(typed)
	if word == "" && contact == "" {
		return "", "", words.Text("command.service.whom_and_what", words.Text(pageUsage))
	}
	if number, ok := isNumber(word); ok {
		return number, rest, ""
	}
	if contact != "" {
		if account, ok := call.IsAddress(word); ok {
			return account, rest, ""
		}
		return contact, typed, ""
	}
	if account, err := msnid.ParseAccount(word); err == nil && !strings.HasPrefix(account, names.Tel) {
		return account, rest, ""
	}
	return "", "", words.Text("command.service.is_neither_an_e_mail_address", names.Clean(word), words.Text(pageUsage))
}

// callbackProblem says what is wrong with the place at which the user wants to be called
// back, "" when nothing is.
func callbackProblem(given call.Options) string {
	value, ok := given[CallbackOption]
	place, _, _ := strings.Cut(value, "=")
	switch _, known := callbackPlace(place); {
	case !ok || known:
		return ""
	case place == "":
		return words.Text("command.service.callback_without_phone", words.Text(pageUsage))
	default:
		return words.Text("command.service.callback_of_another_phone",
			names.Clean(place), words.Text(pageUsage))
	}
}

// callbackPlace returns a place at which somebody can be called back.
func callbackPlace(typed string) (notify.Location, bool) {
	switch location := notify.Location(strings.ToUpper(typed)); location {
	case notify.Home, notify.Work, notify.Mobile:
		return location, true
	}
	return "", false
}

// parseCallback reads the number to be called back at: a place that callbackProblem has
// nothing against, perhaps with "=" and a number, else it is the user's own number there.
func parseCallback(value string, own func(notify.Location) string) (callback notify.Callback, problem string) {
	place, number, given := strings.Cut(value, "=")
	callback.Location, _ = callbackPlace(place)
	if !given {
		if callback.Number = own(callback.Location); callback.Number == "" {
			return callback, words.Text("command.service.msn_knows_no_number_of_yours",
				strings.ToLower(place))
		}
		return callback, ""
	}
	digits, ok := digitsOf(number)
	if !ok {
		return callback, words.Text("command.service.is_no_telephone_number_it_must", names.Clean(number), maxDigits)
	}
	callback.Number = digits
	return callback, ""
}
