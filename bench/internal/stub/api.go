package stub

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"maunium.net/go/mautrix/id"
)

// What of the client-server API bridges use.

// bot is who acts when nobody is named.
const bot = id.UserID("@msnbot:" + ServerName)

// object is a JSON object.
type object = map[string]any

func actor(req *http.Request) id.UserID {
	return cmp.Or(id.UserID(req.URL.Query().Get("user_id")), bot)
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // whoever has gone does not want it
}

func (h *Homeserver) handler() http.Handler {
	mux := http.NewServeMux()
	const client = "/_matrix/client/v3"
	fixed := func(pattern string, body any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			answer(w, http.StatusOK, body)
		})
	}
	fixed("GET /_matrix/client/versions", object{"versions": []string{"v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.11"}, "unstable_features": object{}})
	fixed("GET "+client+"/capabilities", object{"capabilities": object{}})
	fixed("POST /_matrix/client/v1/appservice/{id}/ping", object{"duration_ms": 1})
	fixed("GET /_matrix/client/v1/media/config", object{"m.upload.size": 50 << 20})
	fixed("GET /_matrix/media/v3/config", object{"m.upload.size": 50 << 20})
	mux.HandleFunc("GET "+client+"/account/whoami", func(w http.ResponseWriter, req *http.Request) {
		answer(w, http.StatusOK, object{"user_id": actor(req)})
	})
	mux.HandleFunc("POST "+client+"/register", func(w http.ResponseWriter, req *http.Request) {
		var wanted struct{ Username string }
		_ = json.NewDecoder(req.Body).Decode(&wanted)
		answer(w, http.StatusOK, object{"user_id": "@" + wanted.Username + ":" + ServerName})
	})
	mux.HandleFunc("POST /_matrix/media/v3/upload", func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		answer(w, http.StatusOK, object{"content_uri": "mxc://" + ServerName + "/" + strconv.FormatInt(h.ids.Add(1), 36)})
	})
	mux.HandleFunc("POST "+client+"/createRoom", h.createRoom)
	mux.HandleFunc("POST "+client+"/join/{room}", h.join)
	mux.HandleFunc("POST "+client+"/rooms/{room}/join", h.join)
	mux.HandleFunc("POST "+client+"/rooms/{room}/invite", h.invite)
	mux.HandleFunc("POST "+client+"/rooms/{room}/leave", h.leave)
	mux.HandleFunc("PUT "+client+"/rooms/{room}/send/{type}/{txn}", h.put)
	mux.HandleFunc("PUT "+client+"/rooms/{room}/state/{type}/{key...}", h.setState)
	mux.HandleFunc("GET "+client+"/rooms/{room}/state/{type}/{key...}", h.getState)
	mux.HandleFunc("GET "+client+"/rooms/{room}/joined_members", h.joinedMembers)
	mux.HandleFunc("GET "+client+"/rooms/{room}/members", h.members)
	mux.HandleFunc("GET "+client+"/joined_rooms", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, object{"joined_rooms": []string{}})
	})
	mux.HandleFunc("PUT "+client+"/presence/{user}/status", h.setPresence)
	mux.HandleFunc("GET "+client+"/presence/{user}/status", h.getPresence)
	// Profiles, typing, receipts, account data: taken, and forgotten.
	mux.HandleFunc("PUT /_matrix/", func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		answer(w, http.StatusOK, object{})
	})
	mux.HandleFunc("POST /_matrix/", func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		answer(w, http.StatusOK, object{})
	})
	mux.HandleFunc("GET /_matrix/", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusNotFound, object{"errcode": "M_NOT_FOUND", "error": "nothing is kept here"})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h.requests.Add(1)
		mux.ServeHTTP(w, req)
	})
}

func roomOf(req *http.Request) id.RoomID { return id.RoomID(req.PathValue("room")) }

func (h *Homeserver) createRoom(w http.ResponseWriter, req *http.Request) {
	var wanted struct {
		Invite  []id.UserID `json:"invite"`
		Members []id.UserID `json:"com.beeper.initial_members"`
		State   []struct {
			Type    string          `json:"type"`
			Key     string          `json:"state_key"`
			Content json.RawMessage `json:"content"`
		} `json:"initial_state"`
	}
	if err := json.NewDecoder(req.Body).Decode(&wanted); err != nil {
		answer(w, http.StatusBadRequest, object{"errcode": "M_BAD_JSON", "error": err.Error()})
		return
	}
	made := id.RoomID("!" + strconv.FormatInt(h.ids.Add(1), 36) + ":" + ServerName)
	h.mu.Lock()
	r := h.of(made)
	r.members[actor(req)] = "join"
	for _, user := range wanted.Invite {
		r.members[user] = "invite"
	}
	for _, s := range wanted.State {
		r.state[s.Type+"/"+s.Key] = s.Content
	}
	h.mu.Unlock()
	answer(w, http.StatusOK, object{"room_id": made})
}

func (h *Homeserver) setMember(in id.RoomID, user id.UserID, membership string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.of(in).members[user] = membership
}

func (h *Homeserver) join(w http.ResponseWriter, req *http.Request) {
	h.setMember(roomOf(req), actor(req), "join")
	answer(w, http.StatusOK, object{"room_id": roomOf(req)})
}

func (h *Homeserver) invite(w http.ResponseWriter, req *http.Request) {
	var wanted struct {
		User id.UserID `json:"user_id"`
	}
	_ = json.NewDecoder(req.Body).Decode(&wanted)
	h.setMember(roomOf(req), wanted.User, "invite")
	answer(w, http.StatusOK, object{})
}

func (h *Homeserver) leave(w http.ResponseWriter, req *http.Request) {
	h.setMember(roomOf(req), actor(req), "leave")
	answer(w, http.StatusOK, object{})
}

// put takes an event, once for each transaction ID: who got no answer in time asks again.
func (h *Homeserver) put(w http.ResponseWriter, req *http.Request) {
	in := roomOf(req)
	if err := h.waitWhileHanging(req.Context(), in); err != nil {
		return
	}
	var content struct{ Body string }
	text, err := io.ReadAll(req.Body)
	if err == nil {
		err = json.Unmarshal(text, &content)
	}
	if err != nil {
		answer(w, http.StatusBadRequest, object{"errcode": "M_BAD_JSON", "error": err.Error()})
		return
	}
	is, known := h.once(transaction{actor(req), in, req.PathValue("txn")})
	if !known {
		h.sent(Sent{Room: in, Sender: actor(req), Type: req.PathValue("type"), Body: content.Body, At: time.Now()})
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"event_id":"`+string(is)+`"}`) // whoever has gone does not want it
}

func (h *Homeserver) setState(w http.ResponseWriter, req *http.Request) {
	content, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	kind, key := req.PathValue("type"), req.PathValue("key")
	h.mu.Lock()
	r := h.of(roomOf(req))
	r.state[kind+"/"+key] = content
	if kind == "m.room.member" {
		var member struct{ Membership string }
		_ = json.Unmarshal(content, &member)
		r.members[id.UserID(key)] = member.Membership
	}
	h.mu.Unlock()
	answer(w, http.StatusOK, object{"event_id": h.newEvent()})
}

func (h *Homeserver) getState(w http.ResponseWriter, req *http.Request) {
	kind, key := req.PathValue("type"), req.PathValue("key")
	h.mu.Lock()
	r := h.of(roomOf(req))
	content, known := r.state[kind+"/"+key]
	membership := r.members[id.UserID(key)]
	h.mu.Unlock()
	switch {
	case kind == "m.room.member" && membership != "":
		answer(w, http.StatusOK, object{"membership": membership})
	case known:
		answer(w, http.StatusOK, content)
	default:
		answer(w, http.StatusNotFound, object{"errcode": "M_NOT_FOUND", "error": "there is no such state"})
	}
}

func (h *Homeserver) joinedMembers(w http.ResponseWriter, req *http.Request) {
	joined := make(object)
	h.mu.Lock()
	for user, membership := range h.of(roomOf(req)).members {
		if membership == "join" {
			joined[string(user)] = object{}
		}
	}
	h.mu.Unlock()
	answer(w, http.StatusOK, object{"joined": joined})
}

func (h *Homeserver) members(w http.ResponseWriter, req *http.Request) {
	var chunk []any
	h.mu.Lock()
	for user, membership := range h.of(roomOf(req)).members {
		chunk = append(chunk, object{
			"type": "m.room.member", "state_key": user, "sender": user, "event_id": h.newEvent(), "room_id": roomOf(req),
			"content": object{"membership": membership},
		})
	}
	h.mu.Unlock()
	answer(w, http.StatusOK, object{"chunk": chunk})
}

func (h *Homeserver) setPresence(w http.ResponseWriter, req *http.Request) {
	var said presence
	if err := json.NewDecoder(req.Body).Decode(&said); err != nil {
		answer(w, http.StatusBadRequest, object{"errcode": "M_BAD_JSON", "error": err.Error()})
		return
	}
	user := id.UserID(req.PathValue("user"))
	h.mu.Lock()
	said.times = h.presence[user].times + 1
	h.presence[user] = said
	h.mu.Unlock()
	answer(w, http.StatusOK, object{})
}

func (h *Homeserver) getPresence(w http.ResponseWriter, req *http.Request) {
	h.mu.Lock()
	shown, known := h.presence[id.UserID(req.PathValue("user"))]
	h.mu.Unlock()
	if !known {
		shown.Presence = "offline"
	}
	answer(w, http.StatusOK, shown)
}
