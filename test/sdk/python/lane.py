"""The lane's end of test/sdk/protocol.ts: one JSON value a line, each way."""

import json
import sys


def _say(message):
    print(json.dumps(message), flush=True)
    answer = json.loads(sys.stdin.readline())
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer


def call_between_phones():
    return _say({"ask": "call"})


def speech(ms):
    _say({"ask": "speech", "ms": ms})


def first_chunk(recording_id):
    """The chunk that RecordingFileStatusUpdated names, as a web hook gets it."""
    data = _say({"ask": "event", "recordingId": recording_id})
    return data["recordingStorageInfo"]["recordingChunks"][0]


def step(name, run):
    """Runs a step of the quickstart; what it returns is judged by the driver."""
    try:
        evidence = run()
    except Exception as error:  # whatever the SDK throws is what the step failed with
        _say({"failed": name, "message": f"{type(error).__name__}: {error}"})
        return
    _say({"done": name, "evidence": evidence})
