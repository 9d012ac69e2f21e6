/** Pieces of SIPp scenarios (https://sipp.readthedocs.io): each is XML, and stands for one step. */
export type Step = string;

/** A scenario of these steps. */
export function scenario(...steps: readonly Step[]): string {
  const body = steps.join('\n');
  const assigned = [...body.matchAll(/assign_to="([^"]+)"/g)].map((match) => match[1]);
  const variables = [...new Set(assigned)].join(',');
  const references = variables === '' ? '' : `<Reference variables="${variables}"/>`;
  return `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="test">
${body}
${references}
</scenario>
`;
}

export type Extras = {
  /** Header lines beyond the necessary ones. */
  readonly headers?: readonly string[];
  readonly body?: string;
  /** Default `application/sdp`. */
  readonly contentType?: string;
};

/** PCMU and telephone-events at the port that the key `rtp_port` names. */
export const SDP: string = sdp();

/** @param lines after `m=`, with which one may say `a=sendonly`, or another `c=`. */
export function sdp(direction = 'sendrecv', address = '[media_ip]', version = 1): string {
  return [
    'v=0',
    `o=- 1 ${version} IN IP[local_ip_type] [local_ip]`,
    's=-',
    `c=IN IP[media_ip_type] ${address}`,
    't=0 0',
    'm=audio [rtp_port] RTP/AVP 0 101',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
    `a=${direction}`,
  ].join('\n');
}

const CALLER_FROM = '<sip:[caller_user]@[local_ip]:[local_port]>;tag=[pid]c[call_number]';
const CALLEE_TAG = '[pid]s[call_number]';
const CONTACT = 'Contact: <sip:[local_ip]:[local_port];transport=[transport]>';

/** The INVITE of a caller; `body` is empty for a late offer. Its user is the key `caller_user`. */
export function invite(extras: Extras = {}, cseq = 1): Step {
  const to = '<sip:[service]@[remote_ip]:[remote_port]>';
  return send(
    [
      'INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0',
      ...requestLines(CALLER_FROM, to, `${cseq} INVITE`),
    ],
    extras,
    { retransmitted: true },
  );
}

/** The ACK of a 2xx to the INVITE with this number, by the caller. */
export function ack(cseq = 1, extras: Extras = {}): Step {
  return callerRequest('ACK', cseq, extras);
}

/** A request of the caller in its dialog; everything but the ACK is repeated until it is answered. */
export function callerRequest(method: string, cseq: number, extras: Extras = {}): Step {
  const to = '<sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]';
  return send(
    [
      `${method} [next_url] SIP/2.0`,
      ...requestLines(CALLER_FROM, to, `${cseq} ${method}`, ['[routes]']),
    ],
    extras,
    { retransmitted: method !== 'ACK' },
  );
}

/** The CANCEL of the caller's INVITE, sent `stepsAgo` sends and receipts before. */
export function cancel(stepsAgo: number): Step {
  return onBranchOf(stepsAgo, 'CANCEL', '', true);
}

/** The ACK of a refusal of the caller's INVITE. */
export function ackRefusal(stepsAgo: number, cseq = 1): Step {
  return onBranchOf(stepsAgo, 'ACK', '[peer_tag_param]', false, cseq);
}

/** A callee takes the INVITE, with what its answers to it and its own requests will need. */
export function receiveInvite(): Step {
  const keep = ['Via', 'From', 'To', 'CSeq'].map(
    (name) =>
      `<ereg regexp="[^ ].*" search_in="hdr" header="${name}:" assign_to="${variableOf(name)}"/>`,
  );
  return `<recv request="INVITE" rrs="true"><action>${keep.join('\n')}</action></recv>`;
}

/** The callee's answer to the INVITE that it received last, whatever has come since. */
export function respondToInvite(
  status: number,
  extras: Extras & { readonly retransmitted?: boolean } = {},
): Step {
  const lines = [
    `SIP/2.0 ${status} Said`,
    `Via: [$${variableOf('Via')}]`,
    `From: [$${variableOf('From')}]`,
    `To: [$${variableOf('To')}];tag=${CALLEE_TAG}`,
    'Call-ID: [call_id]',
    `CSeq: [$${variableOf('CSeq')}]`,
    CONTACT,
  ];
  return send(lines, extras, { retransmitted: extras.retransmitted === true });
}

/** A request of the callee in its dialog. */
export function calleeRequest(method: string, cseq: number, extras: Extras = {}): Step {
  return send(
    [
      `${method} [next_url] SIP/2.0`,
      ...requestLines(
        `[$${variableOf('To')}];tag=${CALLEE_TAG}`,
        `[$${variableOf('From')}]`,
        `${cseq} ${method}`,
      ),
    ],
    extras,
    { retransmitted: method !== 'ACK' },
  );
}

/** The answer of either side to the request in its dialog that it received last. */
export function respond(status: number, extras: Extras = {}): Step {
  const lines = [
    `SIP/2.0 ${status} Said`,
    '[last_Via:]',
    '[last_From:]',
    '[last_To:]',
    '[last_Call-ID:]',
    '[last_CSeq:]',
    CONTACT,
  ];
  return send(lines, extras, { retransmitted: false });
}

/** A callee rings and answers with SDP, and has the ACK. */
export function answer(extras: Extras = {}): Step {
  return [
    receiveInvite(),
    respondToInvite(180),
    respondToInvite(200, { retransmitted: true, body: SDP, ...extras }),
    receive('ACK'),
  ].join('\n');
}

/** A caller is answered. @param extras of the INVITE. */
export function call(extras: Extras = {}): Step {
  return [invite({ body: SDP, ...extras }), receiveAnswer(), ack()].join('\n');
}

/** The final 200 to an INVITE, whatever comes before it. */
export function receiveAnswer(): Step {
  return [
    '<recv response="100" optional="true"/>',
    '<recv response="180" optional="true"/>',
    '<recv response="183" optional="true"/>',
    '<recv response="200" rrs="true"/>',
  ].join('\n');
}

/** Header of what is received next, kept for `[$variable]`. */
export function receiveKeeping(status: number, header: string, variable: string): Step {
  return `<recv response="${status}" rrs="true"><action>
<ereg regexp="[^ ].*" search_in="hdr" header="${header}:" assign_to="${variable}"/>
</action></recv>`;
}

/** A request or a status. */
export function receive(what: string | number): Step {
  return typeof what === 'number' ? `<recv response="${what}"/>` : `<recv request="${what}"/>`;
}

/** What may come before the next step that must. */
export function mayReceive(what: string | number): Step {
  return receive(what).replace('/>', ' optional="true"/>');
}

/** Waits for `tell(word)` of the test. */
export function untilTold(word: string): Step {
  return receive(word);
}

/** Answers every NOTIFY with 200 until this request comes. Once in a scenario. */
export function notifiedUntil(request: string): Step {
  return [
    '<label id="1"/>',
    mayReceive('NOTIFY').replace('/>', ' next="2"/>'),
    receive(request).replace('/>', ' next="3"/>'),
    '<label id="2"/>',
    respond(200).replace('<send>', '<send next="1">'),
    '<label id="3"/>',
  ].join('\n');
}

export function pause(ms: number): Step {
  return `<pause milliseconds="${ms}"/>`;
}

/** Hangs up, and has that answered. */
export function callerHangsUp(cseq: number): Step {
  return [callerRequest('BYE', cseq), receive(200)].join('\n');
}

/** Is hung up. */
export function isHungUp(): Step {
  return [receive('BYE'), respond(200)].join('\n');
}

function variableOf(header: string): string {
  return `invite${header}`;
}

function onBranchOf(
  stepsAgo: number,
  method: string,
  toTag: string,
  retransmitted: boolean,
  cseq = 1,
): Step {
  const to = `<sip:[service]@[remote_ip]:[remote_port]>${toTag}`;
  const lines = requestLines(CALLER_FROM, to, `${cseq} ${method}`).map((line) =>
    line.replace('[branch]', `[branch-${stepsAgo}]`),
  );
  const first = `${method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0`;
  return send([first, ...lines], {}, { retransmitted });
}

function requestLines(
  from: string,
  to: string,
  cseq: string,
  routes: readonly string[] = [],
): readonly string[] {
  return [
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]',
    ...routes,
    `From: ${from}`,
    `To: ${to}`,
    'Call-ID: [call_id]',
    `CSeq: ${cseq}`,
    CONTACT,
    'Max-Forwards: 70',
  ];
}

function send(
  lines: readonly string[],
  { headers = [], body = '', contentType = 'application/sdp' }: Extras,
  { retransmitted }: { readonly retransmitted: boolean },
): Step {
  const type = body === '' ? [] : [`Content-Type: ${contentType}`];
  const all = [...lines, ...headers, ...type, 'Content-Length: [len]', '', body];
  return `<send${retransmitted ? ' retrans="500"' : ''}><![CDATA[

${all.join('\n')}
${body === '' ? '\n' : ''}
]]></send>`;
}
