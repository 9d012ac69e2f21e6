"""The bot of recordResponse's page with msgraph-sdk and azure-identity.

Example 1 is the snippet as it is printed, except that RecordResponsePostRequestBody is not among the
models: it is imported from where the SDK has it. Example 2 is plain `requests`.
"""

import asyncio
import os
from urllib.parse import urlsplit

import requests
from azure.identity import ClientSecretCredential
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.communications.calls.item.answer.answer_post_request_body import (
    AnswerPostRequestBody,
)
from msgraph.generated.communications.calls.item.record_response.record_response_post_request_body import (
    RecordResponsePostRequestBody,
)
from msgraph.generated.models.media_info import MediaInfo
from msgraph.generated.models.media_prompt import MediaPrompt
from msgraph.generated.models.modality import Modality
from msgraph.generated.models.service_hosted_media_config import ServiceHostedMediaConfig

from lane import completed, incoming_call, step

base_url = os.environ["GRAPH_BASE_URL"]
credential = ClientSecretCredential(
    os.environ["AZURE_TENANT_ID"],
    os.environ["AZURE_CLIENT_ID"],
    os.environ["AZURE_CLIENT_SECRET"],
    authority=os.environ["AZURE_AUTHORITY_HOST"],
    disable_instance_discovery=True,
)

host = urlsplit(base_url)
auth_provider = AzureIdentityAuthenticationProvider(
    credential,
    scopes=["https://graph.microsoft.com/.default"],
    allowed_hosts=[host.hostname, host.netloc],
)
adapter = GraphRequestAdapter(auth_provider)
adapter.base_url = base_url
graph_client = GraphServiceClient(request_adapter=adapter)


async def main():
    call = incoming_call()
    call_id = call["callId"]

    async def answer():
        request_body = AnswerPostRequestBody(
            callback_uri=call["callbackUri"],
            media_config=ServiceHostedMediaConfig(
                odata_type="#microsoft.graph.serviceHostedMediaConfig",
            ),
            accepted_modalities=[Modality.Audio],
        )
        await graph_client.communications.calls.by_call_id(call_id).answer.post(request_body)
        return {}

    await step("answer", answer)

    async def record_response():
        request_body = RecordResponsePostRequestBody(
            barge_in_allowed=True,
            client_context="d45324c1-fcb5-430a-902c-f20af696537c",
            prompts=[
                MediaPrompt(
                    odata_type="#microsoft.graph.mediaPrompt",
                    media_info=MediaInfo(
                        uri=call["promptUri"],
                        resource_id="1D6DE2D4-CD51-4309-8DAA-70768651088E",
                    ),
                ),
            ],
            max_record_duration_in_seconds=10,
            initial_silence_timeout_in_seconds=5,
            max_silence_timeout_in_seconds=2,
            play_beep=True,
            stop_tones=[
                "#",
                "1",
                "*",
            ],
        )
        result = await graph_client.communications.calls.by_call_id(call_id).record_response.post(
            request_body
        )
        evidence = {"operationId": result.id, "clientContext": result.client_context}
        if result.status is not None:
            evidence["status"] = result.status.value
        return evidence

    operation = await step("recordResponse", record_response)
    recording = completed(operation["operationId"])

    async def download():
        token = recording["recordingAccessToken"]
        response = requests.get(
            recording["recordingLocation"],
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        response.raise_for_status()
        with open(call["output"], "wb") as file:
            file.write(response.content)
        return {"file": call["output"]}

    await step("download", download)

    async def hang_up():
        await graph_client.communications.calls.by_call_id(call_id).delete()
        return {}

    await step("hangUp", hang_up)


asyncio.run(main())
