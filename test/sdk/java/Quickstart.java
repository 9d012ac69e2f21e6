import com.azure.communication.callautomation.CallAutomationClient;
import com.azure.communication.callautomation.CallAutomationClientBuilder;
import com.azure.communication.callautomation.CallRecording;
import com.azure.communication.callautomation.models.ChannelAffinity;
import com.azure.communication.callautomation.models.DownloadToFileOptions;
import com.azure.communication.callautomation.models.ParallelDownloadOptions;
import com.azure.communication.callautomation.models.RecordingChannel;
import com.azure.communication.callautomation.models.RecordingContent;
import com.azure.communication.callautomation.models.RecordingFormat;
import com.azure.communication.callautomation.models.RecordingStateResult;
import com.azure.communication.callautomation.models.ServerCallLocator;
import com.azure.communication.callautomation.models.StartRecordingOptions;
import com.azure.communication.common.CommunicationUserIdentifier;
import com.azure.communication.common.PhoneNumberIdentifier;
import com.azure.core.exception.HttpResponseException;
import com.azure.core.http.HttpRange;
import com.azure.core.http.rest.Response;
import com.azure.core.util.Context;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.List;

/**
 * The recording quickstart for Java, run with the unmodified package on the class path.
 *
 * <p>Deviations from what is printed:
 *
 * <ul>
 *   <li>2.4 calls {@code startRecordingWithResponse}, which no version has: it is {@code
 *       startWithResponse}. The phone number {@code "RECORDING_ID"} that it prints is sent as it is;
 *       the recording that is judged pins a user who is in the call.
 *   <li>3 to 5 declare {@code response} a second time and read the recording's id from it.
 *   <li>6 calls {@code downloadToWithResponse(location, path, options, overwrite, context)}: in
 *       these versions it is {@code downloadTo(location, path, options, context)}, where the options
 *       say whether to overwrite and may not be null.
 * </ul>
 */
public final class Quickstart {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final BufferedReader ANSWERS =
      new BufferedReader(new InputStreamReader(System.in));

  private static CallAutomationClient callAutomationClient;
  private static String recordingId;
  private static JsonNode chunk;

  /** A step of the quickstart; what it puts into the evidence is judged by the driver. */
  private interface Step {
    void run(ObjectNode evidence) throws Exception;
  }

  /** Sets the options that a recording has beside the first one's. */
  private interface Options {
    void set(StartRecordingOptions options, JsonNode call);
  }

  public static void main(String[] arguments) throws Exception {
    step(
        "client",
        evidence ->
            callAutomationClient =
                new CallAutomationClientBuilder()
                    .connectionString(System.getenv("COMMUNICATION_CONNECTION_STRING"))
                    .buildClient());
    wholeQuickstart();
    startWith("mixed", (options, call) -> options.setRecordingChannel(RecordingChannel.MIXED));
    startWith(
        "mp3",
        (options, call) ->
            options
                .setRecordingChannel(RecordingChannel.MIXED)
                .setRecordingFormat(RecordingFormat.MP3));
    absentUnless("connection", hasConstructorOfString());
    absentUnless("container", hasSetter("setRecordingStorage"));
    absentUnless("pauseOnStart", hasSetter("setPauseOnStart"));
    startWith(
        "ordering",
        (options, call) ->
            options.setAudioChannelParticipantOrdering(
                List.of(new CommunicationUserIdentifier(call.get("bob").asText()))));
    affinity();
    System.exit(0);
  }

  private static void wholeQuickstart() throws Exception {
    JsonNode call = say(message("ask", "call"));
    CallRecording recording = callAutomationClient.getCallRecording();
    Path file = Paths.get(call.get("output").asText(), "call.wav");

    step(
        "start",
        evidence -> {
          StartRecordingOptions recordingOptions = firstOptions(call);
          Response<RecordingStateResult> response =
              recording.startWithResponse(recordingOptions, null);
          recordingId = response.getValue().getRecordingId();
          evidence.put("state", response.getValue().getRecordingState().toString());
        });
    speech(900);
    step("state", evidence -> evidence.put("state", state()));
    step(
        "pause",
        evidence -> {
          recording.pauseWithResponse(recordingId, null);
          evidence.put("state", state());
        });
    speech(700);
    step(
        "resume",
        evidence -> {
          recording.resumeWithResponse(recordingId, null);
          evidence.put("state", state());
        });
    speech(900);
    step(
        "stop",
        evidence -> {
          recording.stopWithResponse(recordingId, null);
          evidence.put("state", state());
        });
    step(
        "event",
        evidence -> {
          chunk = firstChunk();
          evidence.setAll((ObjectNode) chunk);
        });
    step(
        "download",
        evidence -> {
          DownloadToFileOptions options = new DownloadToFileOptions().setOverwrite(true);
          recording.downloadTo(text("contentLocation"), file, options, Context.NONE);
          evidence.put("file", file.toString());
        });
    step(
        "stream",
        evidence -> {
          Path streamed = file.resolveSibling("streamed.wav");
          try (OutputStream output = Files.newOutputStream(streamed)) {
            recording.downloadTo(text("contentLocation"), output);
          }
          evidence.put("file", streamed.toString());
        });
    step("ranges", evidence -> evidence.put("file", inRanges(file).toString()));
    step(
        "metadata",
        evidence -> {
          Path metadata = file.resolveSibling("metadata.json");
          Files.write(
              metadata, recording.downloadContent(text("metadataLocation")).toBytes());
          evidence.put("file", metadata.toString());
        });
    step(
        "delete",
        evidence -> {
          recording.deleteWithResponse(text("deleteLocation"), Context.NONE);
          evidence.put("status", refusalOfDownload());
        });
  }

  private static StartRecordingOptions firstOptions(JsonNode call) {
    return new StartRecordingOptions(new ServerCallLocator(call.get("serverCallId").asText()))
        .setRecordingChannel(RecordingChannel.UNMIXED)
        .setRecordingFormat(RecordingFormat.WAV)
        .setRecordingContent(RecordingContent.AUDIO)
        .setRecordingStateCallbackUrl(call.get("callbackUrl").asText());
  }

  /** The file in parallel blocks, and then again in two ranges that are put together. */
  private static Path inRanges(Path whole) throws IOException {
    CallRecording recording = callAutomationClient.getCallRecording();
    Path inBlocks = whole.resolveSibling("blocks.wav");
    ParallelDownloadOptions parallel =
        new ParallelDownloadOptions().setBlockSize(20_000).setMaxConcurrency(3);
    recording.downloadTo(
        text("contentLocation"),
        inBlocks,
        new DownloadToFileOptions().setParallelDownloadOptions(parallel),
        Context.NONE);
    if (Files.mismatch(inBlocks, whole) >= 0) {
      throw new IOException("the download in parallel blocks differs from the whole");
    }
    ByteArrayOutputStream parts = new ByteArrayOutputStream();
    for (HttpRange range : List.of(new HttpRange(0, 1_000L), new HttpRange(1_000))) {
      parts.write(
          recording
              .downloadContentWithResponse(text("contentLocation"), range, Context.NONE)
              .getValue()
              .toBytes());
    }
    return Files.write(whole.resolveSibling("parts.wav"), parts.toByteArray());
  }

  private static void affinity() throws Exception {
    step(
        "affinity",
        evidence -> {
          // As it is printed: nobody in the call has this number, and the start succeeds.
          ChannelAffinity printed =
              new ChannelAffinity()
                  .setParticipant(new PhoneNumberIdentifier("RECORDING_ID"))
                  .setChannel(0);
          CallRecording recording = callAutomationClient.getCallRecording();
          StartRecordingOptions startRecordingOptions =
              firstOptions(say(message("ask", "call"))).setChannelAffinity(Arrays.asList(printed));
          recording.stop(recording.start(startRecordingOptions).getRecordingId());
          record(
              "affinity",
              (options, call) ->
                  options.setChannelAffinity(
                      Arrays.asList(
                          new ChannelAffinity()
                              .setParticipant(
                                  new CommunicationUserIdentifier(call.get("alice").asText()))
                              .setChannel(0))),
              evidence);
        });
  }

  private static void startWith(String name, Options changed) throws Exception {
    step(name, evidence -> record(name, changed, evidence));
  }

  /** Starts with these options, lets the two speak, stops and downloads. */
  private static void record(String name, Options changed, ObjectNode evidence) throws Exception {
    JsonNode call = say(message("ask", "call"));
    CallRecording recording = callAutomationClient.getCallRecording();
    StartRecordingOptions options = firstOptions(call);
    changed.set(options, call);
    recordingId = recording.start(options).getRecordingId();
    speech(1500);
    recording.stop(recordingId);
    chunk = firstChunk();
    Path file = Paths.get(call.get("output").asText(), name);
    recording.downloadTo(text("contentLocation"), file);
    evidence.put("file", file.toString());
  }

  private static String state() {
    return callAutomationClient
        .getCallRecording()
        .getStateWithResponse(recordingId, null)
        .getValue()
        .getRecordingState()
        .toString();
  }

  private static int refusalOfDownload() {
    try {
      callAutomationClient.getCallRecording().downloadContent(text("contentLocation"));
      return 200;
    } catch (HttpResponseException error) {
      return error.getResponse().getStatusCode();
    }
  }

  private static boolean hasSetter(String name) {
    return Arrays.stream(StartRecordingOptions.class.getMethods())
        .anyMatch(method -> method.getName().equals(name));
  }

  private static boolean hasConstructorOfString() {
    return Arrays.stream(StartRecordingOptions.class.getConstructors())
        .anyMatch(constructor -> constructor.getParameterTypes()[0] == String.class);
  }

  private static void absentUnless(String name, boolean isThere) throws IOException {
    if (!isThere) {
      say(message("absent", name));
    } else {
      say(message("failed", name).put("message", "this version has it; the lane has to use it"));
    }
  }

  private static String text(String name) {
    return chunk.get(name).asText();
  }

  private static JsonNode firstChunk() throws IOException {
    ObjectNode question = message("ask", "event").put("recordingId", recordingId);
    return say(question).get("recordingStorageInfo").get("recordingChunks").get(0);
  }

  private static void speech(int ms) throws IOException {
    say(message("ask", "speech").put("ms", ms));
  }

  private static void step(String name, Step step) throws IOException {
    ObjectNode evidence = JSON.createObjectNode();
    try {
      step.run(evidence);
    } catch (Exception error) {
      say(message("failed", name).put("message", error.toString()));
      return;
    }
    ObjectNode done = message("done", name);
    done.set("evidence", recordingId == null ? evidence : evidence.put("recordingId", recordingId));
    say(done);
  }

  private static ObjectNode message(String name, String value) {
    return JSON.createObjectNode().put(name, value);
  }

  /** The lane's end of test/sdk/protocol.ts: one JSON value a line, each way. */
  private static JsonNode say(ObjectNode message) throws IOException {
    System.out.println(JSON.writeValueAsString(message));
    JsonNode answer = JSON.readTree(ANSWERS.readLine());
    if (answer.has("error")) {
      throw new IOException(answer.get("error").asText());
    }
    return answer;
  }
}
