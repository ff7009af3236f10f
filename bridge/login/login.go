// Package login asks a user for an address and a password, signs in with them, and makes a
// login of that.
package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

const (
	stepCredentials = "com.github.matrix-msn.login.credentials"
	stepComplete    = "com.github.matrix-msn.login.complete"

	// FieldAccount and FieldPassword are the fields that are asked for.
	FieldAccount  = "account"
	FieldPassword = "password"
)

// Logins makes logins.
type Logins struct {
	Bridge  *bridgev2.Bridge
	Config  *config.Config
	SignIns *session.SignIns
	// SessionOf returns what keeps a login signed in.
	SessionOf func(*bridgev2.UserLogin) *session.Session

	attempts attempts
}

// process is one user signing in to one service.
type process struct {
	*Logins
	user     *bridgev2.User
	service  *config.Service
	override *bridgev2.UserLogin
	refused  string // the account whose password is asked for again
}

// dialogue is the key of InDialogue.
type dialogue struct{}

// InDialogue returns a context for a user who logs in by a chat. They are asked again for a
// password that the service refuses: what they type next is one, and is treated as one. A
// program that logs in gets an error instead.
func InDialogue(ctx context.Context) context.Context {
	return context.WithValue(ctx, dialogue{}, true)
}

var (
	_ bridgev2.LoginProcessUserInput    = (*process)(nil)
	_ bridgev2.LoginProcessWithOverride = (*process)(nil)
)

// Flows returns one login flow per service, in the order of their keys.
func Flows(cfg *config.Config) (flows []bridgev2.LoginFlow) {
	for _, key := range cfg.ServiceKeys() {
		name := cfg.Service(key).Name
		flows = append(flows, bridgev2.LoginFlow{
			ID: key, Name: name, Description: words.Text("login.sign_in_to_with_an_e", name),
		})
	}
	return flows
}

// Begin begins to sign a user in to the service that flow names.
func (l *Logins) Begin(user *bridgev2.User, flow string) (bridgev2.LoginProcess, error) {
	s := l.Config.Service(flow)
	if s == nil {
		return nil, bridgev2.ErrInvalidLoginFlowID
	}
	return &process{Logins: l, user: user, service: s}, nil
}

// Start asks for address and password.
func (p *process) Start(context.Context) (*bridgev2.LoginStep, error) {
	return p.credentialsStep(), nil
}

// StartWithOverride asks for the password of a login that exists.
func (p *process) StartWithOverride(_ context.Context, override *bridgev2.UserLogin) (*bridgev2.LoginStep, error) {
	if override.UserMXID != p.user.MXID {
		return nil, refusal(reason.ErrNotYours, reason.Login, http.StatusForbidden, reason.Subject{})
	}
	if identity, ok := msnid.ParseLoginID(override.ID); !ok || identity.Service != p.service.Key {
		return nil, refusal(reason.ErrOtherService, reason.Login, http.StatusBadRequest,
			reason.Subject{Name: string(override.ID), Service: p.service.Name, Choices: identity.Service})
	}
	p.override = override
	return p.credentialsStep(), nil
}

// Cancel has nothing to undo: nothing is connected between the steps.
func (p *process) Cancel() {}

func (p *process) credentialsStep() *bridgev2.LoginStep {
	account := bridgev2.LoginInputDataField{
		Type:        bridgev2.LoginInputFieldTypeEmail,
		ID:          FieldAccount,
		Name:        words.Text("login.field.email"),
		Description: words.Text("login.the_address_with_which_you_sign", p.service.Name),
		Validate:    typed(msnid.ParseAccount),
	}
	password := bridgev2.LoginInputDataField{
		Type:        bridgev2.LoginInputFieldTypePassword,
		ID:          FieldPassword,
		Name:        "password",
		Description: words.Text("login.your_password_at", p.service.Name),
		Validate:    typed(checkPassword),
	}
	fields := []bridgev2.LoginInputDataField{account, password}
	if p.override != nil || p.refused != "" {
		fields = fields[1:] // the account is known
	}
	return &bridgev2.LoginStep{
		Type:            bridgev2.LoginStepTypeUserInput,
		StepID:          stepCredentials,
		Instructions:    words.Text("login.sign_in_to_the_bridge_keeps", p.service.Name),
		UserInputParams: &bridgev2.LoginUserInputParams{Fields: fields},
	}
}

// typed has the framework say the sentence of an error that check finds in what was typed.
func typed(check func(string) (string, error)) func(string) (string, error) {
	return func(s string) (string, error) {
		checked, err := check(s)
		if err != nil {
			return "", refusal(err, reason.Input, http.StatusBadRequest, reason.Subject{})
		}
		return checked, nil
	}
}

func checkPassword(password string) (string, error) {
	switch {
	case password == "":
		return "", reason.ErrEmptyPassword
	case len(password) > reason.MaxPassword:
		return "", reason.ErrLongPassword
	case strings.ContainsAny(password, "\r\n\x00"):
		return "", reason.ErrPasswordLine
	}
	return password, nil
}

// SubmitUserInput signs in with what the user typed and, when the service lets
// them, makes the login and hands the session over to it.
func (p *process) SubmitUserInput(ctx context.Context, input map[string]string) (*bridgev2.LoginStep, error) {
	address, err := p.address(input)
	if err != nil {
		return nil, refusal(err, reason.Input, http.StatusBadRequest, reason.Subject{})
	}
	password, err := checkPassword(input[FieldPassword])
	if err != nil {
		return nil, refusal(err, reason.Input, http.StatusBadRequest, reason.Subject{})
	}
	identity := msnid.Identity{Service: p.service.Key, Account: address}
	id := msnid.MakeLoginID(identity)
	if p.override != nil && id != p.override.ID {
		return nil, refusal(reason.ErrOtherAccount, reason.Login, http.StatusBadRequest, reason.Subject{Name: string(p.override.ID)})
	}
	defer p.SignIns.Lock(id)()
	existing, err := p.Bridge.GetExistingUserLoginByID(ctx, id)
	if err != nil {
		return nil, trouble(ctx, fmt.Errorf("failed to look for an existing login: %w", err))
	}
	if existing != nil && existing.UserMXID != p.user.MXID {
		// Before anything is done with the session that the other user has.
		return nil, refusal(reason.ErrTaken, reason.Login, http.StatusConflict, reason.Subject{})
	}
	if wait := p.attempts.wait(id, p.user.MXID, time.Now()); wait > 0 {
		return nil, refusal(reason.ErrManyAttempts, reason.Login, http.StatusTooManyRequests, reason.Subject{Choices: names.Minutes(wait)})
	}
	credentials := session.Credentials{Account: address, Password: password, MachineGUID: msn.NewMachineGUID()}
	chosen := p.Config.Status
	resume, goOn := func() {}, func() {}
	if existing != nil {
		old := p.SessionOf(existing)
		if old.Leaving() {
			return nil, refusal(reason.ErrLeaving, reason.Login, http.StatusConflict, reason.Subject{})
		}
		kept := existing.Metadata.(*account.Metadata).Get()
		credentials.MachineGUID = cmp.Or(kept.MachineGUID, credentials.MachineGUID)
		credentials.Groups = old.Groups(ctx)
		if kept.Status != "" {
			chosen = kept.Status
		}
		// Signing in ends the session that this login has; a wrong password does not.
		// One that has none must not sign in at the same time.
		old.Yield()
		goOn = old.GoOn
		resume = func() { old.ReconnectLocked(context.WithoutCancel(ctx)) }
	}
	credentials.Status, _ = chosen.Status() // who signs in is there
	client, err := p.SignIns.Open(ctx, session.Interactive, p.service, credentials, p.Bridge.Log.With().Stringer("user_mxid", p.user.MXID).Logger())
	if err != nil {
		goOn()
		refused := p.refuse(ctx, id, err)
		if ctx.Value(dialogue{}) != nil && errors.Is(err, msn.ErrBadCredentials) && p.attempts.wait(id, p.user.MXID, time.Now()) <= 0 {
			return p.askAgain(address, err), nil
		}
		return nil, refused
	}
	// Who logs in by a program sees there what there is.
	greet := existing == nil && ctx.Value(dialogue{}) != nil
	login, err := p.store(ctx, existing, credentials, client, greet)
	if err != nil {
		session.Discard(client)
		resume()
		return nil, err
	}
	return &bridgev2.LoginStep{
		Type:         bridgev2.LoginStepTypeComplete,
		StepID:       stepComplete,
		Instructions: words.Text("login.signed_in_to_as", p.service.Name, address),
		CompleteParams: &bridgev2.LoginCompleteParams{
			UserLoginID: login.ID,
			UserLogin:   login,
		},
	}, nil
}

// address returns the account that a user signs in to: what they typed, or what is known.
func (p *process) address(input map[string]string) (string, error) {
	written, given := input[FieldAccount]
	switch {
	case given:
	case p.refused != "":
		written = p.refused
	case p.override != nil:
		// It may be longer than what is taken of somebody new.
		identity, _ := msnid.ParseLoginID(p.override.ID)
		if len(p.Bridge.Matrix.FormatGhostMXID(msnid.MakeUserID(identity))) > id.UserIDMaxLength {
			return "", msnid.ErrLongID
		}
		return identity.Account, nil
	}
	return msnid.ParseAccount(written)
}

// askAgain asks for the password that the service has just refused with err.
func (p *process) askAgain(address string, err error) *bridgev2.LoginStep {
	p.refused = address
	step := p.credentialsStep()
	step.Instructions = reason.Of(err, reason.Login, reason.Subject{Name: address, Service: p.service.Name}).Sentence
	return step
}

// refuse says why signing in failed.
func (p *process) refuse(ctx context.Context, id networkid.UserLoginID, err error) error {
	problem := reason.Of(err, reason.Connection, reason.Subject{Service: p.service.Name, ServiceKey: p.service.Key})
	zerolog.Ctx(ctx).Warn().Err(err).Str("code", problem.Code).Msg("Sign-in for a new login failed")
	code := http.StatusBadGateway
	if problem.BadCredentials() {
		p.attempts.failed(id, p.user.MXID, time.Now())
		code = http.StatusForbidden
	}
	return problem.Answer(code, err)
}

// store makes the login, in the place of existing unless that is nil, and hands client over
// to it. With greet the user is told what to do with it.
func (p *process) store(ctx context.Context, existing *bridgev2.UserLogin, credentials session.Credentials, client *msn.Client, greet bool) (*bridgev2.UserLogin, error) {
	id := msnid.MakeLoginID(msnid.Identity{Service: p.service.Key, Account: credentials.Account})
	sealed, err := p.Config.SealPassword(id, credentials.Password)
	if err != nil {
		return nil, trouble(ctx, err)
	}
	leaving, takeBack := func() bool { return false }, func() {}
	if existing != nil {
		api, old, meta := existing.Client, p.SessionOf(existing), existing.Metadata.(*account.Metadata)
		before := meta.Get()
		old.Retire()
		if leaving = old.Leaving; leaving() { // since the service was asked
			return nil, refusal(reason.ErrLeaving, reason.Login, http.StatusConflict, reason.Subject{})
		}
		takeBack = func() {
			existing.Client = api
			meta.Update(func(kept *account.Record) { *kept = before })
			old.Unretire()
		}
	}
	login, err := p.user.NewLogin(ctx, &database.UserLogin{
		ID:         id,
		RemoteName: credentials.Account,
		RemoteProfile: status.RemoteProfile{
			Email: credentials.Account,
			Name:  names.Clean(client.DisplayName()),
		},
		Metadata: account.NewMetadata(account.Record{Password: sealed, MachineGUID: credentials.MachineGUID, Greet: greet}),
	}, &bridgev2.NewLoginParams{DeleteOnConflict: false})
	if err != nil {
		takeBack()
		return nil, trouble(ctx, fmt.Errorf("failed to store the login: %w", err))
	}
	made := p.SessionOf(login)
	made.Start(client)
	// A logout can have come between, which the framework does not guard against, and may not be at its end.
	if row, err := p.Bridge.DB.UserLogin.GetByID(ctx, id); err == nil && row == nil || p.Bridge.GetCachedUserLoginByID(id) != login || leaving() {
		made.Retire()
		return nil, refusal(reason.ErrLoggedOut, reason.Login, http.StatusConflict, reason.Subject{})
	}
	return login, nil
}

// refusal says why there is no login, before the service was asked.
func refusal(err error, place reason.Place, status int, about reason.Subject) error {
	why := reason.Of(err, place, about)
	why.Code = strings.TrimPrefix(why.Code, "msn-") // programs know these without
	return why.Answer(status, err)
}

// trouble is what the user is told of an error of the bridge itself, which the log has.
func trouble(ctx context.Context, err error) error {
	zerolog.Ctx(ctx).Err(err).Msg("Failed to make a login")
	return refusal(err, reason.Login, http.StatusInternalServerError, reason.Subject{})
}
