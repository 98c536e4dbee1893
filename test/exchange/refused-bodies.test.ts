import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Filter } from '../../src/core/filter.ts';
import { Http1World } from './http1-world.ts';
import { pattern } from './cases.ts';
import { Answering, Authorizing } from './test-filters.ts';
import type { ClientActor, RequestText } from './world.ts';

/** A request that a filter refuses before its body is read, and whether its connection carries the next one. */
interface Case {
  readonly what: string;
  readonly request: RequestText;
  /** Sent a moment later. */
  readonly later?: string;
  readonly keeps: boolean;
}

const [small, large] = [64 * 1024, 64 * 1024 + 1];
const cases: readonly Case[] = [
  { what: 'a body that came with the head', request: { body: 'ping' }, keeps: true },
  { what: 'a body that comes behind it', request: { expects: 8 }, later: 'GET / HT', keeps: true },
  { what: 'the largest body that is discarded', request: { body: pattern(small) }, keeps: true },
  { what: 'a larger one', request: { body: pattern(large) }, keeps: false },
  { what: 'a body whose length is not known', request: { expects: 'chunked' }, keeps: false },
  {
    what: 'a body that the client sends only if it is asked',
    request: { expects: 4, headers: { Expect: '100-continue' } },
    keeps: false,
  },
  {
    what: 'a body on a connection that ends',
    request: { body: 'ping', headers: { Connection: 'close' } },
    keeps: false,
  },
];

const answer = { status: 403, headers: [], body: Buffer.from('no') };
const kinds: readonly (readonly [when: string, make: () => Filter, decide: (filter: Filter) => void])[] = [
  ['at once', () => new Answering(answer), () => {}],
  ['after a question', () => new Authorizing(), (filter) => (filter as Authorizing).decide(answer)],
];

const connection = 'one';

function worldOf(filter: Filter): {
  readonly world: Http1World;
  readonly post: (request?: RequestText) => ClientActor;
} {
  const world = new Http1World({ filters: [filter] });
  return { world, post: (request = {}) => world.request({ method: 'POST', ...request }, { connection }) };
}

for (const [when, make, decide] of kinds)
  describe(`a request that is refused ${when}, with`, () => {
    for (const { what, request, later, keeps } of cases)
      it(`${what} ${keeps ? 'leaves its connection to the next one' : 'ends its connection'}`, () => {
        const filter = make();
        const { world, post } = worldOf(filter);
        const first = post(request);
        world.pass(20);
        decide(filter);
        world.pass(20);
        assert.deepEqual([first.status, first.header('connection')], [403, keeps ? null : 'close']);
        if (later !== undefined) first.write(later);
        world.pass(20);
        if (typeof request.body === 'string' && keeps)
          assert.equal(world.records[0]?.bytesFromClient, request.body.length);
        const second = post();
        world.pass(20);
        decide(filter);
        world.pass(20);
        assert.equal(second.status, keeps ? 403 : 0);
        world.pass(100_000);
        world.verifyAtRest();
      });
  });

describe('the rest of a body that is discarded', () => {
  it('is awaited as long as the next request, and no longer', () => {
    const { world, post } = worldOf(new Answering(answer));
    const client = post({ expects: 1000 });
    for (let second = 0; second < 59; second++) {
      world.pass(1000);
      client.write('a');
    }
    assert.equal(world.counts.clientConnections, 1);
    world.pass(1000);
    for (let second = 0; second < 40; second++) {
      client.write('a');
      world.pass(1000);
    }
    world.verifyAtRest();
  });

  it('may have the next requests right behind it', () => {
    const { world, post } = worldOf(new Answering(answer));
    const first = post({ expects: 4 });
    world.pass(20);
    first.write('pi');
    world.pass(20);
    first.write('ngPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\npingGET / HTTP/1.1\r\nHost: a\r\n\r\n');
    world.pass(20);
    assert.deepEqual(
      world.records.map(({ method, bytesFromClient }) => [method, bytesFromClient]),
      [
        ['POST', 0],
        ['POST', 4],
        ['GET', 0],
      ],
    );
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('keeps no client from the end of its connection', () => {
    const { world, post } = worldOf(new Answering(answer));
    post({ expects: 1000 });
    world.pass(20);
    world.lines.get(connection)?.halfClose();
    world.pass(20);
    world.verifyAtRest();
  });
});

/** A request that stands in bodies, and that no client sends. */
const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
const posted = (target: string, lines = ''): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\n${lines}Content-Length: ${hidden.length}\r\n\r\n${hidden}`;
const last = 'GET /last HTTP/1.1\r\nHost: a\r\n\r\n';

const streams = [
  { what: 'further requests with bodies', headers: {}, rest: posted('/2') + posted('/3') + last, all: true },
  { what: 'one that ends its connection', headers: { Connection: 'close' }, rest: last, all: false },
  { what: 'one that waits for 100 Continue', headers: { Expect: '100-continue' }, rest: last, all: false },
  { what: 'one of HTTP/1.0', headers: {}, rest: posted('/2').replace('1.1', '1.0') + last, all: false },
  {
    what: 'one that is chunked',
    headers: {},
    rest: `POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n${last}`,
    all: false,
  },
];

describe('a body that is discarded is never read as a request', () => {
  for (const { what, headers, rest, all } of streams)
    for (const [when, make, decide] of kinds)
      it(`wherever its bytes are cut, ${when}, with ${what}`, () => {
        const text = hidden + rest;
        const targets = ['/1', ...rest.matchAll(/(?<=(?:POST|GET) )\/(?!hidden)\w+/g)].map(String);
        const step = when === 'at once' ? 3 : 7;
        for (let cut = 0; cut < 2 * text.length; cut += step) {
          const filter = make();
          const { world, post } = worldOf(filter);
          const client = post({ target: '/1', expects: hidden.length, headers });
          const goOn = (): void => {
            for (let turn = 0; turn < 5; turn++) {
              world.pass(2);
              decide(filter);
            }
          };
          // The second half of the cuts: the client ends its direction there.
          const halfCloses = cut >= text.length;
          if (cut % 2 === 0) goOn();
          client.write(text.slice(0, cut % text.length));
          goOn();
          if (halfCloses) world.lines.get(connection)?.halfClose();
          else client.write(text.slice(cut));
          goOn();
          const seen = world.records.map(({ target }) => target);
          const wanted = all && !halfCloses ? targets : targets.slice(0, seen.length);
          assert.deepEqual(seen, wanted, `cut at ${cut}`);
          world.pass(100_000);
          world.verifyAtRest();
        }
      });
});
