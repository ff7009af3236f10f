package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"gopkg.in/yaml.v3"

	"matrix-msn/msn/msntest"
)

// fileConfig is the file of accounts; the usage text shows one.
type fileConfig struct {
	Accounts []accountConfig `yaml:"accounts"`
	Befriend [][]string      `yaml:"befriend"`
}

type accountConfig struct {
	Email    string          `yaml:"email"`
	Password string          `yaml:"password"`
	Name     string          `yaml:"name"`
	Phones   phonesConfig    `yaml:"phones"`
	Groups   []string        `yaml:"groups"`
	Contacts []contactConfig `yaml:"contacts"`
	Blocked  []string        `yaml:"blocked"`
	Pager    bool            `yaml:"pager"`
	Unread   *unreadConfig   `yaml:"unread"`
	Echo     bool            `yaml:"echo"`
	Later    bool            `yaml:"later"`
}

type phonesConfig struct {
	Home   string `yaml:"home"`
	Work   string `yaml:"work"`
	Mobile string `yaml:"mobile"`
}

type unreadConfig struct {
	Inbox   uint16 `yaml:"inbox"`
	Folders uint16 `yaml:"folders"`
}

type contactConfig struct {
	Email  string   `yaml:"email"`
	Groups []string `yaml:"groups"`
}

// maxConfig bounds the file of accounts: 100,000 accounts with some contacts.
const maxConfig = 64 << 20

// readConfig reads and checks the file of accounts. Fields it does not know are
// errors.
func readConfig(path string) (fileConfig, error) {
	var config fileConfig
	f, err := os.Open(path)
	if err != nil {
		return config, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig))
	if err != nil {
		return config, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil && !errors.Is(err, io.EOF) {
		return config, fmt.Errorf("%s: %w", path, err)
	}
	if err := config.check(); err != nil {
		return config, fmt.Errorf("%s: %w", path, err)
	}
	return config, nil
}

func (c fileConfig) check() error {
	known := make(map[string]bool)
	for i, a := range c.Accounts {
		if err := a.check(); err != nil {
			return fmt.Errorf("account %d: %w", i+1, err)
		}
		if email := strings.ToLower(a.Email); known[email] {
			return fmt.Errorf("account %d: %s is there twice", i+1, a.Email)
		} else {
			known[email] = true
		}
	}
	for _, a := range c.Accounts {
		for _, contact := range a.Contacts {
			if !known[strings.ToLower(contact.Email)] {
				return fmt.Errorf("%s: contact %q is not among the accounts", a.Email, contact.Email)
			}
		}
	}
	for _, friends := range c.Befriend {
		for _, email := range friends {
			if !known[strings.ToLower(email)] {
				return fmt.Errorf("befriend: %q is not among the accounts", email)
			}
		}
	}
	return nil
}

func (a accountConfig) check() error {
	if at := strings.Index(a.Email, "@"); at <= 0 || at == len(a.Email)-1 || strings.ContainsAny(a.Email, " \t\r\n") {
		return fmt.Errorf("%q is no e-mail address", a.Email)
	}
	if a.Password == "" && !a.Echo {
		return fmt.Errorf("%s has no password", a.Email)
	}
	if a.Later && !a.Echo {
		return fmt.Errorf("%s is later, which only accounts with echo can be", a.Email)
	}
	groups := make(map[string]bool)
	for _, g := range a.Groups {
		groups[g] = true
	}
	for _, contact := range a.Contacts {
		for _, g := range contact.Groups {
			if !groups[g] {
				return fmt.Errorf("%s: contact %s is in group %q, which is not among the groups", a.Email, contact.Email, g)
			}
		}
	}
	return nil
}

// apply makes the accounts and lists on srv.
func (c fileConfig) apply(ctx context.Context, srv *msntest.Server) {
	for _, a := range c.Accounts {
		var opts []msntest.AccountOption
		if a.Name != "" {
			opts = append(opts, msntest.Name(a.Name))
		}
		for key, value := range map[string]string{"PHH": a.Phones.Home, "PHW": a.Phones.Work, "PHM": a.Phones.Mobile} {
			if value != "" {
				opts = append(opts, msntest.Property(key, value))
			}
		}
		if a.Pager {
			opts = append(opts, msntest.Mobile())
		}
		if a.Unread != nil {
			opts = append(opts, msntest.Unread(int(a.Unread.Inbox), int(a.Unread.Folders)))
		}
		srv.AddAccount(a.Email, a.Password, opts...)
	}
	for _, a := range c.Accounts {
		a.applyLists(srv)
	}
	for _, friends := range c.Befriend {
		srv.Befriend(friends...)
	}
	for _, a := range c.Accounts {
		if a.Echo {
			a.echo(ctx, srv)
		}
	}
}

func (a accountConfig) applyLists(srv *msntest.Server) {
	account := srv.Account(a.Email)
	ids := make(map[string]string)
	for _, g := range a.Groups {
		if ids[g] == "" {
			ids[g] = account.AddGroup(g)
		}
	}
	for _, contact := range a.Contacts {
		srv.SetList(a.Email, msntest.FL, contact.Email, true)
		srv.SetList(a.Email, msntest.AL, contact.Email, true)
		for _, g := range contact.Groups {
			account.PutInGroup(contact.Email, ids[g])
		}
	}
	for _, email := range a.Blocked {
		srv.SetList(a.Email, msntest.BL, email, true)
	}
}
