package bridge

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// streamed is a file that the bridge has uploaded.
type streamed struct {
	room       id.RoomID
	data       []byte
	name, kind string
}

var _ bridgev2.MatrixConnectorWithPublicMedia = (*fakeMatrix)(nil)

func (f *fakeMatrix) GetPublicMediaAddress(uri id.ContentURIString) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.links {
		return ""
	}
	return "https://bridge.example.test/" + string(uri)[len("mxc://"):]
}

func (f *fakeMatrix) GetPublicMediaAddressForEvent(_ context.Context, content *event.MessageEventContent) (string, error) {
	uri := content.URL
	if content.File != nil {
		uri = content.File.URL
	}
	if address := f.GetPublicMediaAddress(uri); address != "" {
		return address, nil
	}
	return "", bridgev2.ErrPublicMediaDisabled
}

// upload has the homeserver have a file of a user, encrypted for a room or not.
func (f *fakeMatrix) upload(data []byte, encrypt bool) (id.ContentURIString, *event.EncryptedFileInfo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	uri := id.ContentURIString(fmt.Sprintf("mxc://%s/file%d", fakeServer, len(f.files)))
	data = bytes.Clone(data)
	var file *event.EncryptedFileInfo
	if encrypt {
		file = &event.EncryptedFileInfo{EncryptedFile: *attachment.NewEncryptedFile(), URL: uri}
		file.EncryptInPlace(data)
	}
	f.files[uri] = data
	if encrypt {
		return "", file
	}
	return uri, nil
}

// uploaded returns the files that the bridge has uploaded.
func (f *fakeMatrix) uploaded() []streamed {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.streams
}

func (f *fakeMatrix) failUploads(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noUpload = err
}

func (i *fakeIntent) UploadMediaStream(_ context.Context, room id.RoomID, _ int64, onDisk bool, write bridgev2.FileStreamCallback) (id.ContentURIString, *event.EncryptedFileInfo, error) {
	if !onDisk {
		return "", nil, fmt.Errorf("a file is kept in memory")
	}
	file, err := os.CreateTemp("", "upload")
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	defer func() { _ = file.Close() }()
	result, err := write(file)
	if err != nil {
		return "", nil, bridgev2.CallbackError{Type: "write", Wrapped: err}
	}
	if result.ReplacementFile != "" {
		if file, err = os.Open(result.ReplacementFile); err != nil {
			return "", nil, err
		}
		defer func() { _ = os.Remove(file.Name()) }()
		defer func() { _ = file.Close() }()
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", nil, err
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return "", nil, err
	}
	i.f.mu.Lock()
	defer i.f.mu.Unlock()
	if i.f.noUpload != nil {
		return "", nil, i.f.noUpload
	}
	uri := id.ContentURIString(fmt.Sprintf("mxc://%s/stream%d", fakeServer, len(i.f.streams)))
	if i.f.encrypts && room != "" {
		key := &event.EncryptedFileInfo{EncryptedFile: *attachment.NewEncryptedFile(), URL: uri}
		key.EncryptInPlace(data)
		i.f.streams = append(i.f.streams, streamed{room, data, "", "application/octet-stream"})
		return "", key, nil
	}
	i.f.streams = append(i.f.streams, streamed{room, data, result.FileName, result.MimeType})
	return uri, nil, nil
}

func (i *fakeIntent) DownloadMediaToFile(_ context.Context, uri id.ContentURIString, file *event.EncryptedFileInfo, _ bool, read func(*os.File) error) error {
	if file != nil {
		uri = file.URL
	}
	i.f.mu.Lock()
	data, known := i.f.files[uri]
	loading := i.f.loading
	i.f.mu.Unlock()
	if loading != nil {
		loading()
	}
	if !known {
		return mautrix.MNotFound
	}
	data = bytes.Clone(data)
	if file != nil {
		if err := file.DecryptInPlace(data); err != nil {
			return err
		}
	}
	spool, err := os.CreateTemp("", "download")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(spool.Name()) }()
	defer func() { _ = spool.Close() }()
	if _, err := spool.Write(data); err != nil {
		return err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := read(spool); err != nil {
		return bridgev2.CallbackError{Type: "read", Wrapped: err}
	}
	return nil
}
