package msn

import "time"

// The default waits of a Client; see Timeouts.
const (
	defaultDial      = 15 * time.Second
	defaultRequest   = 30 * time.Second
	defaultLogin     = 60 * time.Second
	defaultWrite     = 30 * time.Second
	defaultAck       = 30 * time.Second
	defaultAnswer    = 30 * time.Second
	defaultPing      = 45 * time.Second
	defaultPong      = 30 * time.Second
	defaultPage      = 30 * time.Second
	defaultSilence   = 10 * time.Second
	defaultIdleClose = 5 * time.Minute
)

// withDefaults fills the zero fields of t.
func (t Timeouts) withDefaults() Timeouts {
	for _, field := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&t.Dial, defaultDial}, {&t.Request, defaultRequest}, {&t.Login, defaultLogin},
		{&t.Write, defaultWrite}, {&t.Ack, defaultAck}, {&t.Answer, defaultAnswer},
		{&t.Ping, defaultPing}, {&t.Pong, defaultPong}, {&t.Page, defaultPage}, {&t.Silence, defaultSilence},
		{&t.IdleClose, defaultIdleClose},
	} {
		if *field.value <= 0 {
			*field.value = field.standard
		}
	}
	return t
}
