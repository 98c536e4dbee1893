import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerKey, contentKindOfText, lostForm, sizeCells, unsafeKey } from '../../src/core/content-kind.ts';
import { type FlowMet, type FlowPlay, playFlows, type PlayedFlow } from './played-flows.ts';

const post = { method: 'POST' };
const flow = (name: string, route: string, perS: number, more: Partial<PlayedFlow> = {}): PlayedFlow => ({
  ...{ name, route, perS },
  ...more,
});

const usual: readonly PlayedFlow[] = [
  ...[flow('me', 'v1', 5), flow('projects', 'v1', 4), flow('list', 'tasks', 8, { path: '/tasks' })],
  ...[flow('one', 'tasks', 6, { path: '/tasks/#' }), flow('add', 'tasks', 3, { ...post, path: '/tasks' })],
  ...[flow('comment', 'comments', 4, post), flow('bill', 'billing', 2), flow('script', 'assets', 3)],
];

const json = contentKindOfText('application/json');
const read = (status: number): FlowMet => ({ answer: answerKey(status, 'GET', json, 80, false) });
const changed = (status: number): FlowMet => ({ answer: answerKey(status, 'POST', json, 80, false) });
const lost: FlowMet = { answer: lostForm * sizeCells };
const asUsual: FlowMet = {};

/** Clients that the service has not seen before. */
const strangers = (clients: number): Partial<PlayedFlow> => ({ clients, firstClient: 500 });

/** So many requests a second more than those of a usual flow, to its path, all of which meet this. */
function beside(name: string, perS: number, met: FlowMet, more: Partial<PlayedFlow> = {}): FlowPlay {
  const like = usual.find((one) => one.name === name) as PlayedFlow;
  const added = { ...like, path: like.path ?? `/${name}`, name: 'added', perS, ...more };
  return {
    flows: [...usual, added],
    rateOf: (one, at) => (one === added && at < 0 ? 0 : one.perS),
    meets: ({ flow: own }) => (own === 'added' ? met : asUsual),
  };
}

/** This share of the requests of a usual flow meets this. */
const refusedShare = (name: string, share: number, met: FlowMet): FlowPlay => ({
  flows: usual,
  meets: ({ flow: own, at, drawn }) => (own === name && at >= 0 && drawn < share ? met : asUsual),
});

/** People follow parcels, and some do so under a name that is refused now. */
const refusedCustomers = (clients: number): FlowPlay => ({
  flows: [
    ...usual,
    flow('track', 'track', 9, { path: '/track/#', clients: 16 }),
    flow('named', 'track', 5, { path: '/track/#', clients, firstClient: 200 }),
  ],
  meets: ({ flow: own, at }) => (own === 'named' && at >= 0 ? read(400) : asUsual),
});

const lostCalls: FlowPlay = {
  flows: [...usual, flow('scan', 'v1', 7, post), flow('old-scan', 'v1', 0.25, { ...post, path: '/scan/' })],
  meets: ({ flow: own, at }) =>
    own === 'old-scan' && at >= 0 ? { answer: unsafeKey + lostForm * sizeCells } : asUsual,
};

const openings = (play: FlowPlay, seeds: readonly number[]): readonly (number | null)[] =>
  seeds.map((seed) => playFlows({ ...play, seed }).openedAfterS);

describe('refused requests beside the usual ones are no incident', () => {
  const cases: readonly (readonly [what: string, play: FlowPlay])[] = [
    ['a script whose uploads have a wrong type', beside('add', 1, changed(415), strangers(5))],
    ['few uploads of a script that are too large', beside('add', 0.5, changed(413), strangers(3))],
    ['new clients with expired tokens', beside('me', 2, read(401), strangers(20))],
    ['a crawler with addresses of last year', beside('one', 1, lost, strangers(4))],
    ['usual clients whose large files are refused besides', beside('comment', 1.5, changed(413))],
    ['usual clients that try what they may not', beside('comment', 1.5, changed(403))],
    ['a form that a new version sends twice, wrong at first', beside('comment', 3, changed(422))],
    ['a program that sends malformed JSON', beside('add', 2, changed(400), strangers(4))],
    ['tasks that others have changed meanwhile', beside('add', 2, changed(409))],
    ['polls that come too often', beside('me', 3, read(429), strangers(4))],
    [
      'strangers come with wrong requests when a job ends',
      {
        flows: [
          ...usual,
          flow('job', 'jobs', 6, { clients: 2 }),
          flow('list-jobs', 'jobs', 9, { path: '/job' }),
          flow('wrong', 'jobs', 6, { path: '/job', ...strangers(6) }),
        ],
        rateOf: ({ name, perS }, at) => (name === 'job' ? (at < 0 ? perS : 0) : name === 'wrong' && at < 0 ? 0 : perS),
        meets: ({ flow: own }) => (own === 'wrong' ? read(400) : asUsual),
      },
    ],
  ];
  for (const [what, play] of cases)
    test(what, () => assert.deepEqual(openings(play, [1, 2, 3, 4, 5]), [null, null, null, null, null]));
});

describe('refused requests in place of usual ones are an incident', () => {
  const cases: readonly (readonly [what: string, play: FlowPlay, withinS: number])[] = [
    ['401 for all after a release', refusedShare('comment', 1, changed(401)), 10],
    ['401 for a fifth', refusedShare('me', 0.2, read(401)), 70],
    ['403 for a seventh', refusedShare('one', 0.15, read(403)), 70],
    ['413 for a third, by a limit of a proxy', refusedShare('comment', 0.3, changed(413)), 70],
    ['415 for a third', refusedShare('add', 0.35, changed(415)), 70],
    ['404 for a quarter of what was there', refusedShare('one', 0.25, lost), 70],
    ['429 for a fifth', refusedShare('list', 0.2, read(429)), 70],
    ['422 for most', refusedShare('comment', 0.6, changed(422)), 30],
    ['400 for all', refusedShare('add', 1, changed(400)), 20],
    ['409 for all', refusedShare('add', 1, changed(409)), 70],
    ['400 for four of twenty usual clients of a path', refusedCustomers(4), 18],
    ['404 for calls of an old form, one of forty, of a function that was there', lostCalls, 115],
  ];
  for (const [what, play, withinS] of cases)
    test(what, () => {
      for (const after of openings(play, [1, 2])) assert.ok(after !== null && after <= withinS, String(after));
    });
});
