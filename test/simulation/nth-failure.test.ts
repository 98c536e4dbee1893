import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pattern } from '../exchange/cases.ts';
import { Http1World } from '../exchange/http1-world.ts';
import type { ClientActor } from '../exchange/world.ts';

/**
 * The nth operation fails, for n = 1, 2, 3 … until a scenario gets through untouched. Whatever fails, every
 * exchange ends once and is recorded once, no octet is made up, and nothing is left behind.
 */
const scenarios: readonly (readonly [name: string, play: (world: Http1World) => readonly ClientActor[]])[] = [
  [
    'a GET',
    (world) => {
      answerAll(world);
      const client = world.request({ target: '/only' });
      world.pass(50);
      return [client];
    },
  ],
  [
    'an upload in pieces with trailers',
    (world) => {
      answerAll(world);
      const client = world.request({ method: 'POST', target: '/up', expects: 'chunked' });
      for (let piece = 0; piece < 4; piece++) {
        world.pass(5);
        client.write(pattern(3000, piece));
      }
      client.end({ 'X-Sum': '1' });
      world.pass(50);
      return [client];
    },
  ],
  [
    'a large download to a slow client',
    (world) => {
      for (const name of ['a', 'b'])
        world.endpoint(name).onRequest = (request) => request.answer(200, pattern(300_000));
      const client = world.request({ target: '/large' }, { windowOctets: 8192 });
      client.stopReading();
      world.pass(100);
      client.readOn();
      world.pass(200);
      return [client];
    },
  ],
  [
    'two requests one after the other on the same connections',
    (world) => {
      answerAll(world);
      const first = world.request({ target: '/1' }, { connection: 'one' });
      world.pass(50);
      const second = world.request({ target: '/2' }, { connection: 'one' });
      world.pass(50);
      return [first, second];
    },
  ],
  [
    'a response that streams while its request does',
    (world) => {
      const client = world.request({ method: 'PUT', target: '/both', expects: 'chunked' });
      for (const name of ['a', 'b']) world.endpoint(name).onRequest = (request) => request.head(200, null);
      for (let turn = 0; turn < 4; turn++) {
        world.pass(5);
        client.write('up ');
        for (const name of ['a', 'b']) world.endpoint(name).arrived[0]?.write('down ');
      }
      client.end();
      for (const name of ['a', 'b']) world.endpoint(name).arrived[0]?.end();
      world.pass(50);
      return [client];
    },
  ],
];

function answerAll(world: Http1World): void {
  for (const name of ['a', 'b']) {
    const endpoint = world.endpoint(name);
    endpoint.onRequest = () => {
      const look = (): void => {
        for (const request of endpoint.arrived) {
          if (request.whole && !answered.has(request)) {
            answered.add(request);
            request.answer(200, `to ${request.target}`);
          }
        }
      };
      for (let ms = 1; ms < 60; ms++)
        world.clock.schedule((world.clock.now() + ms) as ReturnType<typeof world.clock.now>, look, null);
    };
  }
}

const answered = new WeakSet<object>();

type Operation = 'client read' | 'client write' | 'endpoint read' | 'endpoint write' | 'connect';
const operations: readonly Operation[] = ['client read', 'client write', 'endpoint read', 'endpoint write', 'connect'];

/** Plays a scenario in which the nth operation of the nth connection fails. False when it did not come to that. */
function playWith(
  play: (world: Http1World) => readonly ClientActor[],
  operation: Operation,
  connection: number,
  nth: number,
): boolean {
  let failed = false;
  let connects = 0;
  const seen = { client: 0, endpoint: 0 };
  const fault = {
    nth,
    get errno(): string {
      failed = true;
      return 'ECONNRESET';
    },
  };
  const world = new Http1World(
    { endpoints: ['a', 'b'], attemptsMax: 2, application: 'shop' },
    {
      pairOptions(side) {
        if (++seen[side] !== connection || !operation.startsWith(side)) return {};
        const faults = operation.endsWith('read') ? { read: fault } : { write: fault };
        return { faults: side === 'client' ? { second: faults } : { first: faults } };
      },
      connectFault() {
        if (operation !== 'connect' || ++connects !== nth) return null;
        failed = true;
        return 'ECONNREFUSED';
      },
    },
  );
  const clients = play(world);
  world.pass(70_000);
  world.verifyAtRest();
  for (const client of clients) {
    assert.notEqual(client.state, 'open', 'the client has its end');
    if (!failed) assert.deepEqual([client.status, client.state], [200, 'whole']);
  }
  for (const record of world.records) {
    if (record.end === 'forwarded') assert.equal(record.failure, null);
    if (record.method === 'POST' || record.method === 'PUT') {
      const reached = ['a', 'b'].flatMap((name) =>
        world.endpoint(name).arrived.filter(({ target }) => target === record.target),
      );
      assert.ok(reached.length <= 1, 'content that was not kept is not sent twice');
    }
  }
  return failed;
}

/** Plays a scenario in which the nth step of our own code throws, once. False when it did not come to that. */
function playWithDefect(play: (world: Http1World) => readonly ClientActor[], nth: number): boolean {
  let steps = 0;
  let over = false;
  let failed = false;
  const world = new Http1World(
    { endpoints: ['a', 'b'], attemptsMax: 2, application: 'shop' },
    {
      onStep() {
        if (over || ++steps !== nth) return;
        failed = true;
        throw new TypeError('a defect of ours');
      },
    },
  );
  const clients = play(world);
  world.pass(70_000);
  over = true;
  for (const client of clients) assert.notEqual(client.state, 'open', 'the client has its end');
  world.verifyAtRest();
  const next = world.request({ method: 'HEAD', target: '/next' });
  for (const name of ['a', 'b']) world.endpoint(name).onRequest = (request) => request.head(200, 0);
  world.pass(70_000);
  if (failed) assert.deepEqual([next.status, next.state], [200, 'whole'], 'others are served as before');
  return failed;
}

describe('the nth step of ours throws', () => {
  for (const [name, play] of scenarios) {
    it(`and nobody waits for ever, in ${name}`, () => {
      let nth = 1;
      while (playWithDefect(play, nth)) assert.ok(nth++ < 1000, 'a scenario has an end');
      assert.ok(nth > 10, `${nth} steps`);
    });
  }
});

describe('the nth operation fails', () => {
  for (const [name, play] of scenarios) {
    for (const operation of operations) {
      it(`${operation}, in ${name}`, () => {
        for (let connection = 1; connection <= (operation === 'connect' ? 1 : 3); connection++) {
          let nth = 1;
          while (playWith(play, operation, connection, nth)) assert.ok(nth++ < 500, 'a scenario has an end');
        }
      });
    }
  }
});
