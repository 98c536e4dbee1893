import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate as turnOfLoop, setTimeout as sleep } from 'node:timers/promises';
import { http2LimitNames } from '../../src/core/http2-limit.ts';
import { until } from '../gateway/start-from-yaml.ts';
import { FloodedGateway, largeBytes, QuietClient } from './flooded-gateway.ts';
import { type Flood, floodPaths, floods, hpackBomb } from './floods.ts';
import { data, frame, headersFrame, ping, requestHeaders, setting, types } from './frames.ts';
import { Http2Load } from './http2-load.ts';
import type { RawHttp2 } from './raw-http2.ts';
import { isWholeSweep, sampled } from '../../src/testing/sweep.test-support.ts';

// Floods over one connection end at a limit that has a name, and cost a quiet client nothing but time. How much time: `bench/http2-floods.ts`.

const framesMax = 20_000;

describe('a flood over HTTP/2', { skip: process.platform !== 'linux' }, () => {
  let gateway: FloodedGateway;
  let quiet: QuietClient;

  before(async () => {
    gateway = await FloodedGateway.start();
    quiet = new QuietClient(gateway.connect());
  });
  after(async () => {
    quiet?.close();
    await gateway?.stop();
  });

  const limitsSeen = (): unknown[] =>
    gateway.process.events
      .filter(({ kind }) => kind === 'http2_limit_reached')
      .map(({ evidence }) => evidence['limit']);

  for (const flood of sampled(floods, 8))
    test(`of ${flood.name} ends at the limit ${flood.limit}`, { timeout: 60_000 }, async () => {
      // An address of its own: the next connections of one that has flooded wait.
      const line = gateway.connectFrom(`127.0.2.${floods.indexOf(flood) + 1}`);
      try {
        await play(flood, line);
        assert.equal(line.goAway, 'ENHANCE_YOUR_CALM');
        await until(`${flood.limit} is reported`, () => limitsSeen().includes(flood.limit), 15_000);
        assert.equal(await quiet.ask(), 200);
      } finally {
        line.close();
      }
    });

  test('has a test here for every limit', () => {
    // The last one is reached by connections that come and go, and has a test of its own below.
    const tested = new Set<string>([...floods.map(({ limit }) => limit), 'abandoned']);
    assert.deepEqual(
      http2LimitNames.filter((name) => !tested.has(name)),
      [],
    );
  });

  function floodOf(start: string): Flood {
    return floods.find(({ name }) => name.startsWith(start)) ?? assert.fail(start);
  }

  async function play({ begin = [], goOn }: Flood, line: RawHttp2): Promise<void> {
    line.send(...begin);
    for (let turn = 0; turn < framesMax; turn++) {
      line.send(goOn(turn));
      if (turn % 50 !== 0) continue;
      await turnOfLoop();
      await line.until(() => true);
      if (line.hasEnded) return;
      assert.equal(await quiet.ask(), 200);
    }
    assert.ok(await line.until(() => line.hasEnded), 'it ends');
  }

  if (isWholeSweep)
    test('on three connections at once ends each of them, though they share the turns in which they are read', async () => {
      const { goOn, limit } = floodOf('rapid reset');
      const lines = Array.from({ length: 3 }, () => gateway.connectFrom('127.0.1.8'));
      try {
        for (let round = 0; round < 1000 && lines.some((line) => !line.hasEnded); round++) {
          const frames = Buffer.concat(Array.from({ length: 50 }, (_, index) => goOn(50 * round + index)));
          for (const line of lines) if (!line.hasEnded) line.send(frames);
          await sleep(20);
          for (const line of lines) await line.until(() => true);
        }
        assert.deepEqual(
          lines.map(({ goAway }) => goAway),
          lines.map(() => 'ENHANCE_YOUR_CALM'),
        );
        const seen = (): number =>
          gateway.process.events.filter(({ evidence }) => evidence['address'] === '127.0.1.8').length;
        await until(`${limit} is reported`, () => seen() > 0, 15_000);
      } finally {
        for (const line of lines) line.close();
      }
    });

  test('is a problem in the status, with limit and address, and neither an incident nor a worse verdict', async () => {
    const address = '127.0.1.9';
    await play(floodOf('PING ('), gateway.connectFrom(address));
    const found = async () =>
      (await gateway.process.status()).problems.find(({ kind }) => kind === 'http2_limits_reached');
    await until('the status lists it', async () => (await found())?.reason.includes(address) === true, 15_000);
    assert.match((await found())?.reason ?? '', /`pings` \(\d+\)/);
    assert.equal(await quiet.ask(), 200);
    const { verdict, incidents } = await gateway.process.status();
    assert.deepEqual(incidents, []);
    assert.equal(verdict.state, 'ok', verdict.reason);
  });

  test('makes its address wait for its next connection, and no other address', async () => {
    const [floods, other] = ['127.0.1.1', '127.0.1.2'];
    await play(floodOf('PING ('), gateway.connectFrom(floods));
    const waits: number[] = [];
    for (const address of [floods, other, floods]) {
      const line = gateway.connectFrom(address);
      const beganAt = performance.now();
      line.send(headersFrame(1, requestHeaders()));
      assert.equal((await line.answer(1))?.status, 200);
      waits.push(performance.now() - beganAt);
      line.close();
    }
    assert.ok((waits[0] ?? 0) > 240 && (waits[2] ?? 0) > 240, waits.join(', '));
    assert.ok((waits[1] ?? 0) < (waits[0] ?? 0), waits.join(', '));
  });

  // Of 10,000 requests: `npm test` shows in memory that they are counted (`test/exchange/http2-endings.test.ts`), and the limit (`src/worker/admission.test.ts`).
  if (isWholeSweep)
    test('of connections that are closed with their requests ends at the limit abandoned', {
      timeout: 60_000,
    }, async () => {
      const address = '127.0.1.4';
      const all = Buffer.concat(
        Array.from({ length: 100 }, (_, turn) =>
          headersFrame(2 * turn + 1, requestHeaders({ ':path': floodPaths.hanging })),
        ),
      );
      // Meanwhile 200 more are allowed each second.
      for (let connection = 0; connection < 1000 && !limitsSeen().includes('abandoned'); connection++) {
        const line = gateway.connectFrom(address);
        line.send(all, ping());
        assert.ok(await line.until(() => line.pongs() > 0));
        line.client.reset();
      }
      await until('it is reported', () => limitsSeen().includes('abandoned'), 15_000);
      assert.equal(await quiet.ask(), 200);
    });

  test('may be left alone: a connection that waits and goes away is forgotten', async () => {
    const address = '127.0.1.3';
    const flooding = gateway.connectFrom(address);
    await play(floodOf('PING ('), flooding);
    flooding.close();
    const before = await settledDescriptors();
    const waiting = Array.from({ length: 20 }, () => gateway.connectFrom(address));
    await until('they are connected', () => gateway.process.descriptors >= before + 20);
    for (const line of waiting) line.client.reset();
    await until('they are gone', () => gateway.process.descriptors <= before);
    assert.equal(await quiet.ask(), 200);
  });

  /** Descriptors of the gateway, once nothing is left to close of what has gone before. */
  async function settledDescriptors(): Promise<number> {
    // Requests of floods that have ended hold connections to endpoints until their turn has come.
    const active = async (): Promise<number> =>
      (await gateway.process.status()).workers.reduce((sum, one) => sum + one.exchanges_active, 0);
    await until('no request is left', async () => (await active()) === 0, 30_000);
    let [count, looks] = [0, 0];
    await until('connections that were left are closed', () => {
      looks = gateway.process.descriptors === count ? looks + 1 : 0;
      count = gateway.process.descriptors;
      return looks > 20;
    });
    return count;
  }

  test('of honest requests is none: a client with 128 at a time gets all answers', async () => {
    const load = new Http2Load(() => `http://127.0.0.1:${gateway.process.port}`, '/', 2, 128);
    await until('many are answered', () => load.answered > (isWholeSweep ? 5000 : 1000), 30_000);
    const { failed, goAways } = await load.stop();
    assert.deepEqual([failed, goAways], [[], 0]);
  });

  test('of headers that are small on the wire is answered 431 ten times, and takes no memory', async () => {
    const line = gateway.connect();
    try {
      const before = gateway.process.residentBytes;
      for (let turn = 0; turn < 10; turn++) {
        line.send(hpackBomb(2 * turn + 1));
        const answer = await line.answer(2 * turn + 1);
        assert.equal(answer?.status, 431);
        assert.equal(await quiet.ask(), 200);
      }
      const more = gateway.process.residentBytes - before;
      assert.ok(more < 64 * 1024 * 1024, `${more} bytes more`);
      line.send(hpackBomb(21));
      assert.ok(await line.until(() => line.hasEnded));
      assert.equal(line.goAway, 'ENHANCE_YOUR_CALM');
    } finally {
      line.close();
    }
  });

  // Of what a worker holds for a client that takes nothing, `npm test` has `test/gateway/slow-clients-hold-nothing.test.ts`.
  if (isWholeSweep)
    test('of requests for 128 MB that no window lets out holds a part of it', async () => {
      const line = gateway.connect(setting(4, 0));
      try {
        const before = gateway.process.residentBytes;
        for (let turn = 0; turn < 128; turn++)
          line.send(headersFrame(2 * turn + 1, requestHeaders({ ':path': floodPaths.large })));
        await line.until(() => line.frames.filter(({ type }) => type === types.headers).length === 128);
        for (let turn = 0; turn < 20; turn++) assert.equal(await quiet.ask(), 200);
        const more = gateway.process.residentBytes - before;
        assert.ok(more < 48 * 1024 * 1024, `${more} bytes more, of ${128 * largeBytes}`);
      } finally {
        line.close();
      }
    });

  test('of a body in frames of one byte holds little more than the body', async () => {
    const line = gateway.connect();
    try {
      const before = gateway.process.residentBytes;
      const one = data(1, 'x');
      // No endpoint reads these: their exchange waits for a connection that is never free.
      for (let turn = 0; turn < 15; turn++) {
        const id = 2 * turn + 1;
        line.send(headersFrame(id, requestHeaders({ ':method': 'POST', ':path': floodPaths.hanging }), false));
        const frames = Buffer.concat(new Array<Buffer>(10_000).fill(frame(types.data, 0, id, one.subarray(9))));
        line.send(frames);
        assert.equal(await quiet.ask(), 200);
      }
      const more = gateway.process.residentBytes - before;
      assert.ok(more < 48 * 1024 * 1024, `${more} bytes more`);
      assert.equal(line.goAway, null);
    } finally {
      line.close();
    }
  });
});

describe('a client that is slow over HTTP/2', { skip: process.platform !== 'linux' }, () => {
  let gateway: FloodedGateway;
  before(async () => {
    gateway = await FloodedGateway.start('head_timeout: 1s, body_timeout: 1s, keep_alive: 2s, write_timeout: 1s');
  });
  after(() => gateway?.stop());

  /** Sends the parts one after the other, a turn apart, until the condition holds. */
  async function drip(line: RawHttp2, part: (turn: number) => Buffer, met: () => boolean): Promise<boolean> {
    // Our acknowledgement of SETTINGS must not come in the middle of a part.
    await line.until(() => line.frames.length >= 3);
    for (let turn = 0; turn < 200; turn++) {
      if (line.client.state === 'open') line.send(part(turn));
      if (await line.until(met, 100)) return true;
    }
    return false;
  }

  test('with a header section, byte by byte, loses the connection', async () => {
    const line = gateway.connect();
    const whole = headersFrame(1, requestHeaders({}, [['a', 'b'.repeat(1000)]]));
    assert.ok(
      await drip(
        line,
        (turn) => whole.subarray(turn, turn + 1),
        () => line.hasEnded,
      ),
    );
    assert.equal(line.goAway, 'PROTOCOL_ERROR');
    assert.ok(line.client.elapsedMs > 900);
    assert.ok(line.client.elapsedMs < 15_000);
    line.close();
  });

  test('and sends PING alone loses the connection when it has rested too long', async () => {
    const line = gateway.connect();
    const beat = frame(types.ping, 0, 0, 'pingpong');
    assert.ok(
      await drip(
        line,
        (turn) => (turn % 2 === 0 ? beat.subarray(0, 9) : beat.subarray(9)),
        () => line.hasEnded,
      ),
    );
    assert.equal(line.goAway, 'NO_ERROR');
    line.close();
  });

  test('with the body of a request gets 408', async () => {
    const line = gateway.connect();
    line.send(headersFrame(1, requestHeaders({ ':method': 'POST', ':path': floodPaths.hanging }), false), data(1, 'x'));
    assert.equal((await line.answer(1))?.status, 408);
    await line.until(() => line.resetOf(1) !== null);
    assert.equal(line.resetOf(1), 'NO_ERROR');
    line.close();
  });

  test('to open its window loses the stream and not the connection', async () => {
    const line = gateway.connect(setting(4, 10));
    line.send(headersFrame(1, requestHeaders({ ':path': floodPaths.large })));
    await line.until(() => line.resetOf(1) !== null);
    assert.equal(line.resetOf(1), 'CANCEL');
    line.send(headersFrame(3, requestHeaders()));
    assert.equal((await line.answer(3))?.status, 200);
    line.close();
  });
});
