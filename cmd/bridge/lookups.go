package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge"
)

// The homeserver asks the bridge for users whom it does not know, before it says of them that they may not
// exist. The framework answers that there is nobody, and third-party look-ups with a text that is no JSON.

const (
	// lookupsBurst and lookupsPause bound how many users are made because somebody asks for them: each is a
	// row at the homeserver for good.
	lookupsBurst = 30
	lookupsPause = time.Second
	// lookupTimeout bounds making one.
	lookupTimeout = 10 * time.Second
	// protocolName is the name of the protocol in third-party look-ups.
	protocolName = "msn"
)

// accounts is what is known of the accounts behind users: bridge.Connector.
type accounts interface {
	CanExist(ctx context.Context, user id.UserID) (name string, ok bool)
	UsersOf(address string) []id.UserID
	AddressOf(user id.UserID) (address, service string, ok bool)
}

// lookups answers the homeserver.
type lookups struct {
	accounts accounts
	// allowed reports whether a request is the homeserver's. It answers it when it is not.
	allowed func(http.ResponseWriter, *http.Request) bool
	// register makes a user, with a name.
	register func(ctx context.Context, user id.UserID, name string) error
	// services are the services, by their keys; icon is the picture of the bridge, or "".
	services func() map[string]string
	icon     func() id.ContentURIString
	limit    *rate.Limiter
	log      *zerolog.Logger
}

// newLookups returns what answers look-ups of the homeserver.
func newLookups(m *mxmain.BridgeMain, connector *bridge.Connector, registrations *registrations) *lookups {
	return &lookups{
		accounts: connector, allowed: func(w http.ResponseWriter, r *http.Request) bool { return m.Matrix.AS.CheckServerToken(w, r) },
		register: func(ctx context.Context, user id.UserID, name string) error {
			intent := m.Matrix.AS.Intent(user)
			if err := registrations.ensure(ctx, intent); err != nil {
				return err
			}
			return intent.SetDisplayName(ctx, name)
		},
		services: func() map[string]string {
			named := make(map[string]string)
			for _, flow := range connector.GetLoginFlows() {
				named[flow.ID] = flow.Name
			}
			return named
		},
		icon:  func() id.ContentURIString { return connector.GetName().NetworkIcon },
		limit: rate.NewLimiter(rate.Every(lookupsPause), lookupsBurst), log: m.Log,
	}
}

// serve adds the paths of look-ups.
func (l *lookups) serve(router *http.ServeMux) {
	router.HandleFunc("GET /_matrix/app/v1/users/{userID}", l.user)
	router.HandleFunc("GET /_matrix/app/v1/thirdparty/protocol/{protocol}", l.protocol)
	router.HandleFunc("GET /_matrix/app/v1/thirdparty/user/{protocol}", l.ofAddress)
	router.HandleFunc("GET /_matrix/app/v1/thirdparty/user", l.ofUser)
	router.HandleFunc("GET /_matrix/app/v1/thirdparty/", l.nothing)
}

// user says whether there can be a user, and makes them: the homeserver expects that.
func (l *lookups) user(w http.ResponseWriter, r *http.Request) {
	if !l.allowed(w, r) {
		return
	}
	ctx, cancel := context.WithTimeout(l.log.WithContext(r.Context()), lookupTimeout)
	defer cancel()
	user := id.UserID(r.PathValue("userID"))
	name, ok := l.accounts.CanExist(ctx, user)
	switch {
	case !ok:
		mautrix.MNotFound.WithMessage("There can be no such account").Write(w)
		return
	case !l.limit.Allow():
		mautrix.MLimitExceeded.WithMessage("Too many users were asked for").Write(w)
		return
	}
	if err := l.register(ctx, user, name); err != nil {
		l.log.Warn().Err(err).Stringer("user_id", user).Msg("Failed to make a user whom the homeserver asks for")
		mautrix.MUnknown.WithMessage("The user could not be made").Write(w)
		return
	}
	answer(w, struct{}{})
}

// fieldType says what a field of a look-up looks like.
type fieldType struct {
	Regexp      string `json:"regexp"`
	Placeholder string `json:"placeholder"`
}

// instance is a service.
type instance struct {
	Description string            `json:"desc"`
	Network     string            `json:"network_id"`
	Fields      map[string]string `json:"fields"`
}

// protocol describes what can be looked up.
func (l *lookups) protocol(w http.ResponseWriter, r *http.Request) {
	if !l.allowed(w, r) {
		return
	}
	if r.PathValue("protocol") != protocolName {
		mautrix.MNotFound.WithMessage("This bridge has no such protocol").Write(w)
		return
	}
	instances := []instance{}
	for key, name := range l.services() {
		instances = append(instances, instance{name, key, map[string]string{"service": key}})
	}
	answer(w, struct {
		UserFields     []string             `json:"user_fields"`
		LocationFields []string             `json:"location_fields"`
		Icon           string               `json:"icon"`
		FieldTypes     map[string]fieldType `json:"field_types"`
		Instances      []instance           `json:"instances"`
	}{[]string{"email"}, []string{}, string(l.icon()), map[string]fieldType{"email": {`[^\s@]+@[^\s@]+`, "bob@example.com"}}, instances})
}

// person is an account in a look-up.
type person struct {
	User     id.UserID         `json:"userid"`
	Protocol string            `json:"protocol"`
	Fields   map[string]string `json:"fields"`
}

// ofAddress says which users are those of an address.
func (l *lookups) ofAddress(w http.ResponseWriter, r *http.Request) {
	if !l.allowed(w, r) {
		return
	}
	people := []person{}
	if r.PathValue("protocol") == protocolName {
		for _, user := range l.accounts.UsersOf(r.URL.Query().Get("email")) {
			people = append(people, l.person(user)...)
		}
	}
	l.found(w, people)
}

// ofUser says which address is that of a user.
func (l *lookups) ofUser(w http.ResponseWriter, r *http.Request) {
	if l.allowed(w, r) {
		l.found(w, l.person(id.UserID(r.URL.Query().Get("userid"))))
	}
}

// person is the account behind a user, if there is one.
func (l *lookups) person(user id.UserID) []person {
	address, service, ok := l.accounts.AddressOf(user)
	if !ok {
		return nil
	}
	return []person{{user, protocolName, map[string]string{"email": address, "service": service}}}
}

func (l *lookups) found(w http.ResponseWriter, people []person) {
	if len(people) == 0 {
		mautrix.MNotFound.WithMessage("There can be no such account").Write(w)
		return
	}
	answer(w, people)
}

// nothing says that there is nothing else to be looked up, such as rooms.
func (l *lookups) nothing(w http.ResponseWriter, r *http.Request) {
	if l.allowed(w, r) {
		mautrix.MNotFound.WithMessage("This bridge has nothing of that kind").Write(w)
	}
}

func answer(w http.ResponseWriter, content any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(content)
}
