package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gopkg.in/yaml.v3"
)

// What is asked of a bridge besides texts.

const provisioningSecret = "a secret of the bench, long enough"

// serverToken returns the token with which the homeserver pushes.
func serverToken(registration string) (string, error) {
	text, err := os.ReadFile(registration)
	if err != nil {
		return "", err
	}
	var r struct {
		Token string `yaml:"hs_token"`
	}
	err = yaml.Unmarshal(text, &r)
	return r.Token, err
}

// provision asks the provisioning API for something.
func (s *side) provision(ctx context.Context, login int, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	address := s.bridge.URL + "/_matrix/provision/v3/" + path + "?user_id=" + url.QueryEscape(string(matrixUser(login)))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+provisioningSecret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: the bridge answers %s: %s", path, resp.Status, said)
	}
	return json.Unmarshal(said, into)
}

// step is a step of a login.
type step struct {
	LoginID string `json:"login_id"`
	StepID  string `json:"step_id"`
	Type    string `json:"type"`
	Input   struct {
		Fields []struct{ Type, ID string } `json:"fields"`
	} `json:"user_input"`
}

// logIn signs an account in.
func (s *side) logIn(ctx context.Context, login int) error {
	var at step
	if err := s.provision(ctx, login, "login/start/home", struct{}{}, &at); err != nil {
		return err
	}
	input := make(map[string]string)
	for _, field := range at.Input.Fields {
		if input[field.ID] = account(login); field.Type == "password" {
			input[field.ID] = password
		}
	}
	path := "login/step/" + at.LoginID + "/" + at.StepID + "/" + at.Type
	if err := s.provision(ctx, login, path, input, &at); err != nil {
		return err
	}
	if at.Type != "complete" {
		return errors.New("the login does not end with that: " + at.Type)
	}
	return nil
}

// counted is what a bridge has counted so far.
type counted struct{ cpu, allocs, statements, resident, goroutines, signedIn float64 }

// metricsWithin is how much later than the bridge its metrics may answer, on a machine that has much else to do.
const metricsWithin = 15 * time.Second

// askMetrics asks a bridge for its metrics, and waits while they do not answer yet.
func (s *side) askMetrics(ctx context.Context) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.metrics+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity") // to compress them would be no small part of what is measured
	for began := time.Now(); ; {
		resp, err := http.DefaultClient.Do(req)
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Since(began) > metricsWithin {
			return resp, err
		}
		if err := pause(ctx, lookEvery); err != nil {
			return nil, err
		}
	}
}

// scrape reads a bridge's metrics.
func (s *side) scrape(ctx context.Context) (c counted, err error) {
	resp, err := s.askMetrics(ctx)
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return c, err
	}
	for line := range strings.Lines(string(text)) {
		name, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			continue // a comment
		}
		connected := strings.Contains(name, `state="connected"`)
		switch name, _, _ = strings.Cut(name, "{"); name {
		case "matrix_msn_logins":
			if connected {
				c.signedIn += value
			}
		case "go_goroutines":
			c.goroutines = value
		case "process_cpu_seconds_total":
			c.cpu = value
		case "go_memstats_mallocs_total":
			c.allocs = value
		case "process_resident_memory_bytes":
			c.resident = value
		case "matrix_msn_database_statement_seconds_count":
			c.statements += value
		}
	}
	if c.cpu == 0 || c.statements == 0 {
		return c, fmt.Errorf("the metrics at %s say nothing", s.metrics)
	}
	return c, nil
}
