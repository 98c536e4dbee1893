import type { Socket } from 'node:net';
import type { AdminRole } from '../core/admin-roles.ts';

/** How many readers may follow events or the status at the same time: dashboards and terminals. Each needs a connection. */
const followersMax = 32;
/** How many of them may have the role `read`: the rest is for operators. */
const readersMax = 24;

interface Stoppable {
  stop(): void;
}

/** Who follows a stream. */
interface Follower {
  readonly socket: Socket;
  readonly role: AdminRole | null;
}

/** The streams of events and of the status of one listener. */
export class Followers {
  readonly #streams = new Map<Stoppable, Follower>();

  /** Null, or a sentence that says why there may be no further stream. */
  add(stream: Stoppable, follower: Follower): string | null {
    const isFull = this.#streams.size >= followersMax;
    if (isFull || (follower.role !== 'operate' && this.#readers >= readersMax))
      return `${isFull ? followersMax : readersMax} readers already follow events, which is the maximum${isFull ? '' : ' for the role read'}.`;
    this.#streams.set(stream, follower);
    return null;
  }

  remove(stream: Stoppable): void {
    this.#streams.delete(stream);
  }

  /** Ends the streams on these connections; without `sockets` all streams. */
  stop(sockets?: ReadonlySet<Socket>): void {
    for (const [stream, { socket }] of this.#streams) if (sockets?.has(socket) !== false) stream.stop();
  }

  get #readers(): number {
    return [...this.#streams.values()].filter(({ role }) => role !== 'operate').length;
  }
}
