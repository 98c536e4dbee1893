import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerKey, errorKind } from '../../src/core/content-kind.ts';
import { type FlowMet, type FlowPlay, playFlows, type PlayedFlow } from './played-flows.ts';

const graph: PlayedFlow = { name: 'graphql', route: 'api', perS: 14, method: 'POST' };
const usual: readonly PlayedFlow[] = [
  ...[graph, { name: 'pages', route: 'site', perS: 10 }, { name: 'save', route: 'api', perS: 3, method: 'PUT' }],
];
const wrong: FlowMet = { answer: answerKey(200, 'POST', errorKind, 180, false) };
const asUsual: FlowMet = {};

const toShare = (share: number, until = Infinity): FlowPlay => ({
  flows: usual,
  meets: ({ flow, at, drawn }) => (flow === 'graphql' && at >= 0 && at < until && drawn < share ? wrong : asUsual),
});

function besides(perS: number, clients: number, forS = Infinity): FlowPlay {
  const added = { ...graph, name: 'added', path: '/graphql', perS, clients, firstClient: clients < 40 ? 700 : 0 };
  return {
    flows: [...usual, added],
    rateOf: (one, at) => (one === added && (at < 0 || at >= forS) ? 0 : one.perS),
    meets: ({ flow }) => (flow === 'added' ? wrong : asUsual),
  };
}

/** Of the usual requests so many are left. */
function fewer(play: FlowPlay, left: number): FlowPlay {
  return { ...play, rateOf: (one, at) => (play.rateOf?.(one, at) ?? one.perS) * (one === graph && at >= 0 ? left : 1) };
}

describe('errors that come with 200 are an incident', () => {
  for (const [what, play, withinS] of [
    ['nearly all', toShare(0.9), 9],
    ['half', toShare(0.5), 12],
    ['a third', toShare(0.35), 22],
    ['one of twelve', toShare(0.09), 75],
  ] as const)
    test(what, () => {
      const opened = [1, 2].map((seed) => playFlows({ ...play, seed, seconds: withinS + 5 }).openedAfterS);
      assert.ok(
        opened.every((after) => after !== null && after <= withinS),
        opened.join(),
      );
    });
});

describe('no incident', () => {
  for (const [what, play] of [
    [
      'a few always were so',
      { flows: usual, meets: ({ drawn }: { drawn: number }) => (drawn < 0.04 ? wrong : asUsual) },
    ],
    ['one client asks for what is not there', besides(4, 1)],
    ['a new app of two companies asks wrongly', besides(3, 2)],
    ['people make mistakes besides, for a while', besides(2, 40, 25)],
    ['many make mistakes besides', besides(6, 40, 40)],
    ['many make mistakes besides, and a tenth fewer come', fewer(besides(6, 40, 40), 0.9)],
    ['people make some more mistakes', toShare(0.03)],
    ['a tenth is wrong for ten seconds', toShare(0.1, 10)],
  ] as const)
    test(`where ${what}`, () => {
      assert.deepEqual(
        [1, 2].map((seed) => playFlows({ ...play, seed, seconds: 100 }).openedAfterS),
        [null, null],
      );
    });
});
