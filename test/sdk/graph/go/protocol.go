package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// The lane's end of test/sdk/graph/protocol.ts: one JSON value a line, each way.

type message map[string]any

// An answer has those of the fields that the question is answered with.
type answer struct {
	Error string `json:"error"`

	CallID      string `json:"callId"`
	CallbackURI string `json:"callbackUri"`
	PromptURI   string `json:"promptUri"`
	Output      string `json:"output"`

	RecordingLocation    string `json:"recordingLocation"`
	RecordingAccessToken string `json:"recordingAccessToken"`
}

var answers = bufio.NewReader(os.Stdin)

func say(what message) (answer, error) {
	var told answer
	line, err := json.Marshal(what)
	if err != nil {
		return told, err
	}
	fmt.Println(string(line))
	reply, err := answers.ReadBytes('\n')
	if err != nil {
		return told, err
	}
	if err := json.Unmarshal(reply, &told); err != nil {
		return told, err
	}
	if told.Error != "" {
		return told, errors.New(told.Error)
	}
	return told, nil
}
