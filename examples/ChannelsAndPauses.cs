#:package Azure.Communication.CallAutomation@1.6.1
// Calls two phones and records them on a channel each, without what is said in a pause.
//
//   npm start -- --event-webhook http://127.0.0.1:3000/
//   . <(npx tapedeck sdk-env)     # in another shell; it also says how recordings are reached
//   dotnet run examples/ChannelsAndPauses.cs +15550100 +15550101 call.wav     # .NET 10 or later
using System.Net;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Azure.Communication;
using Azure.Communication.CallAutomation;

string Argument(int index, string otherwise) => args.Length > index ? args[index] : otherwise;
var agent = new PhoneNumberIdentifier(Argument(0, "+15550100"));
var customer = new PhoneNumberIdentifier(Argument(1, "+15550101"));
var output = Argument(2, "call.wav");
var span = TimeSpan.FromSeconds(double.Parse(Argument(3, "5")));
var callbacks = new Uri($"http://127.0.0.1:{Environment.GetEnvironmentVariable("PORT") ?? "3000"}/");

// What happens to the call and to the recording is posted to us.
var events = Channel.CreateUnbounded<JsonElement>();
using var receiver = new HttpListener();
receiver.Prefixes.Add(callbacks.AbsoluteUri);
receiver.Start();
_ = Task.Run(async () =>
{
    while (receiver.IsListening)
    {
        var context = await receiver.GetContextAsync();
        var received = (await JsonDocument.ParseAsync(context.Request.InputStream)).RootElement;
        // Before the first event we are asked whether we want any: the answer repeats the code.
        received[0].GetProperty("data").TryGetProperty("validationCode", out var code);
        var answer = code.ValueKind == JsonValueKind.String
            ? JsonSerializer.Serialize(new { validationResponse = code.GetString() })
            : "{}";
        context.Response.ContentType = "application/json";
        context.Response.Close(Encoding.UTF8.GetBytes(answer), willBlock: true);
        foreach (var item in received.EnumerateArray()) await events.Writer.WriteAsync(item);
    }
});

async Task<JsonElement> WaitFor(string name)
{
    await foreach (var item in events.Reader.ReadAllAsync())
    {
        var type = (item.TryGetProperty("type", out var cloud) ? cloud : item.GetProperty("eventType")).GetString();
        var data = item.GetProperty("data");
        if (type == "Microsoft.Communication.RecordingStateChanged")
            Console.WriteLine($"the recording is {data.GetProperty("state").GetString()}");
        if (type == $"Microsoft.Communication.{name}") return data;
    }
    throw new InvalidOperationException($"{name} did not come");
}

var client = new CallAutomationClient(Environment.GetEnvironmentVariable("COMMUNICATION_CONNECTION_STRING"));
var recordings = client.GetCallRecording();
CreateCallResult call = await client.CreateGroupCallAsync(new CreateGroupCallOptions([agent, customer], callbacks));
var serverCallId = (await WaitFor("CallConnected")).GetProperty("serverCallId").GetString();

var options = new StartRecordingOptions(new ServerCallLocator(serverCallId))
{
    RecordingContent = RecordingContent.Audio,
    RecordingChannel = RecordingChannel.Unmixed,
    RecordingFormat = RecordingFormat.Wav,
    // Whoever is not named here gets the next free channel on speaking first.
    ChannelAffinity = [new ChannelAffinity(agent) { Channel = 0 }, new ChannelAffinity(customer) { Channel = 1 }],
    RecordingStateCallbackUri = callbacks,
};
RecordingStateResult started = await recordings.StartAsync(options);
await Task.Delay(span);

// The number of a credit card, say: it is written nowhere.
await recordings.PauseAsync(started.RecordingId);
await Task.Delay(span);
await recordings.ResumeAsync(started.RecordingId);
await Task.Delay(span);

await recordings.StopAsync(started.RecordingId);
var info = (await WaitFor("RecordingFileStatusUpdated")).GetProperty("recordingStorageInfo");
var location = info.GetProperty("recordingChunks")[0].GetProperty("contentLocation").GetString()!;
await recordings.DownloadToAsync(new Uri(location), output);
Console.WriteLine($"{agent.PhoneNumber} and {customer.PhoneNumber} are on the channels of {output}");

await call.CallConnection.HangUpAsync(forEveryone: true);
