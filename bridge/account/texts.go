package account

import (
	"context"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// TextOptions returns how texts of this login are converted.
func (a *Account) TextOptions() msgconv.Options {
	emoticons := a.Config.Emoticons
	if chosen := a.Stored().Emoticons; chosen != nil {
		emoticons = *chosen
	}
	return msgconv.Options{Emoticons: emoticons, Markup: a.Config.Markup}
}

// ChooseEmoticons notes whether emoji and the emoticons of MSN stand for each other.
func (a *Account) ChooseEmoticons(ctx context.Context, on bool) error {
	return a.Remember(ctx, func(kept *Record) { kept.Emoticons = &on })
}

// Emoticons returns those of a message's custom emoji that can stand in a text that is made of it, as they are stored
// with that.
func Emoticons(emoji []msgconv.Picture, text string) (emoticons database.Emoticons) {
	for _, e := range msgconv.Shortcuts(emoji, text, msn.MaxEmoticons) {
		emoticons = append(emoticons, database.Emoticon{Shortcut: e.Shortcut, Picture: string(e.URL)})
	}
	return emoticons
}
