"""The recording quickstart for Python, run with the unmodified package of this environment.

Deviations from what is printed:
- 2.2 writes `pause_on_start = true`: Python spells it `True`.
- 3 to 5 call `stop_recording(recording_id = recording_id)` and so on, where `recording_id` is the
  `recording_id` of the response to `start_recording`.
"""

import os

from azure.communication.callautomation import (
    AzureBlobContainerRecordingStorage,
    CallAutomationClient,
    ChannelAffinity,
    CommunicationUserIdentifier,
    RecordingChannel,
    RecordingContent,
    RecordingFormat,
    ServerCallLocator,
)
from azure.core.exceptions import HttpResponseError

from lane import call_between_phones, first_chunk, speech, step

UNMIXED = {
    "recording_content_type": "audio",
    "recording_channel_type": "unmixed",
    "recording_format_type": "wav",
}
client = None


def make_client():
    global client
    client = CallAutomationClient.from_connection_string(
        os.environ["COMMUNICATION_CONNECTION_STRING"]
    )
    return {}


def whole_quickstart():
    call = call_between_phones()
    told = {"recordingId": None}
    chunk = {}

    def state():
        return client.get_recording_properties(told["recordingId"]).recording_state

    def start():
        response = client.start_recording(
            call_locator=ServerCallLocator(call["serverCallId"]),
            recording_content_type=RecordingContent.Audio,
            recording_channel_type=RecordingChannel.Unmixed,
            recording_format_type=RecordingFormat.Wav,
            recording_state_callback_url=call["callbackUrl"],
        )
        told["recordingId"] = response.recording_id
        return {**told, "state": response.recording_state}

    def pause():
        client.pause_recording(recording_id=told["recordingId"])
        return {**told, "state": state()}

    def resume():
        client.resume_recording(recording_id=told["recordingId"])
        return {**told, "state": state()}

    def stop():
        client.stop_recording(recording_id=told["recordingId"])
        return {**told, "state": state()}

    def event():
        chunk.update(first_chunk(told["recordingId"]))
        return {**told, **chunk}

    def download():
        recording_data = client.download_recording(chunk["contentLocation"])
        return {**told, "file": written(call, "call.wav", recording_data.read())}

    def stream():
        pieces = client.download_recording(chunk["contentLocation"]).iter_bytes()
        return {**told, "file": written(call, "streamed.wav", b"".join(pieces))}

    def ranges():
        whole = client.download_recording(chunk["contentLocation"]).read()
        # The client sends no range for an offset of 0, whatever the length.
        parts = [whole[:1_000]]
        edges = [1_000, 20_001, 40_002, len(whole)]
        for edge, following in zip(edges, edges[1:]):
            part = client.download_recording(
                chunk["contentLocation"], offset=edge, length=following - edge
            )
            parts.append(part.read())
        return {**told, "file": written(call, "parts.wav", b"".join(parts))}

    def metadata():
        document = client.download_recording(chunk["metadataLocation"])
        return {**told, "file": written(call, "metadata.json", document.read())}

    def delete():
        client.delete_recording(chunk["deleteLocation"])
        try:
            client.download_recording(chunk["contentLocation"])
        except HttpResponseError as error:
            return {**told, "status": error.status_code}
        return told

    step("start", start)
    speech(900)
    step("state", lambda: {**told, "state": state()})
    step("pause", pause)
    speech(700)
    step("resume", resume)
    speech(900)
    step("stop", stop)
    step("event", event)
    step("download", download)
    step("stream", stream)
    step("ranges", ranges)
    step("metadata", metadata)
    step("delete", delete)


def recorded(call, **options):
    """Starts with these options, lets the two speak, stops; the file is ready afterwards."""
    recording_id = client.start_recording(
        recording_state_callback_url=call["callbackUrl"], **{**UNMIXED, **options}
    ).recording_id
    evidence = {"recordingId": recording_id}
    if options.get("pause_on_start"):
        evidence["state"] = client.get_recording_properties(recording_id).recording_state
        speech(1100)
        client.resume_recording(recording_id)
    speech(1500)
    client.stop_recording(recording_id)
    return {**evidence, **first_chunk(recording_id)}


def start_with(name, options):
    def run():
        call = call_between_phones()
        evidence = recorded(call, **options(call))
        content = client.download_recording(evidence["contentLocation"]).read()
        return {**evidence, "file": written(call, name, content)}

    step(name, run)


def by_locator(**more):
    return lambda call: {"call_locator": ServerCallLocator(call["serverCallId"]), **more}


def own_container():
    call = call_between_phones()
    return recorded(
        call,
        call_locator=ServerCallLocator(call["serverCallId"]),
        recording_storage=AzureBlobContainerRecordingStorage(container_url=call["containerUrl"]),
    )


def affinity(call):
    _channel_affinity = ChannelAffinity(
        target_participant=CommunicationUserIdentifier(call["alice"]), channel=0
    )
    return {**by_locator()(call), "channel_affinity": [_channel_affinity]}


def ordering(call):
    user = CommunicationUserIdentifier(id=call["bob"])
    return {**by_locator()(call), "audio_channel_participant_ordering": [user]}


def written(call, name, content):
    path = os.path.join(call["output"], name)
    with open(path, "wb") as binary_file:
        binary_file.write(content)
    return path


step("client", make_client)
whole_quickstart()
start_with("mixed", by_locator(recording_channel_type=RecordingChannel.Mixed))
start_with(
    "mp3",
    by_locator(
        recording_channel_type=RecordingChannel.Mixed, recording_format_type=RecordingFormat.Mp3
    ),
)
start_with("connection", lambda call: {"call_connection_id": call["callConnectionId"]})
step("container", own_container)
start_with("pauseOnStart", by_locator(pause_on_start=True))
start_with("ordering", ordering)
start_with("affinity", affinity)
