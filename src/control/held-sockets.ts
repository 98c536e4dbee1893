import type { OwnSocket, PassedSocket } from '../core/passed-socket.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { duplicateSockets, type SocketHandle } from '../transport/duplicate-socket.ts';
import { linkOf, socketLink } from './passed-sockets.ts';
import type { ListeningAddress } from './port-claims.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** The part of a worker that accepts connections, as the main thread sees it. */
export type AcceptingWorker = Pick<WorkerHandle, 'id' | 'state' | 'isSilent' | 'hasSteadilyAnswered' | 'sockets'> &
  Pick<WorkerHandle, 'standIn' | 'standDown'>;

interface HeldSocket {
  /** With the descriptor of the main thread. */
  readonly socket: PassedSocket;
  readonly handle: SocketHandle;
  /** The worker that opened it, or was started for it; null when that one has ended or is retired. */
  owner: AcceptingWorker | null;
  /** Workers that accept connections from it instead of its owner. */
  readonly standIns: Set<AcceptingWorker>;
}

interface HeldSocketsParts {
  readonly clock: Clock;
  /** Workers that may accept instead of another one. */
  readonly workers: () => readonly AcceptingWorker[];
  /** A worker has begun to accept from sockets of another worker (`owner`; null: that worker has ended). */
  readonly onStandInStarted: (standIn: AcceptingWorker, owner: AcceptingWorker | null) => void;
}

/** The child process that duplicates sockets takes 50 ms of a core; a gateway that has just started has other work to do. */
const holdAfterMs = 500;

/** How often to check whether a worker still has to accept for another one. */
const reviewEveryMs = 5_000;

/**
 * A second descriptor, in the main thread, for each listening socket of the workers.
 *
 * The kernel puts new connections into the queues of all sockets that listen at a port, and resets the connections in a queue
 * when its last descriptor closes. With a descriptor in the main thread a queue outlives its worker: another worker
 * accepts from it while its owner does not answer, and the worker that replaces a lost one takes it over.
 *
 * Several workers may accept from the same queue: each connection goes to one of them. So a worker that was only slow
 * goes on accepting, and shares its queue for a while.
 */
export class HeldSockets {
  readonly #parts: HeldSocketsParts;
  readonly #duplicate: typeof duplicateSockets;
  readonly #held = new Map<string, HeldSocket>();
  /** Sockets that workers have opened and that are not duplicated yet. */
  #wanted: { readonly socket: PassedSocket; readonly owner: AcceptingWorker }[] = [];
  #holdTimer: Timer | null = null;
  #reviewTimer: Timer | null = null;
  /** Addresses of the active listeners; null before the first snapshot. */
  #addresses: readonly ListeningAddress[] | null = null;
  #isClosed = false;
  /** Settles when no child process has any of the sockets. */
  #duplicating: Promise<unknown> = Promise.resolve();

  constructor(parts: HeldSocketsParts, duplicate: typeof duplicateSockets = duplicateSockets) {
    this.#parts = parts;
    this.#duplicate = duplicate;
  }

  get sockets(): readonly PassedSocket[] {
    return [...this.#held.values()].map(({ socket }) => socket);
  }

  /** The sockets of `own` that are not held, and all held sockets. */
  joinedWith(own: readonly OwnSocket[]): readonly OwnSocket[] {
    const others = own.filter(({ fd }) => !this.#held.has(linkOf(fd) ?? ''));
    return [...others, ...this.sockets];
  }

  /** Notes which sockets serving workers have open, and duplicates the new ones soon. */
  note(workers: readonly AcceptingWorker[]): void {
    if (this.#isClosed) return;
    for (const owner of workers) {
      for (const socket of owner.sockets) {
        const link = socketLink(socket.fd);
        const isKnown = link === null || this.#held.has(link) || this.#wanted.some((one) => one.socket.link === link);
        if (!isKnown) this.#wanted.push({ socket: { ...socket, link }, owner });
      }
    }
    if (this.#wanted.length === 0 || this.#holdTimer !== null) return;
    const { clock } = this.#parts;
    this.#holdTimer = clock.schedule(after(clock.now(), holdAfterMs), holdIsDue, this as HeldSockets);
  }

  /** Duplicates the sockets that are not duplicated yet. Never rejects; a socket that cannot be duplicated ends with its worker. */
  async hold(): Promise<void> {
    this.#holdTimer?.cancel();
    this.#holdTimer = null;
    const wanted = this.#wanted.filter(({ socket: { fd, link } }) => linkOf(fd) === link);
    this.#wanted = [];
    if (wanted.length === 0) return;
    const duplicating = this.#duplicate(wanted.map(({ socket }) => socket.fd));
    this.#duplicating = duplicating;
    const duplicates = await duplicating;
    for (const [at, { socket, owner }] of wanted.entries()) {
      const handle = duplicates[at];
      if (handle === undefined || 'errno' in handle) continue;
      // The worker may have closed it meanwhile, and its descriptor may be another socket by now.
      const isSame = linkOf(handle.fd) === socket.link;
      if (this.#isClosed || !isSame || !this.#isWanted(socket)) handle.close();
      else {
        const ownerNow = owner.state === 'serving' ? owner : null;
        const held = { socket: { ...socket, fd: handle.fd }, handle, owner: ownerNow, standIns: new Set<never>() };
        this.#held.set(socket.link, held);
      }
    }
    this.acceptForAbsentWorkers();
  }

  /**
   * The sockets without an owner, for `count` workers that are about to start. Each worker gets its share of the
   * sockets at an address, as if `wanted` workers ran.
   */
  distribute(count: number, wanted: number): readonly (readonly PassedSocket[])[] {
    const shares = Array.from({ length: count }, (): PassedSocket[] => []);
    const byAddress = Map.groupBy(this.#held.values(), ({ socket: { host, port } }) => `${host}:${port}`);
    for (const held of byAddress.values()) {
      const free = held.filter(({ owner }) => owner === null).map(({ socket }) => socket);
      const share = Math.ceil(held.length / Math.max(1, wanted));
      for (const [at, socket] of free.slice(0, share * count).entries()) shares[at % count]?.push(socket);
    }
    return shares;
  }

  /** The worker that was started for these sockets accepts from them. */
  onAdopted(owner: AcceptingWorker, sockets: readonly PassedSocket[]): void {
    for (const { link } of sockets) {
      const held = this.#held.get(link);
      if (held === undefined || owner.state !== 'serving') continue;
      held.owner = owner;
      // The worker that stands in goes on until the new owner has shown that it answers.
      if (held.standIns.size > 0) this.#reviewLater();
    }
  }

  /** A worker no longer accepts from any socket, or will stop soon. */
  forget(worker: AcceptingWorker): void {
    this.#wanted = this.#wanted.filter(({ owner }) => owner !== worker);
    for (const held of this.#held.values()) {
      held.standIns.delete(worker);
      if (held.owner === worker) held.owner = null;
    }
  }

  /** A worker cannot duplicate the socket: another one may be able to. */
  onStandInFailed(worker: AcceptingWorker, link: string): void {
    const held = this.#held.get(link);
    if (held === undefined) return;
    held.standIns.delete(worker);
    if (held.owner === worker) held.owner = null;
    this.#reviewLater();
  }

  /** Makes a worker that answers accept from every socket, if there is such a worker. */
  acceptForAbsentWorkers(): void {
    // A worker has a socket for each listener, and may stand in at all of them.
    const begun = new Map<AcceptingWorker, Set<AcceptingWorker | null>>();
    for (const held of this.#held.values()) {
      if (acceptorsOf(held).some(isAnswering)) continue;
      const standIn = this.#leastBusy(this.#parts.workers().filter(isAnswering));
      if (standIn === null) continue;
      held.standIns.add(standIn);
      standIn.standIn(held.socket);
      begun.set(standIn, (begun.get(standIn) ?? new Set()).add(held.owner));
      this.#reviewLater();
    }
    for (const [standIn, owners] of begun) for (const owner of owners) this.#parts.onStandInStarted(standIn, owner);
  }

  /** Closes sockets at addresses that the configuration no longer has. */
  closeAllBut(addresses: readonly ListeningAddress[]): void {
    this.#addresses = addresses;
    this.#wanted = this.#wanted.filter(({ socket }) => this.#isWanted(socket));
    for (const [link, { socket, handle }] of this.#held) {
      if (this.#isWanted(socket)) continue;
      handle.close();
      this.#held.delete(link);
    }
  }

  #isWanted({ host, port }: ListeningAddress): boolean {
    return this.#addresses === null || this.#addresses.some((other) => other.host === host && other.port === port);
  }

  /**
   * Closes all sockets for good: from now on a queue ends with the last worker that accepts from it. Resolves when
   * no child process has any of the sockets either; until then the kernel queues connections that no worker will
   * accept.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.closeAllBut([]);
    this.#holdTimer?.cancel();
    this.#reviewTimer?.cancel();
    await this.#duplicating;
  }

  #reviewLater(): void {
    const { clock } = this.#parts;
    this.#reviewTimer?.cancel();
    if (this.#isClosed) return;
    this.#reviewTimer = clock.schedule(after(clock.now(), reviewEveryMs), reviewIsDue, this as HeldSockets);
  }

  /** Called by the timer alone: stands down workers that are no longer needed. */
  review(): void {
    for (const held of this.#held.values()) {
      const steady = acceptorsOf(held).find((worker) => worker.hasSteadilyAnswered);
      for (const standIn of steady === undefined ? [] : [...held.standIns]) {
        if (standIn === steady) continue;
        standIn.standDown(held.socket.link);
        held.standIns.delete(standIn);
      }
    }
    this.acceptForAbsentWorkers();
    const isShared = [...this.#held.values()].some(({ owner, standIns }) => standIns.size > (owner === null ? 1 : 0));
    if (isShared) this.#reviewLater();
  }

  /** The worker that accepts from the fewest sockets. */
  #leastBusy(workers: readonly AcceptingWorker[]): AcceptingWorker | null {
    const all = [...this.#held.values()];
    const load = (worker: AcceptingWorker): number => all.filter((held) => acceptorsOf(held).includes(worker)).length;
    return workers.toSorted((a, b) => load(a) - load(b))[0] ?? null;
  }
}

function acceptorsOf({ owner, standIns }: HeldSocket): readonly AcceptingWorker[] {
  return owner === null ? [...standIns] : [owner, ...standIns];
}

function isAnswering({ state, isSilent }: AcceptingWorker): boolean {
  return state === 'serving' && !isSilent;
}

function holdIsDue(held: HeldSockets): void {
  void held.hold();
}

function reviewIsDue(held: HeldSockets): void {
  held.review();
}
