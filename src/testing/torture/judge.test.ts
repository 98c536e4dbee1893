import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tortureCases } from './cases.ts';
import {
  better,
  acceptable,
  broken,
  dangerous,
  refuseOrRepair,
  garbled,
  gone,
  late,
  lawful,
  stalled,
} from './expectations.ts';
import { unreachable, withInterim, withPoison } from './expectations.ts';
import { judge, judgeCause } from './judge.ts';
import type { ConnectionUse, Expectation, TortureObservation, TortureRequest, TortureVerdict } from './torture-case.ts';

// What was expected, what was observed, and the verdict: all rules of judging, without a gateway.

const observed: TortureObservation = {
  status: 502,
  interim: [],
  completeness: 'complete',
  elapsedMs: 1,
  originSaw: 1,
  reusedAtOrigin: false,
  body: '',
  strayBytes: 0,
  poisoned: false,
  named: [],
  proxyStatus: null,
  server: null,
  neighbour: 'fine',
};

const none = { status: null, completeness: 'closed' } as const;
const outside = better(garbled(), acceptable('It is passed on.'), 999, '');
const poisoned = withPoison(refuseOrRepair(garbled(), 200, 'ok\n'), /\0/, dangerous('A NUL is handed on.'));
const refused = unreachable('nobody listens', 502, 'connection_refused');

type Row = readonly [
  TortureVerdict,
  why: RegExp,
  Expectation,
  Partial<TortureObservation>,
  ask?: 'GET' | 'POST',
  on?: ConnectionUse,
];

const rows: readonly Row[] = [
  // A response of the gateway's own.
  ['right', /^A 502 is the right answer/, gone(), {}],
  ['acceptable', /503 can be defended/, gone(), { status: 503 }],
  ['misleading', /504 says that no answer came in time/, gone(), { status: 504 }],
  ['misleading', /500 says that the gateway itself/, gone(), { status: 500 }],
  ['misleading', /404 says that the client/, gone(), { status: 404 }],
  ['misleading', /503 says/, garbled(), { status: 503 }],
  ['right', /504/, late(), { status: 504 }],
  ['misleading', /502 says that an invalid answer came/, late(), {}],
  ['right', /502/, refused, { originSaw: 0 }],
  ['acceptable', /503/, refused, { status: 503, originSaw: 0 }],
  ['dangerous', /A whole 200 came where the origin went away/, gone(), { status: 200 }],
  ['dangerous', /A whole 204 came/, gone(), { status: 204 }],

  // An incomplete message.
  ['misleading', /Closes without an answer/, gone(), none],
  ['misleading', /Closes without an answer/, gone(), none, 'POST', 'reused'],
  ['acceptable', /may ask again/, gone(), none, 'GET', 'reused'],
  ['misleading', /Closes without an answer/, garbled(), none, 'GET', 'reused'],
  ['misleading', /still waiting/, late(), { status: null, completeness: 'waiting' }],
  ['misleading', /still waiting/, broken(), { status: 200, completeness: 'waiting' }],
  ['dangerous', /no HTTP response/, garbled(), { status: null, completeness: 'not_http' }],
  ['right', /sees that the body broke off/, broken(), { status: 200, completeness: 'cut' }],
  ['right', /sees that the body broke off/, stalled(), { status: 200, completeness: 'cut' }],
  ['misleading', /only part of it/, lawful(200, 'ok\n'), { status: 200, completeness: 'cut' }],
  ['misleading', /nothing fit/, garbled(), { status: 200, completeness: 'cut' }],
  ['dangerous', /takes it for good/, broken(), { status: 200, body: 'hello' }],
  ['dangerous', /A 101 came to a client that had not asked/, gone(), { status: 101 }],

  // The origin's response.
  ['right', /came through/, lawful(200, 'ok\n'), { status: 200, body: 'ok\n' }],
  ['right', /came through/, lawful(503, 'page'), { status: 503, body: 'page' }],
  ['misleading', /its page was replaced/, lawful(503, 'page'), { status: 503, body: 'another' }],
  ['misleading', /its page is gone/, lawful(503, 'page'), { status: 503 }],
  ['misleading', /was good, and the client is told 502/, lawful(200, 'ok\n'), {}],
  ['dangerous', /not the origin's answer/, lawful(200, 'ok\n'), { status: 200, body: 'o' }],
  ['right', /good form/, refuseOrRepair(garbled(), 200, 'ok\n'), { status: 200, body: 'ok\n' }],
  ['right', /502/, refuseOrRepair(garbled(), 200, 'ok\n'), {}],
  ['acceptable', /passed on/, outside, { status: 999 }],
  ['right', /502/, outside, {}],
  ['acceptable', /103 was dropped/, withInterim(lawful(200, 'ok\n'), 103), { status: 200, body: 'ok\n' }],
  ['right', /came/, withInterim(lawful(200, 'ok\n'), 103), { status: 200, body: 'ok\n', interim: [103] }],

  // Harm to others is judged first.
  ['dangerous', /2 times/, gone(), { originSaw: 2 }, 'POST'],
  ['right', /502/, gone(), { originSaw: 2 }, 'GET'],
  ['dangerous', /2 times/, lawful(200, 'ok\n'), { status: 200, body: 'ok\n', originSaw: 2 }, 'POST'],
  ['dangerous', /not its own/, gone(), { neighbour: 'mixed_up' }],
  ['misleading', /next request pays/, gone(), { neighbour: 'failed' }],
  ['dangerous', /Bytes follow/, lawful(200, 'ok\n'), { status: 200, body: 'ok\n', strayBytes: 5 }],
  ['dangerous', /NUL is handed on/, poisoned, { status: 200, body: 'ok\n', poisoned: true }],
  ['right', /good form/, poisoned, { status: 200, body: 'ok\n' }],
];

describe('judge', () => {
  for (const [verdict, why, expects, seen, method = 'GET', on = 'fresh'] of rows) {
    test(`${verdict}: ${why.source}`, () => {
      const request: TortureRequest = { method, bodyBytes: method === 'POST' ? 11 : 0 };
      const judged = judge({ request, on, expects, observed: { ...observed, ...seen } });
      assert.equal(judged.verdict, verdict, judged.why);
      assert.match(judged.why, why);
    });
  }

  // The types that a gateway may name: none, right ones, ones that name no cause, wrong ones, unregistered ones.
  const sayings = [[], ['connection_refused'], ['destination_unavailable'], ['http_protocol_error'], ['odd_error']];
  test('gives a status the same verdict, whatever Proxy-Status names', () => {
    for (const [, why, expects, seen, method = 'GET', on = 'fresh'] of rows) {
      const request: TortureRequest = { method, bodyBytes: method === 'POST' ? 11 : 0 };
      const judgedWith = (named: readonly string[]): unknown =>
        judge({ request, on, expects, observed: { ...observed, ...seen, named, proxyStatus: named.join() } });
      for (const named of sayings)
        assert.deepEqual(judgedWith(named), judgedWith([]), `${why.source}: ${named.join()}`);
    }
  });

  test('at least one row reaches each verdict', () => {
    assert.deepEqual(new Set(rows.map(([verdict]) => verdict)).size, 4);
  });
});

describe('judgeCause', () => {
  const table: readonly (readonly [ReturnType<typeof judgeCause>, Expectation, named: readonly string[]])[] = [
    [null, refused, []],
    ['right', refused, ['connection_refused']],
    ['wrong', refused, ['http_protocol_error']],
    [null, refused, ['destination_unavailable']],
    [null, refused, ['odd_error']],
    ['right', gone(), ['dns_error', 'http_response_incomplete']],
    ['wrong', gone(), ['dns_error', 'destination_unavailable']],
    ['wrong', lawful(200, 'ok\n'), ['http_protocol_error']],
  ];
  for (const [outcome, { cause, errors }, named] of table) {
    test(`${outcome ?? 'neither'} where ${cause}, and it names ${named.join(', ') || 'nothing'}`, () => {
      assert.equal(judgeCause({ ...gone(), cause, errors }, named), outcome);
    });
  }

  test('counts destination_unavailable as no cause', () => {
    for (const { id, expects } of tortureCases) assert.ok(!expects.errors.includes('destination_unavailable'), id);
  });
});
