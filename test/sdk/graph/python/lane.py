"""The lane's end of test/sdk/graph/protocol.ts: one JSON value a line, each way."""

import json
import sys


def _say(message):
    print(json.dumps(message), flush=True)
    answer = json.loads(sys.stdin.readline())
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer


def incoming_call():
    return _say({"ask": "call"})


def completed(operation_id):
    """The end of an operation, as the bot is told of it."""
    return _say({"ask": "completed", "operationId": operation_id})


async def step(name, run):
    """Does what the bot does; what it returns is judged by the driver. If it fails, that is the end."""
    try:
        evidence = await run()
    except Exception as error:  # whatever the SDK throws is what the step failed with
        _say({"failed": name, "message": f"{type(error).__name__}: {error}"})
        sys.exit(0)
    _say({"done": name, "evidence": evidence})
    return evidence
