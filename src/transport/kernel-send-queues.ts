import { closeSync, openSync, readSync } from 'node:fs';
import type { TransportFacts } from '../core/transport.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { SendQueueBytes, SendQueueWaiter } from '../core/send-queue-bytes.ts';

// The system's tables of connections are read whole: 4 µs for each line, most of it in the kernel, which gives 4 KiB at a
// time however much it is asked for. Measured with 10,000 lines: 36 ms in this thread, and a stream of Node's takes 130 ms
// and leaves 24 MB behind, so that V8 collected all garbage three times a second.

/** Once a second is often enough for those who ask: they wait for slow clients. */
const readEveryMs = 1000;

/** Of a worker's time, for the largest tables: between two readings fifty times as long passes as one has cost. */
const restPerCost = 50;

/** Some 100 lines, half a millisecond: between two pieces other clients have their turn. */
const sliceBytes = 16 * 1024;

/** Where Linux shows the connections of this network namespace. Others have no such files, and nothing is known there. */
const tables = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/**
 * What the kernel keeps of connections because the peer has not acknowledged it: sent and on its way, or not sent yet.
 * Node has no such look, and the kernel says of itself that it has room only when a third of it is free.
 */
export class KernelSendQueues implements SendQueueBytes {
  readonly #clock: Clock;
  readonly #read: ReadTable;
  #waiters: { readonly key: string; readonly waiter: SendQueueWaiter }[] = [];
  /** Null before the first reading. */
  #nextAt: Instant | null = null;
  /** Or under way. */
  #isDue = false;

  constructor(clock: Clock, read: ReadTable = readTable) {
    this.#clock = clock;
    this.#read = read;
  }

  /** Tells `waiter` when the tables are next read how many bytes wait for the connection's peer; null where it is not known. */
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

  /** How long it took, without what came between the pieces. What cannot be read says nothing. */
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
  /** A line that has not come whole. */
  rest: string;
}

/** Whether there may be more. */
function noteSlice(slice: string | undefined, search: TableSearch): boolean {
  if (slice === undefined) return false;
  const text = search.rest + slice;
  const end = text.lastIndexOf('\n') + 1;
  noteQueues(text.slice(0, end), search);
  search.rest = text.slice(end);
  return true;
}

/** A table, piece by piece; nothing where the system has none. */
export type ReadTable = (path: string) => Generator<string, undefined>;

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
    // A system without such tables.
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

const slice = Buffer.allocUnsafeSlow(sliceBytes);

/** The kernel gives as many whole lines as a page has room for. To be told that there are none left costs a search of all. */
const pageBytes = 4096;
const lineBytesMax = 256;

/**
 * Notes what whole lines say.
 *
 * `  12: 0100007F:1F90 0100007F:C350 01 00028000:00000000 …`: addresses as the words of the machine's memory, ports, the
 * state, and what waits to be taken by the peer before the colon.
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

/** Each word of four bytes as a number of this machine, which on all that Node runs on has its lowest byte first. */
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

/** As the system writes them: no dotted part that is not mapped, and mapped ones have been unwrapped. */
function bytesOfIpv6(address: string): number[] {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const behind = tail === undefined ? [] : groups(tail);
  const zeros = new Array<number>(Math.max(0, 8 - before.length - behind.length)).fill(0);
  return [...before, ...zeros, ...behind].flatMap((group) => [group >> 8, group & 255]);
}
