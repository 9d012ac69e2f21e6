/** Which tests show that an operation or an event is as it should be; see `table.ts` for what is checked. */
export type Coverage = {
  /** `file: describe › test`, as they are written there. */
  readonly tests: readonly string[];
  /** What the tests call it, if not by its name. */
  readonly words?: readonly string[];
  /** Only of what is not offered, or not raised: what happens instead. */
  readonly instead?: string;
};

export type OperationCoverage = Coverage & {
  /** Methods of the client; one of them, or of `words`, has to stand in each file of tests. */
  readonly methods: readonly string[];
};

const SETUP = 'test/e2e/call-control-setup.test.ts';
const PARTICIPANTS = 'test/e2e/call-control-participants.test.ts';
const CONNECT = 'test/e2e/call-control-connect.test.ts';
const HOLD = 'test/e2e/call-control-hold.test.ts';
const ELSEWHERE = 'test/e2e/call-control-elsewhere.test.ts';
const INCOMING = 'test/e2e/incoming-calls.test.ts';
const PLAY = 'test/e2e/media-play.test.ts';
const RECOGNIZE = 'test/e2e/media-recognize.test.ts';
const KEYS = 'test/e2e/media-keys.test.ts';
const RECORDED_PROMPTS = 'test/e2e/media-recorded.test.ts';
const RECORD = 'test/e2e/record-a-call.test.ts';
const OPTIONS = 'test/e2e/recording-options.test.ts';
const REFUSALS = 'test/e2e/refusals.test.ts';
const LATE = 'test/e2e/call-control-late.test.ts';
const STREAMS = 'test/e2e/streaming.test.ts';
const HOSTILE_STREAMS = 'test/e2e/streaming-hostile.test.ts';

const NOT_BUILT = [
  `${REFUSALS}: what is not built › every other operation is 405/8520`,
  `${REFUSALS}: what is not built › is an error of the SDK with its sub-code`,
];
const RECORDED = `${RECORD}: %s › records two phones: start, state, stop, event, download, metadata, delete`;
const PAUSED = `${OPTIONS}: pause and resume › cut what was said in between, and each transition is told once`;
const ADDED = `${PARTICIPANTS}: participants of a call › are added, listed and removed, with events at the callback of the request`;
const CANCELLED = `${PARTICIPANTS}: participants of a call › are no longer invited when the invitation is cancelled; another one is not found`;
const KEYS_TOLD = `${KEYS}: keys of a participant › are told of one by one from the start to the stop, beside a recognition`;
const PLAY_CANCELLED = `${PLAY}: a prompt that goes on and on › is cancelled with what waits behind it`;
const PLAYED = `${PLAY}: a prompt › to all is heard by all, from its start to its end, and told of at both`;
const STREAMED = `${STREAMS}: streams that are started and stopped in a call › have a socket each, and events with their contexts`;

/** By the name in the client's generated code. */
export const OPERATIONS: Readonly<Record<string, OperationCoverage>> = {
  createCall: {
    methods: ['createCall', 'createGroupCall'],
    tests: [
      `${SETUP}: createCall › connects to one phone, and says by whose operation`,
      `${SETUP}: createCall › fails when who is called %s`,
      `${SETUP}: createCall › of a group goes on with whoever answers, and fails when nobody does`,
      `${PARTICIPANTS}: participants of a call › are called all at once, and all of them hear each other`,
    ],
  },
  answerCall: {
    methods: ['answerCall'],
    tests: [
      `${SETUP}: answerCall › takes the call, to which others can be added`,
      `${INCOMING}: an incoming call › that is answered raises callbacks in order, in their envelope, signed with a published key`,
    ],
  },
  redirectCall: {
    methods: ['redirectCall'],
    tests: [
      `${INCOMING}: an incoming call › is redirected to a simulated phone, and the two hear each other`,
      `${INCOMING}: an incoming call › is redirected to a registered user, whose phone shows the same call`,
      `${INCOMING}: an incoming call › redirected to somebody who is nowhere is not found`,
    ],
  },
  rejectCall: {
    methods: ['rejectCall'],
    tests: [`${INCOMING}: an incoming call › that is rejected as %s gets %i`],
  },
  connect: {
    methods: ['connectCall'],
    tests: [
      `${CONNECT}: connectCall › by serverCallId joins a call that is on, and each application has its own events`,
      `${CONNECT}: connectCall › by groupCallId finds the call that callers came into by a route, and records it`,
      `${CONNECT}: connectCall › is refused by a %s of nothing`,
    ],
  },
  getCall: {
    methods: ['getCallConnectionProperties'],
    tests: [`${SETUP}: createCall › connects to one phone, and says by whose operation`],
  },
  hangupCall: {
    methods: ['hangUp'],
    tests: [`${SETUP}: hangUp › for oneself leaves the others talking`],
  },
  terminateCall: {
    methods: ['hangUp'],
    tests: [`${SETUP}: hangUp › for everybody ends the call of every phone`],
  },
  transferToParticipant: {
    methods: ['transferCallToParticipant'],
    tests: [
      `${ELSEWHERE}: transferCallToParticipant › puts the only participant through, and the application is out`,
      `${ELSEWHERE}: transferCallToParticipant › of one of several leaves the others with the application`,
      `${ELSEWHERE}: transferCallToParticipant › fails when the target %s, and the call goes on`,
    ],
  },
  getParticipants: { methods: ['listParticipants'], tests: [ADDED] },
  getParticipantsNext: {
    methods: ['listParticipants'],
    instead: 'never asked for: the first page has all participants',
    tests: [ADDED],
  },
  getParticipant: { methods: ['getParticipant'], tests: [ADDED] },
  addParticipant: {
    methods: ['addParticipant'],
    tests: [ADDED, `${PARTICIPANTS}: participants of a call › are not added when who is called %s`],
  },
  removeParticipant: { methods: ['removeParticipant'], tests: [ADDED] },
  mute: {
    methods: ['muteParticipant'],
    tests: [
      `${PARTICIPANTS}: participants of a call › are muted for everybody, and shown so`,
      `${PARTICIPANTS}: participants of a call › are muted for recordings too`,
    ],
  },
  cancelAddParticipant: { methods: ['cancelAddParticipantOperation'], tests: [CANCELLED] },
  moveParticipants: {
    methods: ['moveParticipants'],
    tests: [
      `${ELSEWHERE}: moveParticipants › takes people into another call, where they talk; the call that they leave ends with the last`,
      `${ELSEWHERE}: moveParticipants › leaves who refuses new media where it is`,
    ],
  },
  play: {
    methods: ['play', 'playToAll'],
    tests: [
      PLAYED,
      `${PLAY}: a prompt › to one is heard by that one only`,
      `${PLAY}: a prompt that goes on and on › gives way to one that interrupts`,
      `${RECORDED_PROMPTS}: a prompt is in the mixed file, to all as to one, over everything that is said`,
    ],
  },
  cancelAllMediaOperations: {
    methods: ['cancelAllOperations'],
    tests: [
      PLAY_CANCELLED,
      `${RECOGNIZE}: keys › are not waited for any more when everything is cancelled`,
    ],
  },
  recognize: {
    methods: ['startRecognizing'],
    words: ['recognize'],
    tests: [
      `${RECOGNIZE}: keys › are recognized until there are as many as wanted, of the one who is asked`,
      `${RECOGNIZE}: a choice › is made by its key, during its prompt`,
      `${RECOGNIZE}: what only ears could recognize is refused, and says so`,
    ],
  },
  startContinuousDtmfRecognition: {
    methods: ['startContinuousDtmfRecognition'],
    tests: [KEYS_TOLD],
  },
  stopContinuousDtmfRecognition: { methods: ['stopContinuousDtmfRecognition'], tests: [KEYS_TOLD] },
  sendDtmfTones: {
    methods: ['sendDtmfTones'],
    tests: [
      `${KEYS}: keys that are sent › are heard by that participant alone, each once, while a prompt plays to all`,
    ],
  },
  hold: {
    methods: ['hold'],
    tests: [
      `${HOLD}: a participant on hold › neither hears the others nor is heard, until it is taken off hold`,
      `${HOLD}: a participant on hold › hears what is played to it alone, and the recording has it`,
    ],
  },
  unhold: {
    methods: ['unhold'],
    tests: [
      `${HOLD}: a participant on hold › neither hears the others nor is heard, until it is taken off hold`,
    ],
  },
  startMediaStreaming: { methods: ['startMediaStreaming'], tests: [STREAMED] },
  stopMediaStreaming: { methods: ['stopMediaStreaming'], tests: [STREAMED] },
  startTranscription: { methods: ['startTranscription'], instead: '405/8520', tests: NOT_BUILT },
  stopTranscription: { methods: ['stopTranscription'], instead: '405/8520', tests: NOT_BUILT },
  updateTranscription: { methods: ['updateTranscription'], instead: '405/8520', tests: NOT_BUILT },
  startRecording: { methods: ['start'], words: ['startRecording'], tests: [RECORDED] },
  getRecordingProperties: { methods: ['getState'], words: ['recordingState'], tests: [RECORDED] },
  stopRecording: { methods: ['stop'], words: ['stopRecording'], tests: [RECORDED] },
  pauseRecording: { methods: ['pause'], words: ['pauseRecording'], tests: [PAUSED] },
  resumeRecording: { methods: ['resume'], words: ['resumeRecording'], tests: [PAUSED] },
};

const NO_TRANSCRIPTION: Coverage = {
  instead: 'not raised: there is no transcription',
  tests: NOT_BUILT,
};

/** Without the prefix; the name, or one of `words`, has to stand in each file of tests. */
export const EVENTS: Readonly<Record<string, Coverage>> = {
  CallConnected: {
    tests: [`${SETUP}: createCall › connects to one phone, and says by whose operation`],
  },
  CallDisconnected: {
    tests: [
      `${SETUP}: hangUp › for everybody ends the call of every phone`,
      `${SETUP}: createCall › that failed is CallDisconnected to an application of the first generation`,
    ],
  },
  CreateCallFailed: { tests: [`${SETUP}: createCall › fails when who is called %s`] },
  AnswerFailed: {
    tests: [`${SETUP}: answerCall › fails when the caller turns out to have no codec in common`],
  },
  ConnectFailed: {
    tests: [
      `${LATE}: an application that connects to a call that ends at that moment hears ConnectFailed`,
    ],
  },
  ParticipantsUpdated: {
    tests: [
      `${PARTICIPANTS}: participants of a call › are called all at once, and all of them hear each other`,
    ],
  },
  AddParticipantSucceeded: { tests: [ADDED] },
  AddParticipantFailed: {
    tests: [`${PARTICIPANTS}: participants of a call › are not added when who is called %s`],
  },
  RemoveParticipantSucceeded: { tests: [ADDED] },
  RemoveParticipantFailed: {
    tests: [
      `${LATE}: a participant that hangs up at the moment of its removal is told of by RemoveParticipantFailed`,
    ],
  },
  MoveParticipantSucceeded: {
    tests: [
      `${ELSEWHERE}: moveParticipants › takes people into another call, where they talk; the call that they leave ends with the last`,
    ],
  },
  MoveParticipantFailed: {
    tests: [`${ELSEWHERE}: moveParticipants › leaves who refuses new media where it is`],
  },
  CancelAddParticipantSucceeded: { tests: [CANCELLED] },
  CancelAddParticipantFailed: { tests: [CANCELLED] },
  CallTransferAccepted: {
    tests: [
      `${ELSEWHERE}: transferCallToParticipant › puts the only participant through, and the application is out`,
    ],
  },
  CallTransferFailed: {
    tests: [
      `${ELSEWHERE}: transferCallToParticipant › fails when the target %s, and the call goes on`,
    ],
  },
  HoldFailed: { tests: [`${HOLD}: a participant on hold › goes on talking when the file %s`] },
  PlayStarted: { tests: [PLAYED] },
  PlayCompleted: { tests: [PLAYED] },
  PlayCanceled: { tests: [PLAY_CANCELLED] },
  PlayFailed: { tests: [`${PLAY}: a prompt fails › %s: %i, and says which source it was`] },
  RecognizeCompleted: {
    tests: [
      `${RECOGNIZE}: keys › are recognized until there are as many as wanted, of the one who is asked`,
    ],
  },
  RecognizeFailed: {
    tests: [`${RECOGNIZE}: keys › that do not come fail, after the silence that is allowed`],
  },
  RecognizeCanceled: {
    tests: [`${RECOGNIZE}: keys › are not waited for any more when everything is cancelled`],
  },
  ContinuousDtmfRecognitionToneReceived: { tests: [KEYS_TOLD] },
  ContinuousDtmfRecognitionToneFailed: {
    tests: [
      `${KEYS}: keys of a participant › that are listened for fail when the participant leaves`,
    ],
  },
  ContinuousDtmfRecognitionStopped: { tests: [KEYS_TOLD] },
  SendDtmfTonesCompleted: {
    tests: [
      `${KEYS}: keys that are sent › are heard by that participant alone, each once, while a prompt plays to all`,
    ],
  },
  SendDtmfTonesFailed: {
    tests: [`${KEYS}: keys that are sent › to somebody who leaves meanwhile fail`],
  },
  MediaStreamingStarted: { tests: [STREAMED] },
  MediaStreamingStopped: { tests: [STREAMED] },
  MediaStreamingFailed: {
    tests: [`${HOSTILE_STREAMS}: a stream does not begin › when the handshake is answered with %d`],
  },
  TranscriptionStarted: NO_TRANSCRIPTION,
  TranscriptionStopped: NO_TRANSCRIPTION,
  TranscriptionUpdated: NO_TRANSCRIPTION,
  TranscriptionFailed: NO_TRANSCRIPTION,
  RecordingStateChanged: { tests: [RECORDED] },
  StartRecordingFailed: {
    instead: 'not raised: a start that is refused is refused in its answer',
    tests: [`${REFUSALS}: what is not built › recording %s, %s, %s is 400/8562`],
  },
};
