import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerKey, contentKindOfText, lostForm, sizeCells, unsafeKey } from '../../src/core/content-kind.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
import { type FlowMet, type FlowPlay, playFlows, type PlayedFlow } from './played-flows.ts';

const flow = (name: string, perS: number, more: Partial<PlayedFlow> = {}): PlayedFlow => ({
  ...{ name, route: 'media', path: `/media/${name}`, perS },
  ...more,
});

const usual: readonly PlayedFlow[] = [
  ...[flow('list', 4), flow('part', 8, { path: '/media/part/#' }), flow('film', 3, { path: '/media/film/#' })],
  ...[flow('me', 4, { route: 'users' }), flow('save', 3, { route: 'users', method: 'POST' })],
];

/** A lesson, a sale, a match: many ask for the same again and again. */
const [live, chat] = [flow('live', 5), flow('chat', 4)];
const late = flow('late', 0.4, { path: live.path ?? '', clients: 3, firstClient: 900 });

const json = contentKindOfText('application/json');
const missing: FlowMet = { answer: answerKey(404, 'GET', json, 60, false) };
const lost: FlowMet = { answer: lostForm * sizeCells };
const called: FlowMet = { answer: unsafeKey + lostForm * sizeCells };
const asUsual: FlowMet = {};

/** What of the usual requests still comes, so many seconds after the end. */
type Staying = (at: number) => number;
const once =
  (forS: number, times = 1): Staying =>
  (at) =>
    at < forS ? times : 0;
const fading =
  (s: number): Staying =>
  (at) =>
    Math.exp(-at / s);
const andForgotten =
  (staying: Staying, share: number): Staying =>
  (at) =>
    Math.max(share, staying(at));

/** From the end on, these flows get something else, and their clients stay so long. `until`: then it goes on as before. */
function ends(flows: readonly PlayedFlow[], met: FlowMet, staying: Staying, until = Infinity): FlowPlay {
  const isOf = (name: string): boolean => flows.some((one) => one.name === name);
  return {
    flows: [...usual, ...flows],
    rateOf: ({ name, perS }, at) => (isOf(name) && at >= 0 && at < until ? perS * staying(at) : perS),
    meets: ({ flow: name, at }) => (isOf(name) && at >= 0 && at < until ? met : asUsual),
    isJudgedLate: true,
  };
}

/** With some that come only then, and get the same. */
function with3Late(play: FlowPlay, met: FlowMet): FlowPlay {
  return {
    ...play,
    flows: [...play.flows, late],
    rateOf: (one, at) => (one === late ? (at < 0 ? 0 : one.perS) : (play.rateOf?.(one, at) ?? one.perS)),
    meets: (request) => (request.flow === 'late' ? met : play.meets(request)),
  };
}

/** Meanwhile others begin to ask for something new. */
function asNextBegins(play: FlowPlay): FlowPlay {
  const next = flow('next', 6);
  return {
    ...play,
    flows: [...play.flows, next],
    rateOf: (one, at) => (one === next ? (at < 0 ? 0 : one.perS) : (play.rateOf?.(one, at) ?? one.perS)),
  };
}

const seeds = isWholeSweep ? [1, 2, 3, 4, 5, 6, 7, 8] : [1];
const openedOf = (play: FlowPlay, seconds: number): (number | null)[] =>
  seeds.map((seed) => playFlows({ ...play, seconds, seed }).openedAfterS);

describe('what is over for all its clients at once is no incident', () => {
  const half = flow('live', 16);
  const job = flow('job', 4, { path: '/media/jobs/#/state', clients: 20 });
  const vote = flow('vote', 5, { method: 'POST' });
  const cases: readonly (readonly [what: string, play: FlowPlay])[] = [
    ['all leave at once, and three that come late get 410', with3Late(ends([live], missing, once(0)), missing)],
    ['each asks once more', ends([live], missing, once(5))],
    ['each asks three times more within four seconds', ends([live], missing, once(4, 2.4))],
    ['they leave within some ten seconds', ends([live], missing, fading(8))],
    ['they leave within some twenty seconds', ends([live], missing, fading(15))],
    ['a tenth of them forgets to leave', ends([live], missing, andForgotten(fading(6), 0.1))],
    ['those who wait for a job leave', ends([job], missing, once(6))],
    ['it has several addresses', ends([live, chat, flow('bids', 3)], lost, once(4))],
    ['it has several addresses, and some forget to leave', ends([live, chat], lost, andForgotten(once(4), 0.08))],
    ['a poll is closed', ends([vote], called, andForgotten(once(3), 0.1))],
    ['two paths of it are gone together', ends([live, chat], missing, fading(5))],
    ['it is half of what its route has', with3Late(ends([half], missing, fading(5)), missing)],
    ['the next one begins at the same place', ends([live], missing, andForgotten(once(5), 0.1), 40)],
    ['the next one begins elsewhere', asNextBegins(ends([live, chat], lost, andForgotten(once(4), 0.1)))],
    ['few have asked for it', ends([flow('live', 1.2)], missing, fading(10))],
  ];
  for (const [what, play] of cases)
    test(`where ${what}`, () => {
      const opened = openedOf(play, 100);
      assert.ok(opened.filter((after) => after !== null).length <= opened.length / 4, opened.join());
    });
});

describe('what is gone while its clients stay is an incident', () => {
  const stay: Staying = () => 1;
  const cases: readonly (readonly [what: string, play: FlowPlay, withinS: number])[] = [
    ['one address is 404', ends([live], missing, stay), 20],
    ['one address is 404, and clients ask twice as often', ends([live], missing, () => 2), 20],
    ['several addresses are 404', ends([live, chat], lost, stay), 12],
    ['one address is 404, and four of ten give up', ends([live], missing, andForgotten(fading(10), 0.6)), 60],
    ['calls are 404', ends([flow('vote', 5, { method: 'POST' })], called, stay), 12],
  ];
  for (const [what, play, withinS] of cases)
    test(`where ${what}`, () => {
      const opened = openedOf(play, withinS + 3);
      assert.ok(
        opened.every((after) => after !== null && after <= withinS),
        opened.join(),
      );
    });
});
