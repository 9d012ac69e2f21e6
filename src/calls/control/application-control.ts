import type {
  AddedParticipant,
  AddParticipant,
  CallControl,
  CancelAddParticipant,
  ConnectCall,
  HoldParticipant,
  MoveParticipants,
  MuteParticipant,
  RemoveParticipant,
  TransferCall,
  UnholdParticipant,
} from '../../core/ports/call-control.ts';
import type { ConnectionProperties, Participant } from '../../core/ports/call-service.ts';
import type { CallLifecycle } from '../call-lifecycle.ts';
import type { Connections } from '../connections.ts';
import type { CallPorts, CallSettings } from '../context.ts';
import type { CallEvents } from '../events/call-events.ts';
import type { InsistentCommit } from '../insistent-commit.ts';
import type { OutgoingCalls } from '../outgoing-calls.ts';
import type { Switchboard } from '../switchboard.ts';
import { Connecting } from './connecting.ts';
import { Holding } from './holding.ts';
import { Invitations } from './invitations.ts';
import { LegMover } from './leg-mover.ts';
import { Moving } from './moving.ts';
import { Operations } from './operations.ts';
import { PhoneTransfers } from './phone-transfers.ts';
import { Roster } from './roster.ts';
import { Transferring } from './transferring.ts';

/** Who is in a call and how: what applications ask for, and phones. */
export class ApplicationControl implements CallControl {
  readonly #connecting: Connecting;
  readonly #invitations: Invitations;
  readonly #roster: Roster;
  readonly #holding: Holding;
  readonly #moving: Moving;
  readonly #transferring: Transferring;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly lifecycle: CallLifecycle;
    readonly connections: Connections;
    readonly outgoing: OutgoingCalls;
    readonly switchboard: Switchboard;
    readonly events: CallEvents;
    readonly insistent: InsistentCommit;
  }) {
    const common = {
      ...parts,
      operations: new Operations(parts),
      mover: new LegMover(parts),
    };
    this.#connecting = new Connecting(common);
    this.#invitations = new Invitations(common);
    this.#roster = new Roster(common);
    this.#holding = new Holding(common);
    this.#moving = new Moving(common);
    this.#transferring = new Transferring(common);
    const transfers = new PhoneTransfers(common);
    parts.lifecycle.onRefer = (call, leg, refer) => {
      transfers.receive(call, leg, refer);
    };
  }

  connect(command: ConnectCall): Promise<ConnectionProperties> {
    return this.#connecting.connect(command);
  }

  addParticipant(command: AddParticipant): Promise<AddedParticipant> {
    return this.#invitations.add(command);
  }

  cancelAddParticipant(command: CancelAddParticipant): Promise<void> {
    return this.#invitations.cancel(command);
  }

  removeParticipant(command: RemoveParticipant): Promise<void> {
    return this.#roster.remove(command);
  }

  muteParticipant(command: MuteParticipant): Promise<void> {
    return this.#roster.mute(command);
  }

  moveParticipants(command: MoveParticipants): Promise<readonly Participant[]> {
    return this.#moving.moveHere(command);
  }

  transfer(command: TransferCall): Promise<void> {
    return this.#transferring.transfer(command);
  }

  hold(command: HoldParticipant): Promise<void> {
    return this.#holding.hold(command);
  }

  unhold(command: UnholdParticipant): Promise<void> {
    return this.#holding.unhold(command);
  }
}
