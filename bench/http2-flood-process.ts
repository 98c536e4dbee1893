import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate as turnOfLoop, setTimeout as passTime } from 'node:timers/promises';
import { RawClient } from '../src/testing/testing.ts';
import { FloodedEndpoints, type FloodedPorts } from '../test/http2/flooded-gateway.ts';
import { type Flood, floods, steadyFloods } from '../test/http2/floods.ts';
import { Http2Load } from '../test/http2/http2-load.ts';
import { RawHttp2 } from '../test/http2/raw-http2.ts';

// The flood's side of `http2-floods.ts`, forked: its work is not the quiet client's. The endpoints run here too.

export const allFloods: readonly Flood<Http2Limit>[] = [...floods, ...steadyFloods];
type Http2Limit = (typeof floods)[number]['limit'] | null;

/** To the process. `flood`: an index of `allFloods`; 'requests': an honest client that sends as many as it may. */
export interface Attack {
  readonly flood: number | 'requests';
  readonly port: number;
  readonly ms: number;
  /** The first three parts of the client's address: the gateway lets the next connections of an address that floods wait. */
  readonly network: string;
}

/** From the process: at its start, when an attack has begun, and when it is over. */
export type Report =
  | { readonly kind: 'ready'; readonly endpoints: FloodedPorts; readonly otherServer: number }
  | { readonly kind: 'begun' }
  | { readonly kind: 'over'; readonly thrownOut: number };

/** Frames of a flood between two turns of its event loop. */
const framesAtOnce = 20;

/** Floods until the time is over. Returns how often it was thrown out. */
async function attack(index: number, port: number, network: string, end: number): Promise<number> {
  const { begin = [], goOn } = allFloods[index] as Flood<Http2Limit>;
  const localAddress = `${network}.${index + 1}`;
  const host = '127.0.0.1';
  const open = (): Socket => connect({ host, port, localAddress, allowHalfOpen: true, noDelay: true });
  let thrownOut = 0;
  let line: RawHttp2 | null = null;
  for (let turn = 0; performance.now() < end; turn++) {
    if (line === null) {
      turn = 0;
      line = new RawHttp2(new RawClient({ host, port, open }));
      line.begin();
      line.send(...begin);
    }
    const frames = Array.from({ length: framesAtOnce }, (_, count) => goOn(turn * framesAtOnce + count));
    line.send(...frames);
    // A flood that has nothing more to send must not take a processor from the gateway.
    await (frames.every(({ length }) => length === 0) ? passTime(1) : turnOfLoop());
    await line.until(() => true);
    line.forget();
    // What the kernel does not take would fill the memory of this process.
    while (line.client.unsentBytes > unsentMax && !line.hasEnded && performance.now() < end) await passTime(1);
    if (!line.hasEnded) continue;
    thrownOut++;
    line.close();
    line = null;
  }
  line?.close();
  return thrownOut;
}

const unsentMax = 1 << 20;

async function request(port: number, ms: number): Promise<number> {
  const load = new Http2Load(() => `http://127.0.0.1:${port}`, '/', 1, 100);
  await passTime(ms);
  const { failed } = await load.stop();
  return failed.length;
}

/** Another program that is flooded: it reads and forgets. */
async function otherServer(): Promise<Server> {
  const server = createServer((socket) => void socket.on('error', () => {}).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const report = (message: Report): void => void process.send?.(message);

async function run({ flood, port, ms, network }: Attack): Promise<void> {
  report({ kind: 'begun' });
  const end = performance.now() + ms;
  const thrownOut = flood === 'requests' ? await request(port, ms) : await attack(flood, port, network, end);
  report({ kind: 'over', thrownOut });
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  const endpoints = await new FloodedEndpoints().listen();
  const { port } = (await otherServer()).address() as { port: number };
  report({ kind: 'ready', endpoints, otherServer: port });
  process.on('message', (message) => void run(message as Attack));
  process.on('disconnect', () => process.exit());
}
