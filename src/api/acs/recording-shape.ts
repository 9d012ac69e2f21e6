import { TapedeckError } from '../../core/error.ts';
import type { RecordingShape } from '../../core/ports/call-service.ts';
import { oneOf } from './fields.ts';

export type RecordingShapeInput = {
  recordingContentType?: string;
  recordingChannelType?: string;
  recordingFormatType?: string;
};

/** What types that were left out stand for. */
export type OmittedTypes = 'service' | 'audio';

const CONTENT_TYPES = ['audio', 'audioVideo'] as const;
const CHANNEL_TYPES = ['mixed', 'unmixed'] as const;
const FORMAT_TYPES = ['wav', 'mp3', 'mp4'] as const;

const OMITTED = {
  service: ['audioVideo', 'mixed', 'mp4'],
  audio: ['audio', 'mixed', 'wav'],
} as const;

/** What is built of the service's combinations. */
const SUPPORTED: readonly RecordingShape[] = [
  { contentType: 'audio', channelType: 'mixed', formatType: 'wav' },
  { contentType: 'audio', channelType: 'mixed', formatType: 'mp3' },
  { contentType: 'audio', channelType: 'unmixed', formatType: 'wav' },
];

/** Rejects every other combination with `recording-mode-unsupported`. */
export function recordingShape(body: RecordingShapeInput, omitted: OmittedTypes): RecordingShape {
  const [content, channel, format] = OMITTED[omitted];
  const given = {
    contentType: oneOf(CONTENT_TYPES, body.recordingContentType ?? content, 'recordingContentType'),
    channelType: oneOf(CHANNEL_TYPES, body.recordingChannelType ?? channel, 'recordingChannelType'),
    formatType: oneOf(FORMAT_TYPES, body.recordingFormatType ?? format, 'recordingFormatType'),
  };
  const supported = SUPPORTED.find((shape) => inWords(shape) === inWords(given));
  if (supported !== undefined) return supported;
  throw new TapedeckError(
    'recording-mode-unsupported',
    `Recording mode not supported: ${inWords(given)} (those left out count as ` +
      `${OMITTED[omitted].join(', ')}; --omitted-types). This server records ` +
      `${SUPPORTED.map(inWords).join('; ')}.`,
    { field: 'recordingFormatType' },
  );
}

function inWords(shape: Readonly<Record<keyof RecordingShape, string>>): string {
  return `${shape.contentType}, ${shape.channelType}, ${shape.formatType}`;
}
