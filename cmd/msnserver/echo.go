package main

import (
	"context"
	"strings"
	"time"

	"matrix-msn/msn/msntest"
)

// An account with echo repeats what it is told. It has a picture, and sends things on a word.

// fileTime is how long a file may take.
const fileTime = 10 * time.Minute

// echo plays an account until ctx ends.
func (a accountConfig) echo(ctx context.Context, srv *msntest.Server) {
	srv.Play(a.Email, msntest.Script{
		Text: func(chat *msntest.Chat, from, text string) {
			if ctx.Err() == nil {
				_ = a.answer(ctx, chat, from, text) // whoever spoke may have left
			}
		},
		Messenger: &msntest.Messenger{Later: a.Later, Picture: msntest.Portrait(a.Email), Offered: a.take},
	})
}

// answer does what a word asks for, or repeats the text.
func (a accountConfig) answer(ctx context.Context, chat *msntest.Chat, from, text string) error {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "picture":
		a.give(ctx, chat, from, "landscape.png", msntest.Landscape(a.Email))
	case "file":
		a.give(ctx, chat, from, "readme.txt", []byte("This is a file of "+a.Email+".\r\n"))
	case "emoticon":
		return chat.SayWithEmoticons("This is me: :me:", map[string][]byte{":me:": msntest.Portrait(a.Email)})
	default:
		return chat.Say(text)
	}
	return nil
}

// give sends a file, and says so when it does not go. It does not wait.
func (accountConfig) give(ctx context.Context, chat *msntest.Chat, to, name string, data []byte) {
	go func() {
		ctx, cancel := context.WithTimeout(ctx, fileTime)
		defer cancel()
		if err := chat.GiveFile(ctx, to, name, data); err != nil {
			_ = chat.Say("You do not have " + name + ": " + err.Error())
		}
	}()
}

// take accepts a file, of which nothing is kept.
func (accountConfig) take(o *msntest.OfferedFile) { o.Accept() }
