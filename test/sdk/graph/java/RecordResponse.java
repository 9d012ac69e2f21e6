import com.azure.core.credential.TokenCredential;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.microsoft.graph.communications.calls.CallsRequestBuilder;
import com.microsoft.graph.communications.calls.item.answer.AnswerPostRequestBody;
import com.microsoft.graph.communications.calls.item.recordresponse.RecordResponsePostRequestBody;
import com.microsoft.graph.models.MediaInfo;
import com.microsoft.graph.models.MediaPrompt;
import com.microsoft.graph.models.Modality;
import com.microsoft.graph.models.RecordOperation;
import com.microsoft.graph.models.ServiceHostedMediaConfig;
import com.microsoft.graph.models.odataerrors.ODataError;
import com.microsoft.graph.serviceclient.GraphServiceClient;
import com.microsoft.kiota.authentication.AzureIdentityAuthenticationProvider;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;

/**
 * Both examples of the recordResponse page, run with the unmodified package on the class path.
 *
 * <p>Of example 1 the call, the server and the prompt's host are not those that are printed.
 */
public final class RecordResponse {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final BufferedReader ANSWERS =
      new BufferedReader(new InputStreamReader(System.in));

  private static GraphServiceClient graphClient;
  private static JsonNode call;
  private static String operationId;

  /** What a bot does; what it puts into the evidence is judged by the driver. */
  private interface Step {
    void run(ObjectNode evidence) throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    step(
        "answer",
        evidence -> {
          graphClient = client();
          warmUp();
          call = say(message("ask", "call"));
          answer();
        });
    step("recordResponse", RecordResponse::recordResponse);
    step(
        "download",
        evidence -> {
          JsonNode completed =
              say(message("ask", "completed").put("operationId", operationId));
          Path file = Path.of(call.get("output").asText());
          download(completed, file);
          evidence.put("file", file.toString());
        });
    step("hangUp", evidence -> calls().byCallId(id()).delete());
    end();
  }

  private static GraphServiceClient client() {
    TokenCredential credential =
        new ClientSecretCredentialBuilder()
            .tenantId(System.getenv("AZURE_TENANT_ID"))
            .clientId(System.getenv("AZURE_CLIENT_ID"))
            .clientSecret(System.getenv("AZURE_CLIENT_SECRET"))
            .authorityHost(System.getenv("AZURE_AUTHORITY_HOST"))
            .disableInstanceDiscovery()
            .build();
    String baseUrl = System.getenv("GRAPH_BASE_URL");
    // Without its host on the list the server would get no token.
    String[] allowedHosts = {URI.create(baseUrl).getHost()};
    GraphServiceClient client =
        new GraphServiceClient(
            new AzureIdentityAuthenticationProvider(
                credential, allowedHosts, "https://graph.microsoft.com/.default"));
    client.getRequestAdapter().setBaseUrl(baseUrl);
    return client;
  }

  /**
   * A bot that is called has run for a while, and it has 15 seconds to answer; the first request of
   * a JVM takes many of them when the machine is busy.
   */
  private static void warmUp() {
    try {
      calls().byCallId("00000000-0000-4000-8000-000000000000").get();
    } catch (ODataError nobodyKnowsIt) {
      if (nobodyKnowsIt.getResponseStatusCode() != 404) {
        throw nobodyKnowsIt;
      }
    }
  }

  private static void answer() {
    AnswerPostRequestBody body = new AnswerPostRequestBody();
    body.setCallbackUri(call.get("callbackUri").asText());
    body.setMediaConfig(new ServiceHostedMediaConfig());
    body.setAcceptedModalities(List.of(Modality.Audio));
    calls().byCallId(id()).answer().post(body);
  }

  /** Example 1. */
  private static void recordResponse(ObjectNode evidence) {
    MediaInfo mediaInfo = new MediaInfo();
    mediaInfo.setUri(call.get("promptUri").asText());
    mediaInfo.setResourceId("1D6DE2D4-CD51-4309-8DAA-70768651088E");
    MediaPrompt prompt = new MediaPrompt();
    prompt.setOdataType("#microsoft.graph.mediaPrompt");
    prompt.setMediaInfo(mediaInfo);

    RecordResponsePostRequestBody body = new RecordResponsePostRequestBody();
    body.setBargeInAllowed(true);
    body.setClientContext("d45324c1-fcb5-430a-902c-f20af696537c");
    body.setPrompts(List.of(prompt));
    body.setMaxRecordDurationInSeconds(10);
    body.setInitialSilenceTimeoutInSeconds(5);
    body.setMaxSilenceTimeoutInSeconds(2);
    body.setPlayBeep(true);
    body.setStopTones(List.of("#", "1", "*"));

    RecordOperation result =
        graphClient.communications().calls().byCallId(id()).recordResponse().post(body);
    operationId = result.getId();
    evidence.put("operationId", operationId).put("clientContext", result.getClientContext());
    // The SDK's enumeration knows `Running` only: of `running`, as the cloud says it, null is left.
    if (result.getStatus() != null) {
      evidence.put("status", result.getStatus().getValue());
    }
  }

  /** Example 2, which is printed as an HTTP request: no SDK has it. */
  private static void download(JsonNode completed, Path file) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(completed.get("recordingLocation").asText()))
            .header("Authorization", "Bearer " + completed.get("recordingAccessToken").asText())
            .build();
    HttpResponse<Path> response =
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofFile(file));
    if (response.statusCode() != 200) {
      throw new IOException("the download was answered with " + response.statusCode());
    }
  }

  private static CallsRequestBuilder calls() {
    return graphClient.communications().calls();
  }

  private static String id() {
    return call.get("callId").asText();
  }

  private static void step(String name, Step step) throws IOException {
    ObjectNode evidence = JSON.createObjectNode();
    try {
      step.run(evidence);
    } catch (Exception error) {
      say(message("failed", name).put("message", error.toString()));
      end();
    }
    ObjectNode done = message("done", name);
    done.set("evidence", evidence);
    say(done);
  }

  /** The clients' threads would keep the JVM for a minute. */
  private static void end() {
    System.exit(0);
  }

  private static ObjectNode message(String name, String value) {
    return JSON.createObjectNode().put(name, value);
  }

  /** The lane's end of test/sdk/graph/protocol.ts: one JSON value a line, each way. */
  private static JsonNode say(ObjectNode message) throws IOException {
    System.out.println(JSON.writeValueAsString(message));
    JsonNode answer = JSON.readTree(ANSWERS.readLine());
    if (answer.has("error")) {
      throw new IOException(answer.get("error").asText());
    }
    return answer;
  }
}
