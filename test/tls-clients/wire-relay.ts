import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Address } from './secure-client.ts';

/** Called for each connection; the result is called with the bytes of the client, and sends what it wants to the gateway. */
export type Carrier = (gateway: Socket) => (bytes: Buffer) => void;

/** A relay between clients and the gateway. The test decides what happens to the bytes of the clients. */
export class WireRelay {
  carrier: Carrier = whole;
  /** What the gateway has sent on the last connection, if `keepsBytes` was set before that. */
  fromGateway: Buffer = Buffer.alloc(0);
  keepsBytes = false;
  readonly #target: Address;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #closings: (() => void)[] = [];
  #port = 0;

  private constructor(target: Address) {
    this.#target = target;
    // Half-open: each FIN is passed on by itself.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  static async start(target: Address): Promise<WireRelay> {
    const relay = new WireRelay(target);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    relay.#port = (relay.#server.address() as { port: number }).port;
    return relay;
  }

  get address(): Address {
    return { host: '127.0.0.1', port: this.#port };
  }

  /** Resolves when the next client's connection to the gateway has closed: not when one of before closes late. */
  nextClosed(): Promise<void> {
    return new Promise((resolve) => void this.#closings.push(resolve));
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    const gateway = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    const carry = this.carrier(gateway);
    const closings = this.#closings;
    this.#closings = [];
    client.on('data', (bytes: Buffer) => carry(bytes));
    this.fromGateway = Buffer.alloc(0);
    gateway.on('data', (bytes: Buffer) => {
      if (this.keepsBytes) this.fromGateway = Buffer.concat([this.fromGateway, bytes]);
      client.write(bytes);
    });
    client.on('end', () => gateway.end());
    gateway.on('end', () => client.end());
    for (const [one, other] of [
      [client, gateway],
      [gateway, client],
    ] as const) {
      this.#open.add(one);
      one.on('error', () => {}); // 'close' follows.
      one.on('close', () => {
        this.#open.delete(one);
        other.destroy();
      });
    }
    gateway.on('close', () => {
      for (const resolve of closings) resolve();
    });
  }
}

/** Everything as it comes. */
export const whole: Carrier = (gateway) => (bytes) => void gateway.write(bytes);

/** Each byte alone. The gateway has read it before the next one is sent, where both run in one thread. */
export const byteByByte: Carrier = (gateway) => {
  let sending = Promise.resolve();
  return (bytes) => {
    sending = sending.then(async () => {
      for (const byte of bytes) {
        gateway.write(Uint8Array.of(byte));
        await turns();
      }
    });
  };
};

/** The first `count` bytes, and then the end: FIN or RST. */
export function cutAfter(count: number, how: 'fin' | 'reset'): Carrier {
  return (gateway) => {
    let left = count;
    const cut = (): void => {
      left = -1;
      if (how === 'fin') gateway.end();
      // An RST overtakes bytes that the gateway has not read.
      else void turns().then(() => gateway.resetAndDestroy());
    };
    if (count === 0) gateway.once('connect', cut);
    return (bytes) => {
      if (left <= 0) return;
      const part = bytes.subarray(0, left);
      left -= part.length;
      gateway.write(part);
      if (left === 0) cut();
    };
  };
}

/** The first record of the client, its ClientHello, in records of `size` bytes each; the rest as it comes. */
export function helloInRecordsOf(size: number): Carrier {
  return (gateway) => {
    let held: Buffer | null = Buffer.alloc(0);
    return (bytes) => {
      if (held === null) return void gateway.write(bytes);
      held = Buffer.concat([held, bytes]);
      const [, next = null] = recordStarts(held);
      const end = next ?? (isWholeRecord(held) ? held.length : null);
      if (end === null) return;
      gateway.write(Buffer.concat([...recordsOf(held.subarray(0, end), size), held.subarray(end)]));
      held = null;
    };
  };
}

/** Holds everything after the ClientHello until `count` records are there, and sends these at once. */
export function heldUntilRecords(count: number): Carrier {
  return (gateway) => {
    let held = Buffer.alloc(0);
    let isFirst = true;
    return (bytes) => {
      if (isFirst) {
        isFirst = false;
        return void gateway.write(bytes);
      }
      held = Buffer.concat([held, bytes]);
      if (recordStarts(held).length < count || !isWholeRecord(held.subarray(recordStarts(held).at(-1) ?? 0))) return;
      gateway.write(held);
      held = Buffer.alloc(0);
    };
  };
}

const headerBytes = 5;

/** Where the records of TLS begin that these bytes consist of (RFC 8446 §5.1); the last one may be incomplete. */
export function recordStarts(bytes: Buffer): readonly number[] {
  const starts: number[] = [];
  for (let at = 0; at < bytes.length; at += headerBytes + bytes.readUInt16BE(at + 3)) {
    starts.push(at);
    if (bytes.length - at < headerBytes) break;
  }
  return starts;
}

function isWholeRecord(bytes: Buffer): boolean {
  return bytes.length >= headerBytes && bytes.length >= headerBytes + bytes.readUInt16BE(3);
}

/** The body of a record as records of `size` bytes. The session does not notice: it covers messages, not records. */
function recordsOf(record: Buffer, size: number): readonly Buffer[] {
  const body = record.subarray(headerBytes);
  return Array.from({ length: Math.ceil(body.length / size) }, (_, index) => {
    const part = body.subarray(index * size, (index + 1) * size);
    return Buffer.concat([record.subarray(0, 3), Buffer.of(part.length >> 8, part.length & 0xff), part]);
  });
}

/** Long enough for a gateway in the same thread to read what has been written. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn();
}
