import { words } from './arguments.ts';
import { adminClient, show, type VerbContext } from './verb.ts';

export async function startSimulatedCall(context: VerbContext): Promise<void> {
  const names = ['name of the simulated phone', 'number, user or SIP URI to call'];
  const [phone = '', to = ''] = words(context.arguments.positional, names);
  const answer = (await adminClient(context).ask('POST', '/admin/sim/calls', { phone, to })) as {
    callId: string;
  };
  show(context, answer, ({ callId }) => `${phone} calls ${to} (Call-ID ${callId})\n`);
}
