/**
 * One transport over Bun's sockets, moved from outside: a line of JSON on standard input says what to do, one on
 * standard output what came of it. The other end of the connection is then Node's, whose sockets are known.
 */
import { createHash } from 'node:crypto';
import type { ConnectTarget } from '../../src/core/connector.ts';
import type { Transport } from '../../src/core/transport.ts';
import { bunConnector } from './bun-connect.ts';
import { bunListen } from './bun-listen.ts';
import type { Order, State } from './puppet-orders.ts';
import { pattern } from './puppet-orders.ts';

let transport: Transport | null = null;
let written: () => void = () => {};
let heard = freshlyHeard();

function freshlyHeard() {
  return {
    digest: createHash('sha256'),
    bytes: 0,
    ended: false,
    written: 0,
    closings: 0,
    errno: 'open' as string | null,
  };
}

let manners: 'plain' | 'changes its mind' | 'pauses' = 'plain';
let deliveries = 0;
let calls = 0;
/** A call to our listener from within a call to the transport. */
let nested = 0;

function take(opened: Transport): void {
  transport = opened;
  heard = freshlyHeard();
  deliveries = 0;
  nested = 0;
  opened.listener = {
    onBytes(bytes, start, end) {
      noteNesting();
      heard.digest.update(bytes.subarray(start, end));
      heard.bytes += end - start;
      deliveries++;
      if (manners === 'changes its mind') opened.readInBulk(deliveries % 3 !== 0);
      if (manners === 'pauses') opened.pause();
    },
    onEnd() {
      noteNesting();
      heard.ended = true;
    },
    onWritten() {
      noteNesting();
      heard.written++;
      written();
    },
    onClosed(errno) {
      noteNesting();
      heard.closings++;
      heard.errno = errno;
      written();
    },
  };
}

function noteNesting(): void {
  if (calls > 0) nested++;
}

function call<T>(what: (on: Transport) => T): T {
  if (transport === null) throw new Error('there is no connection yet');
  calls++;
  try {
    return what(transport);
  } finally {
    calls--;
  }
}

type ToObey = { readonly [K in Order['do']]: (order: Extract<Order, { readonly do: K }>) => unknown };

const obeying: ToObey = {
  listen: () => bunListen(0, take).port,
  manners: (order) => void (manners = order.as),
  connect: (order) => connectTo(order.to),
  send: (order) => send(order),
  state,
  pause: () => call((on) => on.pause()),
  resume: () => call((on) => on.resume()),
  end: () => call((on) => on.end()),
  close: (order) => call((on) => on.close(order.how)),
  'end and close': (order) =>
    call((on) => {
      on.end();
      on.close(order.how);
    }),
  'write and take back': (order) =>
    call((on) => {
      const bytes = pattern(order.bytes, order.salt);
      on.write(bytes, 0, bytes.length, 'borrowed');
      return on.reclaimUnsent().length;
    }),
  'is quiet': () => call((on) => on.isQuiet()),
  // As where garbage is collected, or a record is composed: the world goes on and the loop does not.
  'sleep, then send': (order) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms);
    return send(order);
  },
};

function connectTo(to: ConnectTarget): Promise<string> {
  return new Promise((resolve) => {
    bunConnector.connect(to, {
      onTransportConnected() {},
      onConnected(opened) {
        take(opened);
        resolve('connected');
      },
      onConnectFailed: (fault) => resolve(fault.code),
    });
  });
}

/** Returns how many writes said that bytes are pending. */
async function send(order: Extract<Order, { bytes: number; piece: number }>): Promise<number> {
  const all = pattern(order.bytes, order.salt);
  const shared = Buffer.alloc(order.piece);
  let refused = 0;
  for (let at = 0; at < all.length; at += order.piece) {
    const end = Math.min(at + order.piece, all.length);
    const borrowed = order.ownership === 'borrowed';
    if (borrowed) shared.set(all.subarray(at, end));
    const wait = new Promise<void>((resolve) => (written = resolve));
    const taken = call((on) =>
      borrowed ? on.write(shared, 0, end - at, 'borrowed') : on.write(all, at, end, 'owned'),
    );
    if (borrowed) shared.fill(0xdb);
    if (taken) continue;
    refused++;
    if (order.waits) await wait;
  }
  return refused;
}

function state(): State {
  const { digest, ...rest } = heard;
  const { pendingBytes, sentBytes } = call(({ pendingBytes, sentBytes }) => ({ pendingBytes, sentBytes }));
  return { ...rest, digest: digest.copy().digest('hex'), pendingBytes, sentBytes, nested };
}

let text = '';
process.stdin.setEncoding('utf8').on('data', (some: string) => {
  const lines = (text + some).split('\n');
  text = lines.pop() ?? '';
  for (const line of lines) void obey(JSON.parse(line) as Order);
});
process.stdin.on('end', () => process.exit(0));

async function obey(order: Order): Promise<void> {
  const answer = await (obeying[order.do] as (order: Order) => unknown)(order);
  process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
}
