package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/status"

	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
)

const (
	stepCredentials = "com.github.matrix-msn.login.credentials"
	stepComplete    = "com.github.matrix-msn.login.complete"

	fieldAccount  = "account"
	fieldPassword = "password"

	loginErrorPrefix = "COM.GITHUB.MATRIX_MSN."

	// maxPassword is the longest password in bytes that is accepted. Passport cut
	// them at 16 characters; today's services take longer ones.
	maxPassword = 256
)

// loginProcess is one user signing in to one service.
type loginProcess struct {
	connector *Connector
	user      *bridgev2.User
	service   *service
	override  *bridgev2.UserLogin
}

var (
	_ bridgev2.LoginProcessUserInput    = (*loginProcess)(nil)
	_ bridgev2.LoginProcessWithOverride = (*loginProcess)(nil)
)

// CreateLogin begins to sign a user in to the service that flow names.
func (c *Connector) CreateLogin(_ context.Context, user *bridgev2.User, flow string) (bridgev2.LoginProcess, error) {
	s := c.services[flow]
	if s == nil {
		return nil, bridgev2.ErrInvalidLoginFlowID
	}
	return &loginProcess{connector: c, user: user, service: s}, nil
}

// Start asks for address and password.
func (p *loginProcess) Start(context.Context) (*bridgev2.LoginStep, error) {
	return p.credentialsStep(), nil
}

// StartWithOverride asks for the password of a login that exists.
func (p *loginProcess) StartWithOverride(_ context.Context, override *bridgev2.UserLogin) (*bridgev2.LoginStep, error) {
	if override.UserMXID != p.user.MXID {
		return nil, loginError("NOT_YOURS", http.StatusForbidden, "That login is not yours. Use `list-logins` to see yours.")
	}
	if identity, ok := msnid.ParseLoginID(override.ID); !ok || identity.Service != p.service.key {
		return nil, loginError("OTHER_SERVICE", http.StatusBadRequest,
			fmt.Sprintf("The login %s is not at %s. Send `relogin %[1]s %s`.", override.ID, p.service.name, identity.Service))
	}
	p.override = override
	return p.credentialsStep(), nil
}

// Cancel has nothing to undo: nothing is connected between the steps.
func (p *loginProcess) Cancel() {}

func (p *loginProcess) credentialsStep() *bridgev2.LoginStep {
	account := bridgev2.LoginInputDataField{
		Type:        bridgev2.LoginInputFieldTypeEmail,
		ID:          fieldAccount,
		Name:        "e-mail address",
		Description: fmt.Sprintf("The address with which you sign in to %s", p.service.name),
		Validate:    msnid.ParseAccount,
	}
	if p.override != nil {
		if identity, ok := msnid.ParseLoginID(p.override.ID); ok {
			account.DefaultValue = identity.Account
		}
	}
	return &bridgev2.LoginStep{
		Type:   bridgev2.LoginStepTypeUserInput,
		StepID: stepCredentials,
		Instructions: fmt.Sprintf("Sign in to %s. The bridge keeps your password, encrypted, to sign in again after a restart. "+
			"It removes the message with the password from this room if it may; should you still see it, delete it yourself.", p.service.name),
		UserInputParams: &bridgev2.LoginUserInputParams{Fields: []bridgev2.LoginInputDataField{
			account,
			{
				Type:        bridgev2.LoginInputFieldTypePassword,
				ID:          fieldPassword,
				Name:        "password",
				Description: fmt.Sprintf("Your password at %s", p.service.name),
				Validate:    checkPassword,
			},
		}},
	}
}

func checkPassword(password string) (string, error) {
	switch {
	case password == "":
		return "", errors.New("the password is empty")
	case len(password) > maxPassword:
		return "", fmt.Errorf("the password is longer than %d bytes", maxPassword)
	case strings.ContainsAny(password, "\r\n\x00"):
		return "", errors.New("the password holds a line end")
	}
	return password, nil
}

// SubmitUserInput signs in with what the user typed and, when the service lets
// them, makes the login and hands the session over to it.
func (p *loginProcess) SubmitUserInput(ctx context.Context, input map[string]string) (*bridgev2.LoginStep, error) {
	account, err := msnid.ParseAccount(input[fieldAccount])
	if err != nil {
		return nil, loginError("INVALID_ADDRESS", http.StatusBadRequest, sentence(err))
	}
	password, err := checkPassword(input[fieldPassword])
	if err != nil {
		return nil, loginError("INVALID_PASSWORD", http.StatusBadRequest, sentence(err))
	}
	identity := msnid.Identity{Service: p.service.key, Account: account}
	id := msnid.MakeLoginID(identity)
	if p.override != nil && id != p.override.ID {
		return nil, loginError("OTHER_ACCOUNT", http.StatusBadRequest,
			fmt.Sprintf("This login is for %s. To add another account, use `login`.", p.override.ID))
	}
	defer p.connector.logins.lock(id)()
	existing, err := p.connector.br.GetExistingUserLoginByID(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("failed to look for an existing login: %w", err)
	}
	resume := func() {}
	place := msn.NewMachineGUID()
	if existing != nil {
		place = cmp.Or(existing.Metadata.(*UserLoginMetadata).get().MachineGUID, place)
		if existing.Client.(*Client).leaving.Load() {
			return nil, loginError("LEAVING", http.StatusConflict, "This account is just being logged out. Try again in a moment.")
		}
		// Signing in ends the session that this login has; a wrong password does not.
		// One that has none must not sign in at the same time.
		existing.Client.(*Client).yield()
		resume = func() { existing.Client.(*Client).reconnect(context.WithoutCancel(ctx)) }
	}
	session, err := p.connector.signIn(ctx, p.service, account, password, place, p.connector.br.Log.With().Stringer("user_mxid", p.user.MXID).Logger())
	if err != nil {
		if existing != nil {
			existing.Client.(*Client).goOn()
		}
		return nil, p.refuse(ctx, err)
	}
	if existing != nil && existing.UserMXID != p.user.MXID {
		discard(session)
		resume()
		return nil, loginError("TAKEN", http.StatusConflict,
			"This account is in use by another Matrix user of this bridge. They have to log out first.")
	}
	login, err := p.store(ctx, existing, identity, password, place, session)
	if err != nil {
		discard(session)
		resume()
		return nil, err
	}
	return &bridgev2.LoginStep{
		Type:         bridgev2.LoginStepTypeComplete,
		StepID:       stepComplete,
		Instructions: fmt.Sprintf("Signed in to %s as %s", p.service.name, account),
		CompleteParams: &bridgev2.LoginCompleteParams{
			UserLoginID: login.ID,
			UserLogin:   login,
		},
	}, nil
}

// discard closes a session whose events nobody wants.
func discard(session *msn.Client) {
	go func() {
		for range session.Events() {
		}
	}()
	session.Close()
}

// refuse says why signing in failed.
func (p *loginProcess) refuse(ctx context.Context, err error) error {
	problem := problemOf(err, p.service)
	zerolog.Ctx(ctx).Warn().Err(err).Str("code", string(problem.code)).Msg("Sign-in for a new login failed")
	code := http.StatusBadGateway
	if problem.state == status.StateBadCredentials {
		code = http.StatusForbidden
	}
	return loginError(strings.ToUpper(strings.ReplaceAll(string(problem.code), "-", "_")), code, problem.sentence)
}

func (p *loginProcess) store(ctx context.Context, existing *bridgev2.UserLogin, identity msnid.Identity, password, place string, session *msn.Client) (*bridgev2.UserLogin, error) {
	id := msnid.MakeLoginID(identity)
	sealed, err := p.connector.sealPassword(id, password)
	if err != nil {
		return nil, err
	}
	takeBack := func() {}
	if existing != nil {
		old, meta := existing.Client.(*Client), existing.Metadata.(*UserLoginMetadata)
		before := meta.get()
		old.retire()
		takeBack = func() {
			existing.Client = old
			meta.update(func(kept *loginRecord) { *kept = before })
			old.unretire()
		}
	}
	login, err := p.user.NewLogin(ctx, &database.UserLogin{
		ID:         id,
		RemoteName: identity.Account,
		RemoteProfile: status.RemoteProfile{
			Email: identity.Account,
			Name:  cleanName(session.DisplayName()),
		},
		Metadata: &UserLoginMetadata{kept: loginRecord{Password: sealed, MachineGUID: place}},
	}, &bridgev2.NewLoginParams{DeleteOnConflict: false})
	if err != nil {
		takeBack()
		return nil, fmt.Errorf("failed to store the login: %w", err)
	}
	client := login.Client.(*Client)
	client.start(session)
	// A logout can have come between, which the framework does not guard against.
	if row, err := p.connector.br.DB.UserLogin.GetByID(ctx, id); err == nil && row == nil || p.connector.br.GetCachedUserLoginByID(id) != login {
		client.retire()
		return nil, loginError("LEAVING", http.StatusConflict, "This account was logged out meanwhile. Try again.")
	}
	return login, nil
}

// loginError is what a user or the provisioning API is told when a sign-in
// failed.
func loginError(code string, status int, text string) error {
	return bridgev2.RespError{ErrCode: loginErrorPrefix + code, Err: text, StatusCode: status}
}

// sentence makes an error that is a sentence without capital and full stop one
// with both.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
