package picture

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/account"
	"matrix-msn/msn"
)

// The service keeps the user's picture too, from MSNP15 on: so it is there while the bridge is not, and at other
// places where they sign in. It is taken from there once, at the first sign-in, and brought there whenever the user
// has another one here. What another client stores later stays: the user has that one from there.

// ofService is the source of a picture that was taken from the service.
const ofService = "msn"

// store says that the service may not keep what it should.
func (o *Own) store() { o.work.Try("stored picture", o.storeNow) }

// storeNow has the service keep the user's picture, or takes what it keeps when the user has none here yet. It
// reports false when it is to be tried again.
func (o *Own) storeNow(ctx context.Context) (done bool) {
	log := zerolog.Ctx(ctx)
	client := o.session.Current()
	if client == nil {
		return true // the next sign-in asks again
	}
	kept, err := o.account.DB.Picture.Get(ctx, o.account.Login.ID)
	if err != nil {
		log.Err(err).Msg("Failed to read the user's display picture")
		return false
	}
	mark := o.account.Stored().StoredPicture
	switch {
	case kept == nil && mark != nil:
		return true // it was looked for before, and there was none
	case kept == nil:
		err = o.take(ctx, client)
	case mark != nil && *mark == markOf(kept.PNG), mark == nil && len(kept.PNG) == 0:
		return true
	default:
		if err = client.StorePicture(ctx, kept.PNG); err == nil {
			// Also when the bridge is just stopping: the next start would store it again, over what another place has stored meanwhile.
			err = o.mark(context.WithoutCancel(ctx), kept.PNG)
		}
	}
	if err != nil && !errors.Is(err, msn.ErrDialect) {
		log.Info().Err(err).Msg("The service does not keep the user's display picture now, and is asked again at the next sign-in")
	}
	return true
}

// take shows the picture that the service keeps, if it keeps one.
func (o *Own) take(ctx context.Context, client *msn.Client) error {
	stored, err := client.StoredPicture(ctx)
	if err != nil {
		return err
	}
	if stored.Size == 0 {
		return o.mark(ctx, nil)
	}
	data, err := client.FetchStored(ctx, stored)
	if err != nil {
		return err
	}
	kept, err := o.made(ofService, data)
	if err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("The display picture that the service keeps cannot be read")
		return o.mark(ctx, nil)
	}
	o.setting.Lock()
	defer o.setting.Unlock()
	now, err := o.account.DB.Picture.Get(ctx, o.account.Login.ID)
	if err != nil || now != nil {
		return err // they have chosen another one meanwhile, which is stored by itself
	}
	if err := o.mark(ctx, kept.PNG); err != nil {
		return err
	}
	return o.show(ctx, kept)
}

// mark notes what the service keeps.
func (o *Own) mark(ctx context.Context, png []byte) error {
	mark := markOf(png)
	return o.account.Remember(ctx, func(kept *account.Record) { kept.StoredPicture = &mark })
}

// markOf tells pictures apart; "" is none.
func markOf(png []byte) string {
	if len(png) == 0 {
		return ""
	}
	sum := sha256.Sum256(png)
	return hex.EncodeToString(sum[:8])
}
