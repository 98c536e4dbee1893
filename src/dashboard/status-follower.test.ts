import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Connection, StatusFollower, StreamEvents } from './status-follower.ts';
import type { StatusJson } from './model.ts';
import type { PageClock } from './system.ts';

/** A gateway that answers by a list, and a clock that calls back when it is said. */
class FakePage {
  readonly asked: string[] = [];
  readonly shown: Partial<StatusJson>[] = [];
  readonly connections: Connection[] = [];
  answers: (() => Response)[] = [];
  time = 1000;
  #timers: { at: number; callback: () => void }[] = [];

  readonly clock: PageClock = {
    wallTime: () => this.time,
    after: (ms, callback) => {
      const timer = { at: this.time + ms, callback };
      this.#timers.push(timer);
      return () => {
        this.#timers = this.#timers.filter((one) => one !== timer);
      };
    },
  };

  readonly live = new StatusFollower({
    fetch: async (path) => {
      this.asked.push(path);
      const answer = this.answers.shift();
      if (answer === undefined) throw new Error('refused');
      return answer();
    },
    clock: this.clock,
    onStatus: (status) => void this.shown.push(status),
    onConnection: (connection) => void this.connections.push(connection),
  });

  /** Lets promises settle, then moves the clock. */
  async pass(ms: number): Promise<void> {
    await settled();
    this.time += ms;
    const due = this.#timers.filter(({ at }) => at <= this.time);
    this.#timers = this.#timers.filter(({ at }) => at > this.time);
    for (const { callback } of due) callback();
    await settled();
  }

  get kinds(): string[] {
    return this.connections.map((one) => one.kind);
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

function streamOf(text: string, isOpen = false): () => Response {
  return () =>
    new Response(
      new ReadableStream({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode(text));
          if (!isOpen) controller.close();
        },
      }),
    );
}

const status = (revision: number): string => `event: status\ndata: {"revision":${revision},"state":"serving"}\n\n`;

describe('the live status', () => {
  test('is that of the stream, and what changed since', async () => {
    const page = new FakePage();
    page.answers = [streamOf(`${status(1)}event: change\ndata: {"revision":2}\n\n`, true)];
    page.live.start();
    await page.pass(0);
    assert.deepEqual(page.shown, [
      { revision: 1, state: 'serving' },
      { revision: 2, state: 'serving' },
    ]);
    assert.deepEqual(page.connections.at(-1), { kind: 'live' });
    page.live.stop();
  });

  test('takes single elements of a list, and ages as moments of its own clock', async () => {
    const page = new FakePage();
    page.time = 100_000;
    const upstreamOf = (id: string, age: number) => ({ id, endpoints: [{ id: `${id}/1`, since_s: age }] });
    const first = {
      state: 'serving',
      problems: [{ since_s: 7 }],
      upstreams: [upstreamOf('a', 10), upstreamOf('b', 10)],
    };
    const later = { upstreams: [upstreamOf('b', 1)] };
    const events = `event: status\ndata: ${JSON.stringify(first)}\n\nevent: elements\ndata: ${JSON.stringify(later)}\n\n`;
    page.answers = [streamOf(events, true)];
    page.live.start();
    await page.pass(0);
    const { upstreams = [], problems = [], state } = page.shown.at(-1) ?? {};
    assert.deepEqual(
      upstreams.map(({ id, endpoints }) => [id, endpoints[0]?.since]),
      [
        ['a', 90_000],
        ['b', 99_000],
      ],
    );
    assert.deepEqual([problems[0]?.since, state], [93_000, 'serving']);
    page.live.stop();
  });

  test('is stale since the last word of the gateway, and comes back by itself', async () => {
    const page = new FakePage();
    page.answers = [streamOf(status(1))];
    page.live.start();
    await page.pass(0);
    assert.deepEqual(page.connections.at(-1), { kind: 'stale', since: 1000 });
    await page.pass(250);
    assert.deepEqual(page.connections.at(-1), { kind: 'stale', since: 1000 });
    page.answers = [streamOf(status(2), true)];
    await page.pass(500);
    assert.deepEqual(page.connections.at(-1), { kind: 'live' });
    assert.equal(page.shown.at(-1)?.revision, 2);
    page.live.stop();
  });

  test('ends when the session has ended', async () => {
    const page = new FakePage();
    page.answers = [() => new Response('', { status: 401 })];
    page.live.start();
    await page.pass(60_000);
    assert.deepEqual(page.kinds, ['connecting', 'signed_out']);
    assert.equal(page.asked.length, 1);
  });

  test('asks no more after it was stopped', async () => {
    const page = new FakePage();
    page.live.start();
    await page.pass(0);
    page.live.stop();
    await page.pass(60_000);
    assert.equal(page.asked.length, 1);
  });
});

const stream =
  ': here\n\nevent: status\ndata: {"a":1}\n\ndata: x\r\ndata: y\r\n\r\nid: 7\nevent: change\ndata:z\n\nevent: empty\n\n';
const events = [
  { name: 'status', data: '{"a":1}' },
  { name: 'message', data: 'x\ny' },
  { name: 'change', data: 'z' },
];

test('reads the events of a stream, comments and events without data apart', () => {
  assert.deepEqual(new StreamEvents().take(stream), events);
});

test('reads the same wherever the stream is divided between lines', () => {
  const text = stream.replaceAll('\r\n', '\n');
  for (let at = 0; at <= text.length; at++) {
    const reader = new StreamEvents();
    assert.deepEqual([...reader.take(text.slice(0, at)), ...reader.take(text.slice(at))], events);
  }
});
