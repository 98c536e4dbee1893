import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerKey, contentKindOfText } from '../../src/core/content-kind.ts';
import { type FlowMet, type FlowPlay, type FlowRequest, playFlows, type PlayedFlow } from './played-flows.ts';

const paths = ['cart', 'orders', 'products', 'account', 'search', 'lists'];
const flowOf = (name: string, perS: number, more: Partial<PlayedFlow> = {}): PlayedFlow => ({
  ...{ name, route: 'app', path: `/${name}`, perS },
  ...more,
});
/** One route is the whole application. */
const usual = paths.map((name, index) => flowOf(name, 3 + index));
const strangers = { clients: 40, firstClient: 500 };
const beside = paths.map((name) => flowOf(name, 3, { name: `more ${name}`, ...strangers }));

const page: FlowMet = { answer: answerKey(200, 'GET', contentKindOfText('text/html'), 3000, false) };
const small: FlowMet = { answer: answerKey(200, 'GET', contentKindOfText('application/json'), 900, false) };
const limited: FlowMet = { answer: answerKey(429, 'GET', contentKindOfText('text/html'), 80, false) };
const asUsual: FlowMet = {};

const meets =
  (names: readonly string[], share: number, met: FlowMet): FlowPlay['meets'] =>
  ({ flow, at, drawn }: FlowRequest) =>
    at >= 0 && drawn < share && names.includes(flow) ? met : asUsual;

const moreFrom =
  (until = Infinity): NonNullable<FlowPlay['rateOf']> =>
  ({ name, perS }, at) =>
    name.startsWith('more') && (at < 0 || at >= until) ? 0 : perS;

describe('paths of one route that change together are an incident soon', () => {
  const cases: readonly (readonly [what: string, meets: FlowPlay['meets'], withinS: number])[] = [
    ['half of two paths come much smaller', meets(['lists', 'search'], 0.5, small), 13],
    ['four of ten of three paths are a page', meets(['lists', 'search', 'account'], 0.4, page), 13],
    ['half of two paths are 429', meets(['lists', 'account'], 0.5, limited), 14],
  ];
  for (const [what, met, withinS] of cases)
    test(what, () => {
      const opened = [1, 2, 3].map((seed) => playFlows({ flows: usual, meets: met, seconds: 30, seed }).openedAfterS);
      for (const after of opened) assert.ok(after !== null && after <= withinS, opened.join());
    });
});

describe('no incident', () => {
  const cases: readonly (readonly [what: string, play: FlowPlay])[] = [
    ['all is as usual', { flows: usual, meets: () => asUsual }],
    [
      'a crawler gets pages of all paths',
      {
        flows: [...usual, ...beside],
        rateOf: moreFrom(),
        meets: meets(
          beside.map(({ name }) => name),
          1,
          page,
        ),
      },
    ],
    [
      'strangers get small results of all paths',
      {
        flows: [...usual, ...beside],
        rateOf: moreFrom(),
        meets: meets(
          beside.map(({ name }) => name),
          1,
          small,
        ),
      },
    ],
    [
      'strangers ask too often',
      {
        flows: [...usual, ...beside],
        rateOf: moreFrom(20),
        meets: meets(
          beside.map(({ name }) => name),
          1,
          limited,
        ),
      },
    ],
    ['a tenth of two paths is small', { flows: usual, meets: meets(['lists', 'search'], 0.1, small) }],
    [
      'half of two paths are small, as ever',
      {
        flows: usual,
        meets: ({ flow, drawn }) => (['lists', 'search'].includes(flow) && drawn < 0.5 ? small : asUsual),
      },
    ],
    [
      'four of ten are pages for three seconds',
      {
        flows: usual,
        meets: ({ flow, at, drawn }) => (at >= 0 && at < 3 && drawn < 0.4 && flow !== 'cart' ? page : asUsual),
      },
    ],
  ];
  for (const [what, play] of cases)
    test(`where ${what}`, () => {
      const opened = [1, 2, 3].map((seed) => playFlows({ ...play, seconds: 40, seed }).openedAfterS);
      assert.deepEqual(opened, [null, null, null]);
    });
});
