import type { SnapshotPart } from '../core/snapshot-parts.ts';

interface IncomingSnapshot {
  readonly revision: number;
  readonly take: TakePart;
  readonly count: number;
  received: number;
  readonly whole: PromiseWithResolvers<void>;
}

/** A promise: the next part must wait for it. */
type TakePart = (part: SnapshotPart) => Promise<void> | null;

/**
 * Receives a snapshot in parts. The worker asks for a part when it has taken the previous one, so that requests get their
 * turns in between.
 */
export class IncomingParts {
  readonly #ask: (revision: number, index: number) => void;
  #incoming: IncomingSnapshot | null = null;

  constructor(ask: (revision: number, index: number) => void) {
    this.#ask = ask;
  }

  /** Resolves when all parts have come; rejects where one cannot be taken. If another snapshot begins before that, it does neither. */
  receive(revision: number, count: number, take: TakePart): Promise<void> {
    const whole = Promise.withResolvers<void>();
    this.#incoming = { revision, take, count, received: 0, whole };
    this.#ask(revision, 0);
    return whole.promise;
  }

  add(revision: number, part: SnapshotPart): void {
    const incoming = this.#incoming;
    if (incoming?.revision !== revision) return;
    const taking = incoming.take(part);
    if (taking === null) this.#taken(incoming);
    else taking.then(() => this.#taken(incoming), incoming.whole.reject);
  }

  #taken(incoming: IncomingSnapshot): void {
    if (this.#incoming !== incoming) return;
    const { revision } = incoming;
    incoming.received++;
    if (incoming.received < incoming.count) return this.#ask(revision, incoming.received);
    this.#incoming = null;
    incoming.whole.resolve();
  }
}
