import com.azure.communication.callautomation.CallAutomationClient;
import com.azure.communication.callautomation.CallAutomationClientBuilder;
import com.azure.communication.callautomation.CallRecording;
import com.azure.communication.callautomation.models.ChannelAffinity;
import com.azure.communication.callautomation.models.CreateCallResult;
import com.azure.communication.callautomation.models.RecordingChannel;
import com.azure.communication.callautomation.models.RecordingContent;
import com.azure.communication.callautomation.models.RecordingFormat;
import com.azure.communication.callautomation.models.ServerCallLocator;
import com.azure.communication.callautomation.models.StartRecordingOptions;
import com.azure.communication.common.CommunicationIdentifier;
import com.azure.communication.common.PhoneNumberIdentifier;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Calls two phones and records them on a channel each, without what is said in a pause.
 *
 * <pre>
 *   npm start -- --event-webhook http://127.0.0.1:3000/
 *   . <(npx tapedeck sdk-env)     # in another shell; it also says how recordings are reached
 *   java -cp 'lib/*' examples/ChannelsAndPauses.java +15550100 +15550101 call.wav
 * </pre>
 *
 * lib: what `mvn dependency:copy-dependencies` makes of com.azure:azure-communication-callautomation.
 */
class ChannelsAndPauses {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final BlockingQueue<JsonNode> EVENTS = new LinkedBlockingQueue<>();

    public static void main(String[] arguments) throws Exception {
        String agent = arguments.length > 0 ? arguments[0] : "+15550100";
        String customer = arguments.length > 1 ? arguments[1] : "+15550101";
        String output = arguments.length > 2 ? arguments[2] : "call.wav";
        long millis = arguments.length > 3 ? (long) (Double.parseDouble(arguments[3]) * 1000) : 5000;
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "3000"));
        String callbacks = "http://127.0.0.1:" + port + "/";

        // What happens to the call and to the recording is posted to us.
        HttpServer receiver = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        receiver.createContext("/", ChannelsAndPauses::receive);
        receiver.start();

        CallAutomationClient client = new CallAutomationClientBuilder()
            .connectionString(System.getenv("COMMUNICATION_CONNECTION_STRING"))
            .buildClient();
        CallRecording recordings = client.getCallRecording();
        List<CommunicationIdentifier> phones =
            List.of(new PhoneNumberIdentifier(agent), new PhoneNumberIdentifier(customer));
        CreateCallResult call = client.createGroupCall(phones, callbacks);
        String serverCallId = waitFor("CallConnected").get("serverCallId").asText();

        StartRecordingOptions options =
            new StartRecordingOptions(new ServerCallLocator(serverCallId))
                .setRecordingContent(RecordingContent.AUDIO)
                .setRecordingChannel(RecordingChannel.UNMIXED)
                .setRecordingFormat(RecordingFormat.WAV)
                // Whoever is not named here gets the next free channel on speaking first.
                .setChannelAffinity(List.of(
                    new ChannelAffinity().setChannel(0).setParticipant(phones.get(0)),
                    new ChannelAffinity().setChannel(1).setParticipant(phones.get(1))))
                .setRecordingStateCallbackUrl(callbacks);
        String recordingId = recordings.start(options).getRecordingId();
        Thread.sleep(millis);

        // The number of a credit card, say: it is written nowhere.
        recordings.pause(recordingId);
        Thread.sleep(millis);
        recordings.resume(recordingId);
        Thread.sleep(millis);

        recordings.stop(recordingId);
        JsonNode chunks =
            waitFor("RecordingFileStatusUpdated").at("/recordingStorageInfo/recordingChunks");
        recordings.downloadTo(chunks.get(0).get("contentLocation").asText(), Path.of(output));
        System.out.println(agent + " and " + customer + " are on the channels of " + output);

        call.getCallConnection().hangUp(true);
        receiver.stop(0);
        System.exit(0); // the SDK keeps threads that do not end
    }

    private static void receive(HttpExchange exchange) throws IOException {
        JsonNode received = JSON.readTree(exchange.getRequestBody());
        // Before the first event we are asked whether we want any: the answer repeats the code.
        String code = received.at("/0/data/validationCode").asText(null);
        byte[] answer = JSON.writeValueAsBytes(code == null ? Map.of() : Map.of("validationResponse", code));
        exchange.getResponseHeaders().add("content-type", "application/json");
        exchange.sendResponseHeaders(200, answer.length);
        exchange.getResponseBody().write(answer);
        exchange.close();
        received.forEach(EVENTS::add);
    }

    private static JsonNode waitFor(String name) throws InterruptedException {
        while (true) {
            JsonNode event = EVENTS.poll(60, TimeUnit.SECONDS);
            if (event == null) throw new IllegalStateException(name + " did not come");
            String type = event.has("type") ? event.get("type").asText() : event.get("eventType").asText();
            if (type.endsWith(".RecordingStateChanged")) {
                System.out.println("the recording is " + event.at("/data/state").asText());
            }
            if (type.equals("Microsoft.Communication." + name)) return event.get("data");
        }
    }
}
