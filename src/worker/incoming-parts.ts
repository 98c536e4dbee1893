import type { SnapshotPart } from '../core/snapshot-parts.ts';

interface IncomingSnapshot {
  readonly revision: number;
  readonly take: (part: SnapshotPart) => void;
  readonly count: number;
  received: number;
  readonly whole: () => void;
}

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

  /** Resolves when all parts have come. If another snapshot begins before that, this promise never resolves. */
  receive(revision: number, count: number, take: (part: SnapshotPart) => void): Promise<void> {
    return new Promise((whole) => {
      this.#incoming = { revision, take, count, received: 0, whole };
      this.#ask(revision, 0);
    });
  }

  add(revision: number, part: SnapshotPart): void {
    const incoming = this.#incoming;
    if (incoming?.revision !== revision) return;
    incoming.take(part);
    incoming.received++;
    if (incoming.received < incoming.count) return this.#ask(revision, incoming.received);
    this.#incoming = null;
    incoming.whole();
  }
}
