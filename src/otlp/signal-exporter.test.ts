import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { CollectorResponse } from './judge-response.ts';
import { SignalExporter } from './signal-exporter.ts';

type Answer = CollectorResponse | { readonly why: string };

const answered = (status: number, retryAfter: string | null = null): Answer => ({
  status,
  contentType: 'application/json',
  retryAfter,
  date: null,
  body: Buffer.from('{}'),
});
const silent: Answer = { why: 'it refuses connections: nothing listens there' };

class Bench {
  readonly clock = new SimulatedClock();
  /** When a request came, and how many items it had. */
  readonly sent: (readonly [atMs: number, items: number])[] = [];
  readonly dropped: Record<string, number> = {};
  exported = 0;
  waiting = 0;
  readonly states: (string | null)[] = [];
  readonly rejections: string[] = [];
  encoded = 0;
  readonly exporter: SignalExporter<string>;

  /** The last answer goes on. */
  constructor(answers: readonly (Answer | Promise<Answer>)[]) {
    this.exporter = new SignalExporter<string>({
      signal: 'traces',
      clock: this.clock,
      random: new SeededRandom(1),
      weigh: () => 1,
      encode: (items) => {
        this.encoded += 1;
        return Buffer.from(JSON.stringify(items));
      },
      post: async (body) => {
        this.sent.push([this.clock.now(), (JSON.parse(Buffer.from(body).toString()) as string[]).length]);
        return answers[Math.min(this.sent.length, answers.length) - 1] as Answer;
      },
      onExported: (count) => (this.exported += count),
      onDropped: (reason, count) => {
        if (count > 0) this.dropped[reason] = (this.dropped[reason] ?? 0) + count;
      },
      onRejected: (message) => this.rejections.push(message),
      onWaiting: (count) => (this.waiting = count),
      onFailedRequest: () => {},
      onState: (why) => this.states.push(why),
    });
  }

  add(count: number): void {
    for (let n = 0; n < count; n += 1) this.exporter.add(String(n));
  }

  /** Lets time pass in small steps, and what waits for promises go on in each. */
  async pass(ms: number): Promise<void> {
    for (let step = 0; step < ms; step += 250) {
      await settled();
      await this.clock.advance(250);
    }
    await settled();
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

describe('a batch', () => {
  test('is sent a second after its first item, or at once when it is full; a larger one in parts', async () => {
    const bench = new Bench([answered(200)]);
    bench.add(3);
    await bench.pass(750);
    assert.equal(bench.sent.length, 0);
    await bench.pass(500);
    assert.deepEqual(bench.sent, [[1000, 3]]);
    bench.add(1200);
    await bench.pass(250);
    assert.deepEqual(
      bench.sent.slice(1).map(([, items]) => items),
      [512, 512, 176],
    );
    assert.equal(bench.exported, 1203);
  });

  for (const status of [429, 502, 503, 504])
    test(`is sent again after ${status}, and counted once`, async () => {
      const bench = new Bench([answered(status), answered(200)]);
      bench.add(1);
      await bench.pass(4000);
      assert.equal(bench.sent.length, 2);
      assert.equal(bench.encoded, 2, 'the format may have changed');
      assert.equal(bench.exported, 1);
      assert.deepEqual(bench.dropped, {});
      assert.deepEqual(bench.states, [`it answered ${status}`, null]);
    });

  for (const status of [300, 400, 401, 404, 413, 500, 501])
    test(`is dropped after ${status}, which allows no further try`, async () => {
      const bench = new Bench([answered(status)]);
      bench.add(2);
      await bench.pass(4000);
      assert.equal(bench.sent.length, 1);
      assert.deepEqual(bench.dropped, { refused: 2 });
    });

  test('waits as long as Retry-After says, and not for hours', async () => {
    const bench = new Bench([answered(429, '7'), answered(503, '86400'), answered(200)]);
    bench.add(1);
    await bench.pass(90_000);
    const [first = 0, second = 0, third = 0] = bench.sent.map(([at]) => at);
    assert.ok(second - first >= 7000 && second - first <= 8500, `${second - first}`);
    assert.ok(third - second >= 60_000 && third - second <= 63_000, `${third - second}`);
    assert.equal(bench.exported, 1);
  });

  test('that is not taken is given up after five minutes, with pauses of at most half a minute', async () => {
    const bench = new Bench([silent]);
    bench.add(5);
    await bench.pass(310_000);
    assert.deepEqual(bench.dropped, { unavailable: 5 });
    const gaps = bench.sent.slice(1).map(([at], index) => at - (bench.sent[index]?.[0] ?? 0));
    assert.ok(gaps.length > 8 && gaps.every((gap) => gap <= 30_500), gaps.join());
  });

  test('of which the collector rejects a part is not sent again, and the part is counted', async () => {
    const body = Buffer.from('{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}');
    const bench = new Bench([{ status: 200, contentType: 'application/json', retryAfter: null, date: null, body }]);
    bench.add(5);
    await bench.pass(4000);
    assert.deepEqual([bench.sent.length, bench.exported, bench.dropped], [1, 3, { rejected: 2 }]);
    assert.deepEqual(bench.rejections, ['too old']);
    assert.deepEqual(bench.states, [null]);
  });
});

test('while a collector hangs at most 8192 items wait; others are dropped and counted', async () => {
  const hanging = Promise.withResolvers<Answer>();
  const bench = new Bench([hanging.promise, answered(200)]);
  bench.add(10_000);
  await bench.pass(5000);
  assert.deepEqual(bench.dropped, { queue_full: 10_000 - 8192 });
  assert.equal(bench.waiting, 8192, 'those in flight included');
  hanging.resolve(answered(200));
  await bench.pass(5000);
  assert.equal(bench.exported, 8192);
  assert.equal(bench.waiting, 0);
});

test('what is in flight at the end and is answered later is counted once', async () => {
  const hanging = Promise.withResolvers<Answer>();
  const bench = new Bench([hanging.promise, answered(200)]);
  bench.add(3);
  await bench.pass(1500);
  const closed = bench.exporter.close(2000);
  bench.add(1);
  await bench.pass(2500);
  await closed;
  assert.deepEqual([bench.dropped, bench.waiting], [{ unavailable: 4 }, 0]);
  hanging.resolve({ why: 'it closed the connection before it answered' });
  await bench.pass(2500);
  assert.deepEqual([bench.dropped, bench.waiting, bench.exported], [{ unavailable: 4 }, 0, 0]);
});

test('at its end what is left is tried once more; what is not taken is counted, and nothing waits', async () => {
  const bench = new Bench([silent]);
  bench.add(3);
  await bench.pass(1500);
  const tries = bench.sent.length;
  const closed = bench.exporter.close(2000);
  await bench.pass(2500);
  await closed;
  assert.ok(bench.sent.length > tries);
  assert.deepEqual(bench.dropped, { unavailable: 3 });
  assert.equal(bench.clock.timersLive, 0);
});
