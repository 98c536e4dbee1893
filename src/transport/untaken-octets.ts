import { createReadStream } from 'node:fs';
import type { TransportFacts } from '../core/transport.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { UntakenOctets, UntakenWaiter } from '../core/untaken-octets.ts';

/**
 * The system's tables of connections are read whole, which with 10,000 connections costs some 10 ms of another thread and
 * as much of this one. Once a second is often enough for those who ask: they wait for slow clients.
 */
const readEveryMs = 1000;

/** Some 400 connections, half a millisecond: between two pieces other clients have their turn. */
const pieceOctets = 64 * 1024;

/** Where Linux shows the connections of this network namespace. Others have no such files, and nothing is known there. */
const tables = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/**
 * What the kernel keeps of connections because the peer has not acknowledged it: sent and on its way, or not sent yet.
 * Node has no such look, and the kernel says of itself that it has room only when a third of it is free.
 */
export class KernelQueues implements UntakenOctets {
  readonly #clock: Clock;
  readonly #read: ReadTable;
  #waiting: { readonly key: string; readonly waiter: UntakenWaiter }[] = [];
  #readAt: Instant | null = null;
  #isDue = false;

  constructor(clock: Clock, read: ReadTable = readTable) {
    this.#clock = clock;
    this.#read = read;
  }

  /** Tells `waiter` within some `readEveryMs` how many octets wait for the connection's peer; null where it is not known. */
  look(facts: TransportFacts, waiter: UntakenWaiter): void {
    this.#waiting.push({ key: keyOf(facts), waiter });
    if (this.#isDue) return;
    this.#isDue = true;
    const now = this.#clock.now();
    const earliest = this.#readAt === null ? now : after(this.#readAt, readEveryMs);
    this.#clock.schedule(earliest > now ? earliest : now, readDue, this as KernelQueues);
  }

  /** For the timer alone. */
  async readNow(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#readAt = this.#clock.now();
    this.#isDue = false;
    const queues = new Map<string, number>(waiting.map(({ key }) => [key, -1]));
    for (const path of tables) await this.#noteTable(path, queues);
    for (const { key, waiter } of waiting) {
      const octets = queues.get(key) ?? -1;
      waiter.onUntaken(octets < 0 ? null : octets);
    }
  }

  /** What cannot be read says nothing. */
  async #noteTable(path: string, queues: Map<string, number>): Promise<void> {
    let rest = '';
    try {
      for await (const piece of this.#read(path)) {
        const text = rest + piece;
        const end = text.lastIndexOf('\n') + 1;
        noteQueues(text.slice(0, end), queues);
        rest = text.slice(end);
      }
    } catch {
      // A system without such tables.
    }
  }
}

/** A table, piece by piece. */
export type ReadTable = (path: string) => AsyncIterable<string>;

function readDue(queues: KernelQueues): void {
  void queues.readNow();
}

function readTable(path: string): AsyncIterable<string> {
  return createReadStream(path, { encoding: 'latin1', highWaterMark: pieceOctets });
}

/**
 * Notes what whole lines say.
 *
 * `  12: 0100007F:1F90 0100007F:C350 01 00028000:00000000 …`: addresses as the words of the machine's memory, ports, the
 * state, and what waits to be taken by the peer before the colon.
 */
function noteQueues(table: string, queues: Map<string, number>): void {
  for (let line = 0; line < table.length; line = table.indexOf('\n', line) + 1) {
    const local = table.indexOf(': ', line) + 2;
    const localEnd = table.indexOf(' ', local);
    const remoteEnd = table.indexOf(' ', localEnd + 1);
    if (local < 2 || localEnd < 0 || remoteEnd < 0) continue;
    const key = keyOfLine(table, local, localEnd, remoteEnd);
    if (queues.has(key)) queues.set(key, Number.parseInt(table.slice(remoteEnd + 4, remoteEnd + 12), 16));
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

/** Each word of four octets as a number of this machine, which on all that Node runs on has its lowest octet first. */
function wordsOf(address: string): string {
  const octets = address.includes(':') ? octetsOfIpv6(address) : address.split('.').map(Number);
  const words: string[] = [];
  for (let at = 0; at < octets.length; at += 4)
    words.push(
      ...octets
        .slice(at, at + 4)
        .toReversed()
        .map(hexOf),
    );
  return words.join('');
}

function hexOf(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}

/** As the system writes them: no dotted part that is not mapped, and mapped ones have been unwrapped. */
function octetsOfIpv6(address: string): number[] {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const behind = tail === undefined ? [] : groups(tail);
  const zeros = new Array<number>(Math.max(0, 8 - before.length - behind.length)).fill(0);
  return [...before, ...zeros, ...behind].flatMap((group) => [group >> 8, group & 255]);
}
