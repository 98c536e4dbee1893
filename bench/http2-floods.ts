import { once } from 'node:events';
import { setImmediate as turnOfLoop, setTimeout as passTime } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { RawClient } from '../src/testing/testing.ts';
import { FloodedGateway, QuietClient } from '../test/http2/flooded-gateway.ts';
import { type Flood, floods } from '../test/http2/floods.ts';
import { RawHttp2 } from '../test/http2/raw-http2.ts';
import { toolOptions } from '../test/tool-options.ts';

const usage = `usage: npm run bench:http2-floods -- [--seconds=3]

What a client of HTTP/2 waits for a small response while another client floods the same worker and reconnects each time it is thrown out:
the median and the 99th percentile, each beside that of the moment before the flood. Gateway, flood and quiet client are
three threads: with fewer cores they also wait for each other.

  --seconds=N  for each measurement
  --help

example: npm run bench:http2-floods -- --seconds=1
`;

/** Frames of a flood between two turns of its event loop. */
const framesAtOnce = 20;

interface Attack {
  readonly port: number;
  readonly flood: number;
  readonly ms: number;
}

/** Floods until the time is over. Returns how often it was thrown out. */
async function attack({ port, flood: index, ms }: Attack): Promise<number> {
  const { begin = [], goOn } = floods[index] as Flood;
  const end = performance.now() + ms;
  let thrownOut = 0;
  let line: RawHttp2 | null = null;
  for (let turn = 0; performance.now() < end; turn++) {
    if (line === null) {
      turn = 0;
      line = new RawHttp2(new RawClient({ host: '127.0.0.1', port }));
      line.begin();
      line.send(...begin);
    }
    for (let count = 0; count < framesAtOnce; count++) line.send(goOn(turn * framesAtOnce + count));
    await turnOfLoop();
    await line.until(() => true);
    line.forget();
    if (!line.hasEnded) continue;
    thrownOut++;
    line.close();
    line = null;
  }
  line?.close();
  return thrownOut;
}

interface Waited {
  readonly p50: number;
  readonly p99: number;
}

async function waitedFor(gateway: FloodedGateway, ms: number): Promise<Waited> {
  const quiet = new QuietClient(gateway.connect());
  const end = performance.now() + ms;
  while (performance.now() < end) {
    await quiet.ask();
    await passTime(1);
  }
  quiet.close();
  const sorted = quiet.tookMs.slice(10).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

async function run(seconds: number): Promise<void> {
  const ms = seconds * 1000;
  const gateway = await FloodedGateway.start();
  try {
    await waitedFor(gateway, ms);
    console.log('flood | p50 without, with | p99 without, with | p99 as a multiple | thrown out');
    for (const [index, flood] of floods.entries()) {
      const rest = await waitedFor(gateway, ms);
      const job: Attack = { port: gateway.process.port, flood: index, ms: ms + 200 };
      const worker = new Worker(new URL(import.meta.url), { workerData: job });
      const ended = once(worker, 'message');
      await once(worker, 'online');
      await passTime(200);
      const under = await waitedFor(gateway, ms);
      const [thrownOut] = (await ended) as [number];
      const pair = (one: number, two: number): string => `${one.toFixed(2)}, ${two.toFixed(2)} ms`;
      const factor = (under.p99 / rest.p99).toFixed(1);
      console.log(
        `${flood.name} | ${pair(rest.p50, under.p50)} | ${pair(rest.p99, under.p99)} | ${factor} | ${thrownOut}`,
      );
    }
  } finally {
    await gateway.stop();
  }
}

if (isMainThread) await run(toolOptions(usage, [], { seconds: 3 }).seconds);
else parentPort?.postMessage(await attack(workerData as Attack));
