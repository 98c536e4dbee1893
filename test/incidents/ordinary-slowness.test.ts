import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
import { type FlowMet, type FlowPlay, type FlowRequest, playFlows, type PlayedFlow } from './played-flows.ts';

const flow = (name: string, route: string, perS: number, more: Partial<PlayedFlow> = {}): PlayedFlow => ({
  ...{ name, route, perS },
  ...more,
});

const essay = flow('essay', 'submissions', 0.5, { method: 'POST', medianMs: 1400, sigma: 0.2 });
const report = flow('report', 'pages', 1, { medianMs: 1500, sigma: 0.5 });

/** A school: some 35 requests a second, of which some take ten times as long as others by their nature. */
const usual: readonly PlayedFlow[] = [
  ...[flow('script', 'assets', 8, { medianMs: 3 }), flow('page', 'pages', 10, { medianMs: 25, sigma: 0.7 })],
  ...[flow('search', 'search', 5, { medianMs: 80, sigma: 0.9 }), flow('thumb', 'files', 3, { medianMs: 60, sigma: 1 })],
  ...[flow('answer', 'submissions', 5, { method: 'POST', medianMs: 40, sigma: 0.6 }), essay],
  ...[flow('upload', 'files', 0.4, { method: 'POST', medianMs: 300, sigma: 1.1 })],
];

const asUsual: FlowMet = {};
const since =
  (met: (request: FlowRequest) => FlowMet): FlowPlay['meets'] =>
  (request) =>
    request.at >= 0 ? met(request) : asUsual;
const only = (name: string, met: (request: FlowRequest) => FlowMet): FlowPlay['meets'] =>
  since((request) => (request.flow === name ? met(request) : asUsual));
const busier =
  (times: number | ((at: number) => number)): NonNullable<FlowPlay['rateOf']> =>
  ({ perS }, at) =>
    at < 0 ? perS : perS * (typeof times === 'number' ? times : times(at));
const more =
  (name: string, times: number): NonNullable<FlowPlay['rateOf']> =>
  (one, at) =>
    one.name === name && at >= 0 ? one.perS * times : one.perS;
const later =
  (name: string): NonNullable<FlowPlay['rateOf']> =>
  (one, at) =>
    one.name === name && at < 0 ? 0 : one.perS;

/** Waits of a queue that is longer for some seconds, again and again, as more requests come: exponential. */
const queueing = ({ at, drawn }: FlowRequest): FlowMet => ({
  times: 1.3,
  moreMs: (at % 17 < 3 ? 90 : 25) * -Math.log(1 - drawn),
});

/** Nothing is answered by one of two endpoints for a moment. */
const pausing =
  (everyS: number, ms: number): FlowPlay['meets'] =>
  ({ at, endpoint, drawn }) =>
    (at + 7 * endpoint) % everyS === 3 && drawn < 0.7 ? { moreMs: ms * drawn } : asUsual;

const play = (meets: FlowPlay['meets'], with_: Partial<FlowPlay> = {}): FlowPlay => ({ flows: usual, meets, ...with_ });
const withFlow = (added: PlayedFlow): Partial<FlowPlay> => ({ flows: [...usual, added], rateOf: later(added.name) });

const seeds = isWholeSweep ? [1, 2, 3, 4, 5, 6] : [1];

describe('what takes longer for an ordinary reason is no incident:', () => {
  const cases: readonly (readonly [what: string, play: FlowPlay])[] = [
    ['nothing does', play(() => asUsual)],
    [
      'an hour with nearly twice as many requests, which wait for each other',
      play(since(queueing), { rateOf: busier((at) => Math.min(1.9, 1 + at / 60)) }),
    ],
    [
      'a newsletter',
      play(
        since(() => ({ times: 1.5 })),
        { rateOf: busier(2.5) },
      ),
    ],
    ['submissions that are twice as long', play(only('answer', () => ({ times: 2 })))],
    ['ten times as many essays, each of which takes long as ever', play(() => asUsual, { rateOf: more('essay', 10) })],
    ['people who ask for reports besides', play(() => asUsual, withFlow(report))],
    [
      'one client with heavy queries',
      play(
        only('heavy', () => asUsual),
        withFlow(flow('heavy', 'search', 1.5, { path: '/search', medianMs: 2500, clients: 1, firstClient: 900 })),
      ),
    ],
    ['a process that collects garbage', play(since(pausing(40, 900)))],
    [
      'a nightly backup',
      play(
        since(() => ({ times: 1.7 })),
        { rateOf: busier(0.3) },
      ),
    ],
    ['data that have grown in a week', play(since(({ at }) => ({ times: Math.min(1.9, 1 + at / 90) })))],
    [
      'a Monday after a weekend',
      {
        ...play(({ at }) => (at < 0 ? { times: 0.8 } : { times: 1.4 })),
        rateOf: ({ perS }, at) => (at < 0 ? 0.3 * perS : 1.2 * perS),
      },
    ],
    [
      'evenings, in which more people search than read',
      {
        ...play(() => asUsual),
        rateOf: ({ name, perS }, at) => (at < 0 ? perS : name === 'search' ? 2 * perS : 0.6 * perS),
      },
    ],
    [
      'more people who stop pages while they come, each after another time',
      play(only('page', ({ drawn }) => (drawn < 0.15 ? { cutAfterMs: 300 * (30 * drawn) ** 2.5 } : asUsual))),
    ],
    ['a hiccup of three seconds, and another one', play(since(({ at }) => (at % 50 < 3 ? { times: 6 } : asUsual)))],
  ];
  for (const [what, one] of cases)
    test(what, () => {
      const opened = seeds.map((seed) => playFlows({ ...one, seed }).openedAfterS);
      assert.ok(opened.filter((after) => after !== null).length <= opened.length / 6, opened.join());
    });
});

describe('an outage is found as soon as ever:', () => {
  const cases: readonly (readonly [what: string, play: FlowPlay, withinS: number, found?: number])[] = [
    ['all take six times as long', play(since(() => ({ times: 6 }))), 30],
    [
      'a quarter of all waits for a second and a half',
      play(since(({ drawn }) => (drawn < 0.25 ? { moreMs: 1500 } : asUsual))),
      12,
    ],
    [
      'a third of the searches take 2 s more',
      play(only('search', ({ drawn }) => (drawn < 0.35 ? { moreMs: 2000 } : asUsual))),
      20,
    ],
    [
      'one in twelve of the pages takes 2 s more',
      play(only('page', ({ drawn }) => (drawn < 0.08 ? { moreMs: 2000 } : asUsual))),
      75,
    ],
    [
      'a third waits while half as many requests more come',
      play(
        since(({ drawn }) => (drawn < 0.33 ? { moreMs: 1200 } : asUsual)),
        { rateOf: busier(1.5) },
      ),
      20,
    ],
    [
      'essays take 6 s, of which as many come as ever',
      play(
        only('essay', () => ({ moreMs: 4700 })),
        { seconds: 200 },
      ),
      200,
      0.6,
    ],
    [
      'the last bytes of six in a hundred pages never come',
      play(only('page', ({ drawn }) => (drawn < 0.06 ? { cutAfterMs: 5000 } : asUsual))),
      60,
    ],
    ['answers to submissions take 1.4 s', play(only('answer', () => ({ moreMs: 1400 }))), 12],
  ];
  for (const [what, one, withinS, found = 1] of cases)
    test(what, () => {
      const opened = seeds.map((seed) => playFlows({ ...one, seed }).openedAfterS);
      const inTime = opened.filter((after) => after !== null && after <= withinS);
      assert.ok(inTime.length >= found * seeds.length, opened.join());
    });
});
