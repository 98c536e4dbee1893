import { closeSync, openSync, readSync } from 'node:fs';
import type { TransportFacts } from '../core/transport.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { SendQueueBytes, SendQueueWaiter } from '../core/send-queue-bytes.ts';

// Why /proc: Node has no call for SIOCOUTQ or TCP_INFO, netlink (sock_diag) and ioctl need native code, and `ss` reads the same
// numbers in a process of its own. Without the numbers, a client that reads slowly looks like one that reads nothing,
// since the kernel reports room only when a third of its buffer is free (ADR 5).
//
// The tables are read whole: 4 µs a line, most of it in the kernel, which gives 4 KiB at a time however much it is asked for.
// Measured with 10,000 lines: 36 ms in this thread. A stream of Node's takes 130 ms and leaves 24 MB of garbage, so that V8
// ran a full collection three times a second.

/** The waiters are timeouts of slow clients: once a second is often enough. */
const readEveryMs = 1000;

/** Limits readings to a fiftieth of a worker's time: the pause after one is fifty times as long as it took. */
const restPerCost = 50;

/** Some 100 lines, half a millisecond. Other connections have their turn between two slices. */
const sliceBytes = 16 * 1024;

/** The connections of this network namespace, on Linux. Other systems have no such files: there the numbers are unknown. */
const tables = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/** Looks up how many bytes the kernel still holds for connections: not sent yet, or sent and not acknowledged. */
export class KernelSendQueues implements SendQueueBytes {
  readonly #clock: Clock;
  readonly #read: ReadTable;
  #waiters: { readonly key: string; readonly waiter: SendQueueWaiter }[] = [];
  /** Null before the first reading. */
  #nextAt: Instant | null = null;
  /** A reading is scheduled or in progress. */
  #isDue = false;

  constructor(clock: Clock, read: ReadTable = readTable) {
    this.#clock = clock;
    this.#read = read;
  }

  /** Calls `waiter` when the tables have been read next: with the bytes that wait for the peer, or null where they are unknown. */
  look(facts: TransportFacts, waiter: SendQueueWaiter): void {
    this.#waiters.push({ key: keyOf(facts), waiter });
    if (!this.#isDue) this.#readSoon();
  }

  #readSoon(): void {
    this.#isDue = true;
    this.#clock.schedule(this.#nextAt ?? this.#clock.now(), readDue, this as KernelSendQueues);
  }

  /** For the timer alone. */
  async readNow(): Promise<void> {
    const waiters = this.#waiters;
    this.#waiters = [];
    const startedAt = this.#clock.now();
    const queues = new Map<string, number | null>(waiters.map(({ key }) => [key, null]));
    const costMs = await this.#noteTables(queues);
    this.#nextAt = after(startedAt, Math.max(readEveryMs, costMs * restPerCost));
    this.#isDue = false;
    for (const { key, waiter } of waiters) waiter.onSendQueueBytes(queues.get(key) ?? null);
    if (this.#waiters.length > 0 && !this.#isDue) this.#readSoon();
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.schedule(this.#clock.now(), resolve, undefined);
    });
  }

  /** Returns how long the reading took, without the turns of others between slices. A table that cannot be read is skipped. */
  async #noteTables(queues: Map<string, number | null>): Promise<number> {
    const search: TableSearch = { queues, missing: queues.size, rest: '' };
    let costMs = 0;
    for (const path of tables) {
      const slices = this.#read(path);
      search.rest = '';
      for (let goesOn = search.missing > 0; goesOn; await this.#nextTurn()) {
        const startedAt = this.#clock.now();
        goesOn = noteSlice(slices.next().value, search) && search.missing > 0;
        costMs += this.#clock.now() - startedAt;
      }
      slices.return(undefined);
    }
    return costMs;
  }
}

interface TableSearch {
  readonly queues: Map<string, number | null>;
  missing: number;
  /** The beginning of a line whose end has not been read. */
  rest: string;
}

/** Returns whether there may be more. */
function noteSlice(slice: string | undefined, search: TableSearch): boolean {
  if (slice === undefined) return false;
  const text = search.rest + slice;
  const end = text.lastIndexOf('\n') + 1;
  noteQueues(text.slice(0, end), search);
  search.rest = text.slice(end);
  return true;
}

/** A table, slice by slice; nothing where the system has none. */
type ReadTable = (path: string) => Generator<string, undefined>;

function readDue(queues: KernelSendQueues): void {
  void queues.readNow();
}

function* readTable(path: string): Generator<string, undefined> {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, 'r');
    let hasEnded = false;
    while (!hasEnded) {
      let length = 0;
      while (length < sliceBytes && !hasEnded) {
        const wanted = sliceBytes - length;
        const come = readSync(descriptor, slice, length, wanted, null);
        length += come;
        hasEnded = come < Math.min(wanted, pageBytes) - lineBytesMax;
      }
      yield slice.toString('latin1', 0, length);
    }
  } catch {
    // The system has no such table.
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

const slice = Buffer.allocUnsafeSlow(sliceBytes);

/** The kernel returns as many whole lines as fit a page. A further read, which returns nothing, would search the whole table. */
const pageBytes = 4096;
const lineBytesMax = 256;

/**
 * Notes the queue of each connection that is looked for.
 *
 * `  12: 0100007F:1F90 0100007F:C350 01 00028000:00000000 …`: addresses as words in the machine's byte order, ports, the
 * state, and before the next colon the bytes that the peer has not acknowledged.
 */
function noteQueues(table: string, search: TableSearch): void {
  const { queues } = search;
  for (let line = 0; line < table.length; line = table.indexOf('\n', line) + 1) {
    const local = table.indexOf(': ', line) + 2;
    const localEnd = table.indexOf(' ', local);
    const remoteEnd = table.indexOf(' ', localEnd + 1);
    if (local < 2 || localEnd < 0 || remoteEnd < 0) continue;
    const key = keyOfLine(table, local, localEnd, remoteEnd);
    if (queues.get(key) !== null) continue;
    queues.set(key, Number.parseInt(table.slice(remoteEnd + 4, remoteEnd + 12), 16));
    search.missing--;
  }
}

/** In a table of IPv6, addresses of IPv4 stand in their last word. */
function keyOfLine(table: string, local: number, localEnd: number, remoteEnd: number): string {
  const key = table.slice(local, remoteEnd);
  const isMapped = localEnd - local > 13 && key.startsWith(mapped) && key.startsWith(mapped, localEnd - local + 1);
  return isMapped ? `${key.slice(24, localEnd - local)} ${key.slice(localEnd - local + 25)}` : key;
}

/** ::ffff:0:0/96 in words. */
const mapped = '0000000000000000FFFF0000';

function keyOf({ localAddress, localPort, remoteAddress, remotePort }: TransportFacts): string {
  return `${wordsOf(localAddress)}:${portOf(localPort)} ${wordsOf(remoteAddress)}:${portOf(remotePort)}`;
}

function portOf(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

/** Each word of four bytes as a number of this machine; every machine that Node runs on is little-endian. */
function wordsOf(address: string): string {
  const bytes = address.includes(':') ? bytesOfIpv6(address) : address.split('.').map(Number);
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 4)
    words.push(
      ...bytes
        .slice(at, at + 4)
        .toReversed()
        .map(hexOf),
    );
  return words.join('');
}

function hexOf(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

/** Of an address as the system writes it: mapped addresses have been unwrapped, and no other has a dotted part. */
function bytesOfIpv6(address: string): number[] {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const behind = tail === undefined ? [] : groups(tail);
  const zeros = new Array<number>(Math.max(0, 8 - before.length - behind.length)).fill(0);
  return [...before, ...zeros, ...behind].flatMap((group) => [group >> 8, group & 255]);
}
