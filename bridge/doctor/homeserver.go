package doctor

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/random"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/appservice"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/id"
)

// maxSkew is by how much the clocks of bridge and homeserver may differ. Texts that come late have
// the time of the service, and rooms are sorted by the homeserver's.
const maxSkew = time.Minute

// CheckHomeserver asks the homeserver what it is, whether it takes the bridge for the one in the
// config, and whether it reaches the bridge. While the bridge does not run, its place is taken meanwhile
// for the last: events that come are refused, so that the homeserver sends them again.
func CheckHomeserver(ctx context.Context, c *bridgeconfig.Config) []Finding {
	f := findings{about: "homeserver"}
	server, err := LookAt(ctx, c.Homeserver.Address)
	if err != nil {
		f.bad("%v", err)
		return f.list
	}
	if err := server.TooOld(); err != nil {
		f.bad("%v", err)
	} else {
		f.fine("%s answers at %s", server, shown(c.Homeserver.Address))
	}
	list := append(f.list, clock(server)...)
	registered, known := registration(ctx, c)
	list = append(list, registered...)
	if known {
		list = append(list, calls(ctx, c, server)...)
	}
	return append(list, passedOn(c, server)...)
}

func clock(server *Homeserver) []Finding {
	f := findings{about: "clock"}
	ahead := server.Clock.Round(time.Second)
	switch {
	case !server.clockKnown:
		f.warn("the homeserver does not say what time it is: see to it that both clocks are set by NTP")
	case ahead.Abs() > maxSkew:
		f.warn("the homeserver's clock differs by %v from the one here: set both by NTP, or messages stand in the wrong order", ahead.Abs())
	default:
		f.fine("differs by less than %v from the homeserver's", maxSkew)
	}
	return f.list
}

// client speaks to the homeserver for the bridge, as somebody.
func client(c *bridgeconfig.Config, as id.UserID) (*mautrix.Client, error) {
	client, err := mautrix.NewClient(c.Homeserver.Address, as, c.AppService.ASToken)
	if err != nil {
		return nil, fmt.Errorf("homeserver.address: %w", err)
	}
	client.SetAppServiceUserID = as != ""
	client.Log, client.DefaultHTTPRetries = zerolog.Nop(), 0
	return client, nil
}

// errToken is why the homeserver does not know who the bridge is.
var errToken = errors.New("the homeserver does not know appservice.as_token")

// errDomain is that the homeserver has another name than the config says.
var errDomain = errors.New("homeserver.domain")

// IsMistake reports whether an error of Known is one that stays until the config, or the homeserver's, is put right.
func IsMistake(err error) bool { return errors.Is(err, errToken) || errors.Is(err, errDomain) }

// Known asks the homeserver whom it knows by the bridge's token. The error is a sentence for the admin.
func Known(ctx context.Context, c *bridgeconfig.Config) error {
	ctx, cancel := context.WithTimeout(zerolog.Nop().WithContext(ctx), patience)
	defer cancel()
	sender, err := client(c, "")
	if err != nil {
		return err
	}
	who, err := sender.Whoami(ctx)
	switch {
	case errors.Is(err, mautrix.MUnknownToken):
		return fmt.Errorf("%w: name the registration file in its config (app_service_config_files of Synapse, app_service_api.config_files of Dendrite) "+
			"and restart it. If the file is there, it has other tokens than the config: make both anew with -g", errToken)
	case err != nil:
		return fmt.Errorf("the homeserver does not say who the bridge is (%s)", answered(err))
	}
	if server := who.UserID.Homeserver(); server != c.Homeserver.Domain {
		return fmt.Errorf("%w is %q, but users of the homeserver are called @…:%s: set it to %[3]s, and make the registration anew with -g", errDomain, c.Homeserver.Domain, server)
	}
	return nil
}

// registration asks who the bridge is by its token. known reports whether the homeserver knows it.
func registration(ctx context.Context, c *bridgeconfig.Config) (list []Finding, known bool) {
	f := findings{about: "registration"}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := Known(ctx, c); err != nil {
		f.bad("%v", err)
		return f.list, !errors.Is(err, errToken)
	}
	bot := id.NewUserID(c.AppService.Bot.Username, c.Homeserver.Domain)
	asBot, err := client(c, bot)
	if err != nil {
		f.bad("%v", err)
		return f.list, true
	}
	switch who, err := asBot.Whoami(ctx); {
	case err == nil && who.UserID == bot:
		f.fine("the homeserver knows appservice.as_token, and lets the bridge speak as %s", bot)
	case err != nil && strings.Contains(strings.ToLower(answered(err)), "not registered"):
		f.fine("the homeserver knows appservice.as_token; the first start makes %s", bot)
	case err == nil:
		f.bad("the homeserver takes the bridge for %s in the place of %s: make the registration anew with -g and give it to the homeserver", who.UserID, bot)
	default:
		f.bad("the homeserver knows appservice.as_token, but does not let the bridge speak as %s (%s): the registration was made for another appservice.bot.username "+
			"or homeserver.domain. Make it anew with -g, give it to the homeserver, and restart that", bot, answered(err))
	}
	return f.list, true
}

// answered is an error of the homeserver, in its own words, without the request.
func answered(err error) string {
	if failed, ok := errors.AsType[mautrix.HTTPError](err); ok {
		if failed.RespError != nil {
			return strings.TrimSpace(failed.RespError.ErrCode + " " + failed.RespError.Err)
		}
		if failed.Response != nil {
			return "HTTP " + strconv.Itoa(failed.Response.StatusCode)
		}
		if failed.WrappedError != nil {
			return failed.WrappedError.Error()
		}
	}
	return err.Error()
}

// calls has the homeserver call the bridge.
func calls(ctx context.Context, c *bridgeconfig.Config, server *Homeserver) []Finding {
	f := findings{about: "calls"}
	if c.Homeserver.Websocket {
		f.fine("go by a websocket")
		return f.list
	}
	in, stop, err := listen(ctx, c)
	if err != nil {
		f.bad("%v", err)
		return f.list
	}
	defer stop()
	if !server.Spec.Supports(mautrix.FeatureAppservicePing) {
		unasked(ctx, c, in, &f)
		return f.list
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	bridge, err := client(c, "")
	if err != nil {
		f.bad("%v", err)
		return f.list
	}
	_, err = bridge.AppservicePing(ctx, c.AppService.ID, "doctor-"+random.String(8))
	failed, _ := errors.AsType[mautrix.HTTPError](err)
	code := ""
	if failed.RespError != nil {
		code = failed.RespError.ErrCode
	}
	if code == "M_CONNECTION_FAILED" && strings.Contains(failed.RespError.Err, sendsAlready) {
		err = nil
	}
	refused := in != nil && in.refused.Load()
	switch {
	case err == nil && (in == nil || in.called.Load()):
		f.fine("the homeserver reaches the bridge at the url of its registration, with the hs_token of the config")
	case err == nil:
		f.warn("the homeserver reaches something at the url of its registration, but not what listens at appservice.hostname and appservice.port: correct the url, or what passes it on. " +
			"If the bridge runs in another container than this, call the doctor there, as in docker compose exec bridge /matrix-msn doctor")
	case refused, code == "M_BAD_STATUS" && (status(failed) == http.StatusUnauthorized || status(failed) == http.StatusForbidden):
		f.bad("%s", otherHSToken)
	case code == "M_URL_NOT_SET":
		f.bad("the registration that the homeserver has is without a url: set it to the address at which the homeserver reaches the bridge (appservice.address), and restart the homeserver")
	case code == "M_BAD_STATUS":
		f.bad("something else than the bridge answers the homeserver at the url of its registration (HTTP %d): correct the url, appservice.address, and what passes it on", status(failed))
	case code == "M_CONNECTION_FAILED", code == "M_CONNECTION_TIMEOUT":
		f.bad("the homeserver does not reach the bridge at the url of its registration: it must lead from the homeserver to appservice.hostname and appservice.port here. " +
			"In containers localhost is each container's own: name the bridge's container, and set appservice.hostname to 0.0.0.0")
	case errors.Is(err, context.DeadlineExceeded):
		f.warn("the homeserver calls the bridge and is not answered within %v: see whether something else than the bridge listens at the url of its registration, or a proxy on the way waits", patience)
	case code == "M_FORBIDDEN":
		f.bad("appservice.id is %q, but the as_token belongs to another registration: copy id from the homeserver's registration file", c.AppService.ID)
	default:
		f.warn("the homeserver does not say whether it reaches the bridge (%s)", answered(err))
	}
	return f.list
}

// sendsAlready is what Synapse from 1.132 on says when the bridge has answered its call, and it cannot have what it has kept sent again
// because it is sending that already.
const sendsAlready = "Tried to cancel an already-"

// Reached has the homeserver call the bridge, if it can be asked to. The error, a sentence for the admin, says what keeps it
// from that for certain.
func Reached(ctx context.Context, c *bridgeconfig.Config, server *Homeserver) error {
	if !server.Spec.Supports(mautrix.FeatureAppservicePing) {
		return nil
	}
	for _, found := range calls(zerolog.Nop().WithContext(ctx), c, server) {
		if found.Level == Bad {
			return errors.New(found.Says)
		}
	}
	return nil
}

// otherHSToken is what is told of a homeserver that calls with another token.
const otherHSToken = "the homeserver calls the bridge with another token than appservice.hs_token: copy hs_token from the homeserver's registration file into the config, or make both anew with -g and restart the homeserver"

// unasked has a homeserver call that cannot be asked to: for a user whom only the bridge can know, it asks the bridge. While
// the bridge runs, only the bridge hears of that.
func unasked(ctx context.Context, c *bridgeconfig.Config, in *stand, f *findings) {
	if in == nil {
		f.warn("this homeserver cannot be asked whether it reaches the bridge with the right hs_token, and while the bridge runs only the bridge hears of it: " +
			"write to its bot. If it does not answer and its log says \"refused\", the homeserver has another appservice.hs_token; if the log says nothing, another url. Or stop the bridge, and call the doctor again")
		return
	}
	ctx, cancel := context.WithTimeout(zerolog.Nop().WithContext(ctx), patience)
	defer cancel()
	bridge, err := client(c, "")
	if err == nil {
		ghost := id.NewUserID(c.AppService.FormatUsername("doctor-"+strings.ToLower(random.String(8))), c.Homeserver.Domain)
		_, err = bridge.GetDisplayName(ctx, ghost) // whom nobody knows
	}
	switch {
	case in.called.Load():
		f.fine("the homeserver reaches the bridge at the url of its registration, with the hs_token of the config")
	case in.refused.Load():
		f.bad("%s", otherHSToken)
	case err != nil && !errors.Is(err, mautrix.MNotFound):
		f.warn("the homeserver does not say whether it reaches the bridge (%s)", answered(err))
	default:
		f.warn("the homeserver was asked for a user of the bridge, and did not ask the bridge: if the bridge hears nothing when it runs, correct the url in the registration, which must lead to appservice.hostname and appservice.port here")
	}
}

// status is what the homeserver was answered with when it called.
func status(failed mautrix.HTTPError) int {
	if failed.RespError == nil {
		return 0
	}
	code, _ := failed.RespError.ExtraData["status"].(float64)
	return int(code)
}

// stand is a bridge that only knows how to be called.
type stand struct{ called, refused atomic.Bool }

// listen takes the bridge's place while it does not run. Without a stand something listens there
// already, which is a bridge.
func listen(ctx context.Context, c *bridgeconfig.Config) (*stand, func(), error) {
	address := ListensAt(c)
	if address == "" {
		return nil, func() {}, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		if lives(ctx, address) {
			return nil, func() {}, nil
		}
		return nil, nil, CannotListen(address, err)
	}
	in := new(stand)
	server := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := "Bearer " + c.AppService.HSToken
		switch {
		case subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) != 1:
			in.refused.Store(true)
			mautrix.MUnknownToken.WithMessage("Invalid access token").Write(w)
		case r.URL.Path == "/_matrix/app/v1/ping":
			in.called.Store(true)
			_, _ = w.Write([]byte("{}"))
		case strings.HasPrefix(r.URL.Path, "/_matrix/app/v1/users/"):
			in.called.Store(true)
			mautrix.MNotFound.WithMessage("No such user").Write(w)
		default: // events are for the bridge: the homeserver sends them again
			mautrix.MUnknown.WithMessage("The bridge is not running").WithStatus(http.StatusServiceUnavailable).Write(w)
		}
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	return in, func() { _ = server.Close(); <-done }, nil
}

// passedOn says what is known of typing, presence and keys for devices.
func passedOn(c *bridgeconfig.Config, server *Homeserver) []Finding {
	f := findings{about: "typing, presence"}
	switch {
	case !c.AppService.EphemeralEvents:
		f.warn("appservice.ephemeral_events is off: nothing of typing, presence and receipts is passed on. Set it to true, and make the registration anew with -g")
	case server.IsDendrite():
		f.warn("Dendrite passes neither typing, presence and receipts nor keys for devices on to bridges: who types is not shown in MSN, `follow` follows what users write, and encryption needs encryption.appservice: false")
	default:
		f.fine("are asked for. Whether the homeserver passes them on shows only at run time: the log names each kind when the first of it comes")
	}
	switch pushed := c.Encryption.Allow && c.Encryption.Appservice; {
	case pushed && server.IsDendrite():
		f.bad("encryption.appservice is on, but Dendrite passes no keys on to bridges: set it to false, or nothing that is encrypted can be read")
	case pushed && strings.EqualFold(server.Name, "Synapse"):
		f.fine("encryption.appservice is on: Synapse passes keys on if it has msc2409_to_device_messages_enabled and msc3202_transaction_extensions under experimental_features. " +
			"If the bot says that it has no keys, set both, or encryption.appservice to false")
	}
	return f.list
}

// lives reports whether a bridge answers at an address. It is sent no token: it can be somebody else.
func lives(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := get(ctx, "http://"+reachable(address), "/_matrix/mau/live", new(struct{}))
	return err == nil && answer.StatusCode == http.StatusOK
}

// CheckRegistration holds a registration file, as the homeserver has it, against the config.
func CheckRegistration(path string, c *bridgeconfig.Config) []Finding {
	f := findings{about: "registration"}
	file, err := appservice.LoadRegistration(path)
	if err != nil {
		f.bad("%s cannot be read: it is to be a registration as -g writes it, readable for you", path)
		return f.list
	}
	for _, row := range []struct {
		same    bool
		setting string
	}{
		{file.AppToken == c.AppService.ASToken, "as_token"}, {file.ServerToken == c.AppService.HSToken, "hs_token"},
		{file.ID == c.AppService.ID, "id"},
	} {
		if !row.same {
			f.bad("%s of %s is not appservice.%[1]s of the config: copy it from the one that the homeserver uses, or make both anew with -g and restart the homeserver", row.setting, path)
		}
	}
	if file.URL != c.AppService.Address {
		f.warn("url of %s is %q, and appservice.address %q: the homeserver uses the first", path, shown(file.URL), shown(c.AppService.Address))
	}
	if c.AppService.EphemeralEvents && !file.EphemeralEvents && !file.SoruEphemeralEvents {
		f.warn("%s does not ask for typing and presence: make it anew with -g", path)
	}
	if len(f.list) == 0 {
		f.fine("%s is that of the config", path)
	}
	return f.list
}
