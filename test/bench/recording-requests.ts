import { recordingRequest } from '../support/acs-client.ts';
import type { TlsClient } from '../support/tls-client.ts';

export const API = 'api-version=2025-05-15';

/** Starts a mixed WAV of this call; its recordingId. */
export async function startRecording(client: TlsClient, serverCallId: string): Promise<string> {
  const answer = await client.send(
    'POST',
    `/calling/recordings?${API}`,
    recordingRequest(serverCallId),
  );
  return (answer as { recordingId: string }).recordingId;
}
