"""Calls two phones and records them on a channel each, without what is said in a pause.

    pip install azure-communication-callautomation
    npm start -- --event-webhook http://127.0.0.1:3000/
    . <(npx tapedeck sdk-env)     # in another shell; it also says how recordings are reached
    python examples/channels_and_pauses.py +15550100 +15550101 call.wav
"""

import json
import os
import queue
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.communication.callautomation import (
    CallAutomationClient,
    ChannelAffinity,
    PhoneNumberIdentifier,
    RecordingChannel,
    RecordingContent,
    RecordingFormat,
    ServerCallLocator,
)

defaults = ["+15550100", "+15550101", "call.wav", "5"]
given = sys.argv[1:]
agent, customer, output, seconds = given + defaults[len(given):]
port = int(os.environ.get("PORT", "3000"))
callbacks = f"http://127.0.0.1:{port}/"
events = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    """What happens to the call and to the recording is posted to us."""

    def do_POST(self):
        received = json.loads(self.rfile.read(int(self.headers["content-length"])))
        # Before the first event we are asked whether we want any: the answer repeats the code.
        answer = {"validationResponse": received[0]["data"].get("validationCode")}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        for event in received:
            events.put((event.get("type") or event["eventType"], event["data"]))

    def log_message(self, *_):
        pass


def wait_for(name):
    while True:
        event, data = events.get(timeout=60)
        if event == "Microsoft.Communication.RecordingStateChanged":
            print(f"the recording is {data['state']}")
        if event == f"Microsoft.Communication.{name}":
            return data


receiver = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()

client = CallAutomationClient.from_connection_string(os.environ["COMMUNICATION_CONNECTION_STRING"])
phones = [PhoneNumberIdentifier(agent), PhoneNumberIdentifier(customer)]
call = client.create_call(phones, callbacks)
server_call_id = wait_for("CallConnected")["serverCallId"]

recording_id = client.start_recording(
    call_locator=ServerCallLocator(server_call_id),
    recording_content_type=RecordingContent.AUDIO,
    recording_channel_type=RecordingChannel.UNMIXED,
    recording_format_type=RecordingFormat.WAV,
    # Whoever is not named here gets the next free channel on speaking first.
    channel_affinity=[
        ChannelAffinity(target_participant=phone, channel=channel)
        for channel, phone in enumerate(phones)
    ],
    recording_state_callback_url=callbacks,
).recording_id
time.sleep(float(seconds))

# The number of a credit card, say: it is written nowhere.
client.pause_recording(recording_id)
time.sleep(float(seconds))
client.resume_recording(recording_id)
time.sleep(float(seconds))

client.stop_recording(recording_id)
chunks = wait_for("RecordingFileStatusUpdated")["recordingStorageInfo"]["recordingChunks"]
with open(output, "wb") as file:
    for piece in client.download_recording(chunks[0]["contentLocation"]).iter_bytes():
        file.write(piece)
print(f"{agent} and {customer} are on the channels of {output}")

client.get_call_connection(call.call_connection_id).hang_up(is_for_everyone=True)
receiver.shutdown()
