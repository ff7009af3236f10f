package account

import (
	"context"

	"matrix-msn/bridge/msgconv"
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
