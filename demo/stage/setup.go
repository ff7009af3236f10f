package main

import (
	"context"
	"fmt"

	"maunium.net/go/mautrix/id"

	"matrix-msn/demo/window"
	"matrix-msn/e2e/build"
	"matrix-msn/e2e/stack"
	"matrix-msn/msn/msntest"
)

// The two who talk, and their MSN accounts; and two more who are on their lists: one is there and repeats what she is
// told, one is offline.
const (
	aliceName    = "alice"
	aliceAccount = "alice@example.com"
	bobName      = "Bob"
	bobAccount   = "bob@example.com"
	carolName    = "Carol"
	carolAccount = "carol@example.com"
	daveName     = "Dave"
	daveAccount  = "dave@example.com"
	msnPassword  = "correct horse"

	serviceKey  = "demo"
	serviceName = "Demo MSN"
)

// matrixUser is the user on the Matrix side with her chats.
type matrixUser struct {
	*stack.User
	management id.RoomID // with the bridge's bot
	chat       id.RoomID // with the ghost of her contact; empty until the first message
}

// setUp starts everything, up to a Matrix user who is logged in to MSN and a contact who is online.
func (d *demo) setUp(ctx context.Context, binaries build.Binaries) error {
	steps := []struct {
		name string
		do   func() (string, error)
	}{
		{"MSN server", func() (string, error) { return d.startMSN(ctx) }},
		{"stack", func() (string, error) { return d.startParts(ctx, binaries) }},
		{"Matrix user", func() (string, error) { return d.registerAlice(ctx) }},
		{"MSN login", func() (string, error) { return d.logAliceIn(ctx) }},
		{"MSN contact", func() (string, error) { return d.signBobIn(ctx) }},
	}
	for _, step := range steps {
		if err := d.out.Step(step.name, step.do); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// startMSN starts a server with four accounts that have each other on their lists.
func (d *demo) startMSN(ctx context.Context) (_ string, err error) {
	d.msn, err = stack.StartMSN(ctx, stack.MSNOptions{Key: serviceKey, Name: serviceName, Dir: d.dir})
	if err != nil {
		return "", err
	}
	d.msn.AddPerson(aliceAccount, msnPassword, "Alice")
	d.msn.AddPerson(bobAccount, msnPassword, bobName)
	d.msn.AddPerson(carolAccount, msnPassword, carolName)
	d.msn.AddPerson(daveAccount, msnPassword, daveName)
	d.msn.Befriend(aliceAccount, bobAccount, carolAccount, daveAccount)
	carol := d.msn.Play(carolAccount, msntest.Script{
		Text:      func(chat *msntest.Chat, _, text string) { _ = chat.Say(text) }, // whoever spoke may have left
		Messenger: &msntest.Messenger{Picture: msntest.Portrait(carolName)},
	})
	carol.SetStatus("AWY")
	carol.SetPersonalMessage("I repeat what I am told")
	return "listens at " + d.msn.Addr(), nil
}

// startParts starts homeserver and bridge.
func (d *demo) startParts(ctx context.Context, binaries build.Binaries) (_ string, err error) {
	settings := stack.Services(d.msn)
	settings["network.follow_picture"] = true // so that Alice has a face on MSN
	d.parts, err = stack.Start(ctx, stack.Options{
		Dir:        d.dir,
		Homeserver: stack.Dendrite(binaries.Dendrite),
		Binary:     binaries.Bridge,
		Bridges:    []stack.BridgeOptions{{Settings: settings}},
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Dendrite answers at %s, the bridge is ready", d.parts.Homeserver.URL), nil
}

// registerAlice makes the user's Matrix account.
func (d *demo) registerAlice(ctx context.Context) (string, error) {
	user, err := d.parts.Homeserver.NewUser(ctx, aliceName, stack.AutoJoin)
	if err != nil {
		return "", err
	}
	d.alice = &matrixUser{User: user}
	return user.ID().String() + " is registered, with a name and a picture", d.describeAlice(ctx)
}

// describeAlice gives her a name and a picture.
func (d *demo) describeAlice(ctx context.Context) error {
	client := d.alice.Client
	picture, err := client.UploadBytes(ctx, msntest.Portrait(aliceName), "image/png")
	if err != nil {
		return fmt.Errorf("upload a picture: %w", err)
	}
	if err := client.SetAvatarURL(ctx, picture.ContentURI); err != nil {
		return fmt.Errorf("set a picture: %w", err)
	}
	if err := client.SetDisplayName(ctx, "Alice"); err != nil {
		return fmt.Errorf("set a name: %w", err)
	}
	return nil
}

// logAliceIn logs her in to MSN by a chat with the bridge's bot.
func (d *demo) logAliceIn(ctx context.Context) (_ string, err error) {
	bot := d.bridge().Bot()
	if d.alice.management, err = d.alice.OpenChat(ctx, bot); err != nil {
		return "", err
	}
	dialog, err := d.alice.LogIn(ctx, d.alice.management, bot, serviceKey, aliceAccount, msnPassword)
	if err != nil {
		return "", err
	}
	if !dialog.LoggedIn() {
		return "", fmt.Errorf("the bridge has refused the login: %s", dialog.Answer.Content.AsMessage().Body)
	}
	return fmt.Sprintf("%s is logged in by a chat with %s", aliceAccount, bot), nil
}

// signBobIn signs the contact in, with a display picture.
func (d *demo) signBobIn(ctx context.Context) (_ string, err error) {
	if d.bob, err = d.msn.SignIn(ctx, bobAccount, msnPassword); err != nil {
		return "", err
	}
	d.window = window.New(ctx, d.bob.Client)
	picture := msntest.Portrait(bobName)
	if _, err = d.bob.Client.SetPicture(ctx, picture); err != nil {
		return "", err
	}
	d.window.Show(picture)
	return bobAccount + " is signed in, with a display picture", nil
}

func (d *demo) bridge() *stack.Bridge { return d.parts.Bridges[0] }

// ghost is bob as the Matrix side knows him.
func (d *demo) ghost() id.UserID { return d.bridge().Ghost(d.msn.RemoteID(bobAccount)) }
