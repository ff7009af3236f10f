package stack

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
)

// Options say what a stack is made of.
type Options struct {
	// Dir takes everything that the stack writes. It has to be there; Stop leaves it.
	Dir string
	// Homeserver is the kind of homeserver.
	Homeserver HomeserverKind
	// Binary is the bridge's executable, from [build.Bridge].
	Binary string
	// Registrations are the paths of registration files of further appservices.
	Registrations []string
	// Bridges are the bridges to put beside each other on the homeserver; Binary, Dir, Homeserver and
	// DoublePuppetToken are filled in where they are empty.
	Bridges []BridgeOptions
	// Port is where the homeserver listens on 127.0.0.1; 0 takes a free one.
	Port int
	// Durable is [HomeserverOptions.Durable].
	Durable bool
}

// Stack is a running homeserver with its bridges.
type Stack struct {
	// Homeserver is what the bridges are at.
	Homeserver *Homeserver
	// Bridges are the bridges, in the order of the options.
	Bridges []*Bridge
}

// Start configures and starts a homeserver and its bridges, with double puppeting, and waits until all are ready;
// ctx bounds that only. They end with Stop; after an error nothing is left running.
func Start(ctx context.Context, opts Options) (_ *Stack, err error) {
	ports, err := FreePorts(1 + len(opts.Bridges))
	if err != nil {
		return nil, err
	}
	port, ports := cmp.Or(opts.Port, ports[0]), ports[1:]

	puppetRegistration := filepath.Join(opts.Dir, "doublepuppet.yaml")
	puppetToken, err := WriteDoublePuppetRegistration(puppetRegistration)
	if err != nil {
		return nil, err
	}
	s := &Stack{}
	defer func() {
		if err != nil {
			_ = s.Stop()
		}
	}()
	// The homeserver reads the registrations once, at its start, so the bridges are configured before it starts
	// and started after it.
	registrations := append([]string{puppetRegistration}, opts.Registrations...)
	for i, bridge := range opts.Bridges {
		if bridge.Binary == "" {
			bridge.Binary = opts.Binary
		}
		if bridge.ID == "" {
			bridge.ID = "msn"
		}
		if bridge.Dir == "" {
			bridge.Dir = filepath.Join(opts.Dir, bridge.ID)
		}
		if bridge.Homeserver == "" {
			bridge.Homeserver = "http://" + loopback(port)
		}
		if bridge.DoublePuppetToken == "" {
			bridge.DoublePuppetToken = puppetToken
		}
		if bridge.Port == 0 {
			bridge.Port = ports[i]
		}
		b, err := ConfigureBridge(ctx, bridge)
		if err != nil {
			return nil, err
		}
		s.Bridges = append(s.Bridges, b)
		registrations = append(registrations, b.RegistrationPath)
	}
	s.Homeserver, err = StartHomeserver(ctx, HomeserverOptions{
		Kind:          opts.Homeserver,
		Dir:           filepath.Join(opts.Dir, "homeserver"),
		Port:          port,
		Registrations: registrations,
		Durable:       opts.Durable,
	})
	if err != nil {
		return nil, err
	}
	for _, b := range s.Bridges {
		if err := b.Start(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Stop ends the bridges, then the homeserver, and waits for them. The error tells of those that ended by themselves
// before or had to be killed.
func (s *Stack) Stop() error {
	var errs []error
	for _, b := range s.Bridges {
		errs = append(errs, b.Stop())
	}
	if s.Homeserver != nil {
		errs = append(errs, s.Homeserver.Stop())
	}
	return errors.Join(errs...)
}
