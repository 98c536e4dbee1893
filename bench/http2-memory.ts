import { setTimeout as passTime } from 'node:timers/promises';
import { RawClient } from '../src/testing/testing.ts';
import { OwnProcess } from '../test/gateway/own-process.ts';
import { headersFrame, requestHeaders } from '../test/http2/frames.ts';
import { RawHttp2 } from '../test/http2/raw-http2.ts';
import { toolOptions } from '../test/tool-options.ts';

const usage = `usage: npm run bench:http2-memory -- [--connections=2000]

How much more memory a gateway has for each HTTP/2 connection that rests: before its first request, and behind one and ten of them.

  --connections=N
  --help

example: npm run bench:http2-memory -- --connections=500
`;

const yaml = `
workers: 1
client: { connections_per_address_max: none, keep_alive: 10m, head_timeout: 10m }
routes: [{ path: /, respond: { body: here } }]
`;

/** What garbage takes is returned while the gateway rests. */
const restMs = 8000;

async function residentAtRest(gateway: OwnProcess): Promise<number> {
  await passTime(restMs);
  return gateway.residentBytes;
}

async function main(): Promise<void> {
  const { connections: count } = toolOptions(usage, [], { connections: 2000 });
  const gateway = await OwnProcess.start(yaml, 2 * count + 1000, null, true);
  const lines: RawHttp2[] = [];
  const open = async (): Promise<void> => {
    const line = new RawHttp2(new RawClient({ host: '127.0.0.1', port: gateway.port }));
    line.begin();
    await line.until(() => line.frames.length >= 2);
    lines.push(line);
  };
  const ask = async (line: RawHttp2, turn: number): Promise<void> => {
    line.send(headersFrame(2 * turn + 1, requestHeaders()));
    if ((await line.answer(2 * turn + 1))?.status !== 200) throw new Error('a request was not served');
    line.forget();
  };
  try {
    // What the first connections make the process load is not counted.
    for (let warm = 0; warm < 50; warm++) await open();
    for (const line of lines) await ask(line, 0);
    const warm = lines.length;
    const before = await residentAtRest(gateway);
    const say = async (what: string): Promise<void> => {
      const each = ((await residentAtRest(gateway)) - before) / count / 1024;
      console.log(`${what.padEnd(24)}${each.toFixed(1).padStart(6)} KiB for each of ${count}`);
    };
    while (lines.length < warm + count) await open();
    await say('before a request');
    const rested = lines.slice(warm);
    for (const line of rested) await ask(line, 0);
    await say('behind one request');
    for (let turn = 1; turn < 10; turn++) for (const line of rested) await ask(line, turn);
    await say('behind ten requests');
  } finally {
    for (const line of lines) line.close();
    await gateway.stop();
  }
}

await main();
