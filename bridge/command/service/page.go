package service

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/database"
	"matrix-msn/msn/notify"
)

const CallbackOption = "callback"

const pageUsage = "Write `!page bob@example.com Call me`, or `!page +15551112222 Call me`; in the room with a contact `!page Call me` is enough. " +
	"`--callback home`, `work` or `mobile` behind `!page` asks to be called back at your number there, `--callback home=15551112222` at another."

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
		c.Say("%s is no option of !page. The page was not sent. %s", names.Clean(word), pageUsage)
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
		c.Say("The text is missing. %s", pageUsage)
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
		zerolog.Ctx(c.Ctx).Err(err).Msg("Failed to store a page")
		sentence := reason.Of(reason.ErrBridge, reason.Page, login.Account.About(to)).Sentence
		c.Say("%s", sentence)
	}
}

// pageTarget finds out whom a page is for: the address or number it begins with, or
// the contact of the room. problem is a sentence when it is nobody.
func pageTarget(typed, contact string) (to, text, problem string) {
	word, rest := call.CutWord(typed)
	if word == "" && contact == "" {
		return "", "", "Whom, and what? " + pageUsage
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
	return "", "", fmt.Sprintf("%s is neither an e-mail address nor a number with + before it. %s", names.Clean(word), pageUsage)
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
		return "--callback must be followed by home, work or mobile. The page was not sent. " + pageUsage
	default:
		return fmt.Sprintf("--callback must be followed by home, work or mobile, not by %s. The page was not sent. %s",
			names.Clean(place), pageUsage)
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
			return callback, fmt.Sprintf("MSN knows no %s number of yours. Name one, as in --callback %[1]s=15551112222. The page was not sent.",
				strings.ToLower(place))
		}
		return callback, ""
	}
	digits, ok := digitsOf(number)
	if !ok {
		return callback, fmt.Sprintf("%s is no telephone number: it must have 1 to %d digits. The page was not sent.", names.Clean(number), maxDigits)
	}
	callback.Number = digits
	return callback, ""
}
