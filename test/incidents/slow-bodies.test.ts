import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { incidentSentence } from '../../src/incidents/incident-sentence.ts';
import { type FlowMet, type FlowPlay, type FlowRequest, playFlows, type PlayedFlow } from './played-flows.ts';

const flow = (name: string, route: string, perS: number, more: Partial<PlayedFlow> = {}): PlayedFlow => ({
  ...{ name, route, perS },
  ...more,
});

const usual: readonly PlayedFlow[] = [
  ...[flow('me', 'v1', 5), flow('list', 'tasks', 8), flow('add', 'tasks', 3, { method: 'POST' })],
  ...[flow('script', 'assets', 3), flow('style', 'assets', 3), flow('file', 'files', 8, { path: '/files/#' })],
];

const asUsual: FlowMet = {};

/** What flows meet from the beginning on. */
const meets =
  (names: readonly string[], met: (request: FlowRequest) => FlowMet): FlowPlay['meets'] =>
  (request) =>
    request.at >= 0 && names.includes(request.flow) ? met(request) : asUsual;

const comeLater =
  (name: string): NonNullable<FlowPlay['rateOf']> =>
  (one, at) =>
    one.name === name && at < 0 ? 0 : one.perS;

const seeds = [1, 2, 3];
const files = ['file'];

describe('responses that begin as ever and come slowly are an incident soon', () => {
  const cases: readonly (readonly [what: string, play: FlowPlay, withinS: number])[] = [
    ['the storage has become slow', { flows: usual, meets: meets(files, () => ({ bodyMs: 400 })) }, 10],
    [
      'a limit of bandwidth is too small',
      {
        flows: usual,
        meets: meets(['script', 'style'], ({ flow: one }) => ({ bodyMs: one === 'script' ? 2000 : 800 })),
      },
      11,
    ],
    [
      'seven of ten files are on a slow disk',
      { flows: usual, meets: meets(files, ({ drawn }) => (drawn < 0.7 ? { bodyMs: 900 } : asUsual)) },
      12,
    ],
  ];
  for (const [what, play, withinS] of cases)
    test(what, () => {
      for (const seed of seeds) {
        const { openedAfterS, later } = playFlows({ ...play, seed, seconds: 40 });
        assert.ok(openedAfterS !== null && openedAfterS <= withinS, `opened after ${openedAfterS} s`);
        assert.ok(later !== null);
        assert.match(incidentSentence(later), /take .* until they are complete, where .* their bodies come slowly/);
      }
    });
});

describe('no incident', () => {
  const strangers = { clients: 40, firstClient: 500 };
  const cases: readonly (readonly [what: string, play: FlowPlay])[] = [
    ['all is as usual', { flows: usual, meets: () => asUsual }],
    [
      'bodies wait for six seconds, and end together',
      { flows: usual, meets: meets(files, ({ at }) => (at < 6 ? { bodyMs: 6000 - 1000 * at } : asUsual)) },
    ],
    [
      'half are slow for five seconds',
      { flows: usual, meets: meets(files, ({ at }) => (at < 5 ? { bodyMs: 700 } : asUsual)) },
    ],
    [
      'visitors with slow lines come besides',
      {
        flows: [...usual, flow('far', 'files', 8, { path: '/files/#', ...strangers })],
        rateOf: comeLater('far'),
        meets: meets(['far'], ({ drawn }) => ({ bodyMs: 500 + 3000 * drawn })),
      },
    ],
    [
      'one client fetches all files over a slow line',
      {
        flows: [...usual, flow('copy', 'files', 12, { path: '/files/#', clients: 1, firstClient: 77 })],
        rateOf: comeLater('copy'),
        meets: meets(['copy'], () => ({ bodyMs: 800 })),
      },
    ],
    [
      'three telephones have a bad line',
      { flows: usual, meets: meets(files, ({ client }) => (client < 3 ? { bodyMs: 2500 } : asUsual)) },
    ],
    [
      'a fifth of the bodies is slow, as ever',
      { flows: usual, meets: ({ flow: one, drawn }) => (one === 'file' && drawn < 0.2 ? { bodyMs: 900 } : asUsual) },
    ],
    [
      'films come slowly, as ever',
      { flows: usual, meets: ({ flow: one }) => (one === 'file' ? { bodyMs: 4000 } : asUsual) },
    ],
    [
      'files are four times as large, and take as much longer',
      { flows: usual, meets: meets(files, () => ({ bodyMs: 400, bytes: 16_000 })) },
    ],
    [
      'large files are sent as fast as clients take them',
      { flows: usual, meets: meets(files, () => ({ bodyMs: 3000, bytes: 1_500_000 })) },
    ],
    ['bodies take a tenth of a second more', { flows: usual, meets: meets(files, () => ({ bodyMs: 90 })) }],
    [
      'a copy makes bodies slow for a moment, again and again',
      { flows: usual, meets: meets(files, ({ at }) => (at % 20 < 2 ? { bodyMs: 500 } : asUsual)) },
    ],
  ];
  for (const [what, play] of cases)
    test(`where ${what}`, () => {
      for (const seed of seeds) assert.equal(playFlows({ ...play, seed, seconds: 60 }).openedAfterS, null);
    });
});
