// Both examples of the recordResponse page with the unmodified SDK.
//
// Of example 1 the call, the server and the prompt's host are not those that are printed. The body is
// made by NewCallsItemRecordResponsePostRequestBody: NewRecordResponsePostRequestBody, which is
// printed, is not in the module.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	msgraphsdk "github.com/microsoftgraph/msgraph-sdk-go"
	graphcommunications "github.com/microsoftgraph/msgraph-sdk-go/communications"
	graphmodels "github.com/microsoftgraph/msgraph-sdk-go/models"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var bot bot
	steps := []struct {
		name string
		run  func(evidence message) error
	}{
		{"answer", bot.answer},
		{"recordResponse", bot.recordResponse},
		{"download", bot.download},
		{"hangUp", bot.hangUp},
	}
	for _, step := range steps {
		evidence := message{}
		if err := step.run(evidence); err != nil {
			_, lost := say(message{"failed": step.name, "message": err.Error()})
			return lost
		}
		if _, err := say(message{"done": step.name, "evidence": evidence}); err != nil {
			return err
		}
	}
	return nil
}

// What it puts into the evidence is judged by the driver.
type bot struct {
	graphClient *msgraphsdk.GraphServiceClient
	call        answer
	operationID string
}

func (bot *bot) answer(message) (err error) {
	if bot.graphClient, err = newClient(); err != nil {
		return err
	}
	if bot.call, err = say(message{"ask": "call"}); err != nil {
		return err
	}
	requestBody := graphcommunications.NewCallsItemAnswerPostRequestBody()
	requestBody.SetCallbackUri(&bot.call.CallbackURI)
	requestBody.SetMediaConfig(graphmodels.NewServiceHostedMediaConfig())
	requestBody.SetAcceptedModalities([]graphmodels.Modality{graphmodels.AUDIO_MODALITY})
	return bot.graphClient.Communications().Calls().ByCallId(bot.call.CallID).Answer().
		Post(context.Background(), requestBody, nil)
}

// Example 1.
func (bot *bot) recordResponse(evidence message) error {
	mediaInfo := graphmodels.NewMediaInfo()
	mediaInfo.SetUri(&bot.call.PromptURI)
	mediaInfo.SetResourceId(pointer("1D6DE2D4-CD51-4309-8DAA-70768651088E"))
	prompt := graphmodels.NewMediaPrompt()
	prompt.SetMediaInfo(mediaInfo)

	requestBody := graphcommunications.NewCallsItemRecordResponsePostRequestBody()
	requestBody.SetBargeInAllowed(pointer(true))
	requestBody.SetClientContext(pointer("d45324c1-fcb5-430a-902c-f20af696537c"))
	requestBody.SetPrompts([]graphmodels.Promptable{prompt})
	requestBody.SetMaxRecordDurationInSeconds(pointer(int32(10)))
	requestBody.SetInitialSilenceTimeoutInSeconds(pointer(int32(5)))
	requestBody.SetMaxSilenceTimeoutInSeconds(pointer(int32(2)))
	requestBody.SetPlayBeep(pointer(true))
	requestBody.SetStopTones([]string{"#", "1", "*"})

	operation, err := bot.graphClient.Communications().Calls().ByCallId(bot.call.CallID).RecordResponse().
		Post(context.Background(), requestBody, nil)
	if err != nil {
		return err
	}
	bot.operationID = *operation.GetId()
	evidence["operationId"] = bot.operationID
	evidence["clientContext"] = operation.GetClientContext()
	// The SDK's enumeration knows `Running` only: of `running`, as the cloud says it, nil is left.
	if status := operation.GetStatus(); status != nil {
		evidence["status"] = status.String()
	}
	return nil
}

// Example 2, which is printed as an HTTP request: no SDK has it.
func (bot *bot) download(evidence message) error {
	recording, err := say(message{"ask": "completed", "operationId": bot.operationID})
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodGet, recording.RecordingLocation, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+recording.RecordingAccessToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the download was answered with %s", response.Status)
	}
	evidence["file"] = bot.call.Output
	return save(response.Body, bot.call.Output)
}

func (bot *bot) hangUp(message) error {
	return bot.graphClient.Communications().Calls().ByCallId(bot.call.CallID).
		Delete(context.Background(), nil)
}

func newClient() (*msgraphsdk.GraphServiceClient, error) {
	options := azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Cloud: cloud.Configuration{
			ActiveDirectoryAuthorityHost: os.Getenv("AZURE_AUTHORITY_HOST"),
		}},
		DisableInstanceDiscovery: true,
	}
	credential, err := azidentity.NewClientSecretCredential(
		os.Getenv("AZURE_TENANT_ID"), os.Getenv("AZURE_CLIENT_ID"), os.Getenv("AZURE_CLIENT_SECRET"), &options)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(os.Getenv("GRAPH_BASE_URL"))
	if err != nil {
		return nil, err
	}
	// Without its host on the list the server would get no token.
	graphClient, err := msgraphsdk.NewGraphServiceClientWithCredentialsAndHosts(
		credential, nil, []string{base.Hostname()})
	if err != nil {
		return nil, err
	}
	graphClient.GetAdapter().SetBaseUrl(base.String())
	return graphClient, nil
}

func save(content io.Reader, file string) error {
	output, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := io.Copy(output, content); err != nil {
		output.Close()
		return err
	}
	return output.Close()
}

func pointer[T any](value T) *T {
	return &value
}
