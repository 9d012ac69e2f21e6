/** Every error code with whose fault it is and what it means; docs/errors.md is made from this. */
export const ERROR_CATALOGUE = {
  'argument-invalid': { fault: 'caller', meaning: 'A field of the request is missing or wrong.' },
  'callback-uri-invalid': {
    fault: 'caller',
    meaning: 'The callback URI is not an http(s) URL, or points where callbacks may not go.',
  },
  'call-not-found': { fault: 'caller', meaning: 'No call has this id.' },
  'call-not-established': { fault: 'caller', meaning: 'The call is not connected yet.' },
  'call-ended': { fault: 'caller', meaning: 'The call is over.' },
  'call-state-conflict': {
    fault: 'caller',
    meaning: 'The call cannot do this in its present state.',
  },
  'participant-not-found': { fault: 'caller', meaning: 'Nobody of this id is in the call.' },
  'recording-not-found': { fault: 'caller', meaning: 'No recording has this id.' },
  'recording-already-running': { fault: 'caller', meaning: 'The call is being recorded already.' },
  'recording-conflict': {
    fault: 'caller',
    meaning: 'Another operation on this recording is under way.',
  },
  'recording-mode-unsupported': {
    fault: 'caller',
    meaning: 'This combination of content, channel and format is not supported.',
  },
  'recording-throttled': {
    fault: 'server',
    meaning: 'Too much waits to be done already; the recording may be started in a moment.',
  },
  'pause-not-allowed': {
    fault: 'caller',
    meaning: 'The recording is paused already, or is not paused, and a setting refuses this.',
  },
  'content-not-found': {
    fault: 'caller',
    meaning: 'The recording file does not exist, was deleted, or has expired.',
  },
  'media-conflict': {
    fault: 'caller',
    meaning: 'Another media operation on the same participant is under way.',
  },
  'operations-throttled': {
    fault: 'caller',
    meaning: 'As many media operations of the call wait already as may.',
  },
  'prompt-format': {
    fault: 'caller',
    meaning: 'What is to be played is neither WAV nor MP3 that can be read.',
  },
  'prompt-unreachable': {
    fault: 'destination',
    meaning: 'What is to be played could not be fetched.',
  },
  'speech-failed': { fault: 'server', meaning: 'The speech engine did not speak the text.' },
  'operation-not-found': { fault: 'caller', meaning: 'No operation of the call has this id.' },
  'not-a-group-call': {
    fault: 'caller',
    meaning: 'This is for calls of several participants only.',
  },
  'media-mode-invalid': {
    fault: 'caller',
    meaning: 'The application hosts the media of the call: the server plays and records nothing.',
  },
  'event-not-found': { fault: 'caller', meaning: 'No event has this id.' },
  'subscription-not-found': { fault: 'caller', meaning: 'No event subscription has this name.' },
  'signature-invalid': {
    fault: 'caller',
    meaning: 'The request is not signed with one of our access keys.',
  },
  'keys-unavailable': {
    fault: 'destination',
    meaning: 'The keys of the trusted provider of access tokens cannot be fetched.',
  },
  'not-permitted': { fault: 'caller', meaning: 'The caller may not do this.' },
  'options-missing': {
    fault: 'caller',
    meaning: 'The call was taken without the options that this operation needs.',
  },
  'not-supported': { fault: 'caller', meaning: 'This operation is not built.' },
  'too-many-requests': { fault: 'caller', meaning: 'A limit was reached; try again later.' },
  'storage-low': {
    fault: 'server',
    meaning: 'Less disk space is free than --min-free-bytes asks for.',
  },
  'disk-failed': { fault: 'server', meaning: 'Writing to the data directory failed.' },
  'journal-invalid': {
    fault: 'server',
    meaning: 'A journal file is not a journal, or is of a later version.',
  },
  'blob-mismatch': {
    fault: 'server',
    meaning: 'What was read back from storage is not what was written.',
  },
  'database-failed': { fault: 'server', meaning: 'The database refused a statement.' },
  'worker-failed': { fault: 'server', meaning: 'A worker thread ended or did not answer.' },
  'port-in-use': { fault: 'caller', meaning: 'Another program listens on the address already.' },
  'ports-exhausted': { fault: 'server', meaning: 'No port of --rtp-ports is free.' },
  'option-invalid': {
    fault: 'caller',
    meaning: 'An option or a key of the configuration file is unknown or wrong.',
  },
  'option-unbuilt': {
    fault: 'caller',
    meaning: 'The option is part of the contract but not built yet.',
  },
  'data-dir-unusable': {
    fault: 'caller',
    meaning: 'The data directory cannot be read and written.',
  },
  'data-dir-in-use': { fault: 'caller', meaning: 'Another Tapedeck uses the data directory.' },
  'url-refused': {
    fault: 'caller',
    meaning: 'The URL points to a private address that --allow-private-urls does not allow.',
  },
  'destination-unreachable': {
    fault: 'destination',
    meaning: 'The other side could not be reached.',
  },
  'destination-refused': { fault: 'destination', meaning: 'The other side refused.' },
  'shutting-down': { fault: 'server', meaning: 'The server is stopping and takes no new work.' },
  internal: { fault: 'server', meaning: 'A defect of Tapedeck; the log has the details.' },
} as const;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;
