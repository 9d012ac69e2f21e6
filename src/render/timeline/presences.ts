type Presence = {
  readonly participantId: string;
  readonly stream: number;
  readonly fromUs: number;
  toUs: number;
};

/** Who was in the call when. */
export class Presences {
  readonly #all: Presence[] = [];

  joined(participantId: string, stream: number, timeUs: number): void {
    this.#all.push({ participantId, stream, fromUs: timeUs, toUs: Infinity });
  }

  left(stream: number, timeUs: number): void {
    const presence = this.#all.findLast((each) => each.stream === stream);
    if (presence !== undefined && presence.toUs > timeUs) presence.toUs = timeUs;
  }

  /** Raw ids of those who were there between two times, in the order in which they first joined. */
  between(fromUs: number, toUs: number): readonly string[] {
    const there = new Set<string>();
    for (const presence of this.#all) {
      if (presence.fromUs < toUs && presence.toUs >= fromUs) there.add(presence.participantId);
    }
    const order = [...new Set(this.#all.map(({ participantId }) => participantId))];
    return order.filter((participantId) => there.has(participantId));
  }
}
