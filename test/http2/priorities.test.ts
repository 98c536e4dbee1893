import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { HeaderPair } from '../../src/wire/h2/hpack.test-support.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { frame, headersFrame, requestHeaders, setting, types, windowUpdate, word } from './frames.ts';
import { RawHttp2 } from './raw-http2.ts';

// RFC 9218: what a client calls urgent is sent first, where the window of the connection does not take everything.

const bytes = 400_000;
const large = Buffer.alloc(bytes, 'x');

/** Four of these fit into what waits of one response: which goes first does not depend on when more of it comes. */
const stepBytes = 15_000;

describe('of two responses that wait for the window of the connection', () => {
  let origin: Server;
  let gateway: YamlGateway;

  before(async () => {
    origin = createServer(({ headers: { 'x-ask': asked } }, response) => {
      if (typeof asked === 'string') response.setHeader('priority', asked);
      response.setHeader('content-length', bytes).end(large);
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const { port } = origin.address() as AddressInfo;
    gateway = await startFromYaml(`
listeners: { http: { bind: "127.0.0.1:0", http2: true } }
upstreams: { app: { endpoints: "127.0.0.1:${port}", check: none } }
`);
  });
  after(async () => {
    await gateway?.stop();
    origin?.close();
    origin?.closeAllConnections();
  });

  const receivedOf = (line: RawHttp2, id: number): number =>
    line.frames.reduce(
      (sum, { type, streamId, payload }) => sum + (type === types.data && streamId === id ? payload.length : 0),
      0,
    );
  const get = (id: number, ...more: HeaderPair[]): Buffer => headersFrame(id, requestHeaders({}, more));
  const update = (id: number, value: string): Buffer =>
    frame(types.priorityUpdate, 0, 0, Buffer.concat([word(id), Buffer.from(value)]));

  const cases: readonly (readonly [name: string, frames: readonly Buffer[], first: number, share: number])[] = [
    ['the older goes first where the client says nothing', [get(1), get(3)], 1, 0.8],
    ['the more urgent goes first', [get(1, ['priority', 'u=7']), get(3, ['priority', 'u=0'])], 3, 0.8],
    ['an open one becomes urgent by PRIORITY_UPDATE', [get(1), get(3), update(3, 'u=0')], 3, 0.8],
    ['one becomes urgent before it is opened', [update(3, 'u=0'), get(1), get(3)], 3, 0.8],
    [
      'PRIORITY_UPDATE without urgency means the usual one',
      [get(1), get(3, ['priority', 'u=0']), update(3, '')],
      1,
      0.8,
    ],
    ['one becomes urgent by the header of its response', [get(1), get(3, ['x-ask', 'u=0'])], 3, 0.8],
    [
      'the header of a response counts more than what the client says later',
      [get(1), get(3, ['x-ask', 'u=5']), update(3, 'u=0')],
      1,
      0.8,
    ],
    ['those that can be used in parts take turns', [get(1, ['priority', 'i']), get(3, ['priority', 'i'])], 1, 0.4],
  ];
  for (const [name, frames, first, share] of cases)
    test(name, async () => {
      const line = new RawHttp2(gateway.connect());
      try {
        line.begin(setting(4, 2 ** 30));
        line.send(...frames);
        const received = (): number => receivedOf(line, 1) + receivedOf(line, 3);
        await line.until(() => received() === 65_535 && [1, 3].every((id) => line.response(id) !== null));
        const before = receivedOf(line, first);
        for (let windows = 1; windows <= 4; windows++) {
          line.send(windowUpdate(0, stepBytes));
          await line.until(() => received() === 65_535 + windows * stepBytes);
        }
        const got = (receivedOf(line, first) - before) / (4 * stepBytes);
        assert.ok(got >= share && (share > 0.5 || got <= 1 - share), `${got} of what came then`);
      } finally {
        line.close();
      }
    });
});
