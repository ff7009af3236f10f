package e2e

import (
	"context"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// encrypting makes a Matrix client one that encrypts in rooms that want it, with its keys in a file.
func encrypting(t *testing.T, path string) func(context.Context, *mautrix.Client) error {
	return func(ctx context.Context, client *mautrix.Client) error {
		helper, err := cryptohelper.NewCryptoHelper(client, []byte("keys of a test"), path)
		if err != nil {
			return err
		}
		if err := helper.Init(ctx); err != nil {
			return err
		}
		t.Cleanup(func() { _ = helper.Close() })
		client.Crypto = helper
		return nil
	}
}

// encryptedChat is the making of an encrypted chat with somebody.
func encryptedChat(with id.UserID) *mautrix.ReqCreateRoom {
	return &mautrix.ReqCreateRoom{
		Preset:   "trusted_private_chat",
		IsDirect: true,
		Invite:   []id.UserID{with},
		InitialState: []*event.Event{{
			Type:    event.StateEncryption,
			Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}},
		}},
	}
}
