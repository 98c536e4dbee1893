import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  answerKey,
  contentKindOfText,
  divertedForm,
  lostForm,
  redirectForm,
  sizeCells,
  strayForm,
  unsafeKey,
  withdrawnForm,
} from '../../src/core/content-kind.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
import { type FlowMet, type FlowPlay, type FlowRequest, playFlows, type PlayedFlow } from './played-flows.ts';

const post = { method: 'POST' };
const flow = (name: string, route: string, perS: number, more: Partial<PlayedFlow> = {}): PlayedFlow => ({
  ...{ name, route, perS, clients: 24 },
  ...more,
});
const page = { path: '/shows/#' };
const link = { path: '/b/confirm/#' };

/** A service that sells tickets: some 50 requests a second. */
const usual: readonly PlayedFlow[] = [
  ...[flow('list', 'shows', 3, { path: '/shows' }), flow('show', 'shows', 12, page), flow('me', 'b', 4)],
  ...[flow('confirm', 'b', 5, link), flow('hold', 'holds', 5, post), flow('order', 'orders', 4, post)],
  ...[flow('return', 'orders', 8, { ...post, path: '/orders/return' }), flow('reading', 'readings', 20, post)],
];

const json = contentKindOfText('application/json');
const form = (of: number): FlowMet => ({ answer: of * sizeCells });
const called = (of: number): FlowMet => ({ answer: unsafeKey + of * sizeCells });
const status = (of: number, method = 'GET'): FlowMet => ({ answer: answerKey(of, method, json, 60, false) });
const [stray, diverted, lost, withdrawn] = [strayForm, divertedForm, lostForm, withdrawnForm].map(form) as [
  ...[FlowMet, FlowMet, FlowMet, FlowMet],
];
const other: FlowMet = { answer: answerKey(200, 'GET', contentKindOfText('text/html'), 3000, false) };
const asUsual: FlowMet = {};

type Meets = FlowPlay['meets'];
/** This share of the requests of a flow meets this since a second. */
const meets =
  (name: string, share: number | ((at: number) => number), met: FlowMet): Meets =>
  ({ flow: own, at, drawn }: FlowRequest) =>
    own === name && at >= 0 && drawn < (typeof share === 'number' ? share : share(at)) ? met : asUsual;

/** So many requests a second more, like those of a usual flow, for so long. */
function besides(name: string, perS: number, met: FlowMet, more: Partial<PlayedFlow> = {}, forS = Infinity): FlowPlay {
  const like = usual.find((one) => one.name === name) as PlayedFlow;
  const added = { ...like, path: like.path ?? `/${name}`, name: 'added', perS, ...more };
  return {
    flows: [...usual, added],
    rateOf: (one, at) => (one === added && (at < 0 || at >= forS) ? 0 : one.perS),
    meets: ({ flow: own }) => (own === 'added' ? met : asUsual),
  };
}

/** What others send besides, and what usual clients meet since. */
function under(play: FlowPlay, name: string, share: number, met: FlowMet): FlowPlay {
  const usually = meets(name, share, met);
  return { ...play, meets: (request) => (request.flow === 'added' ? play.meets(request) : usually(request)) };
}

const of = (meeting: Meets, seconds?: number): FlowPlay => ({
  ...{ flows: usual, meets: meeting },
  ...(seconds === undefined ? {} : { seconds }),
});
const rising =
  (name: string, times: number): NonNullable<FlowPlay['rateOf']> =>
  ({ name: own, perS }, at) =>
    own === name && at >= 0 ? perS * times : perS;

const seeds = isWholeSweep ? [1, 2, 3, 4, 5, 6] : [1, 2];
const seedsOfTwins = isWholeSweep ? seeds : [1];

const few = (clients: number): Partial<PlayedFlow> => ({ clients, firstClient: 700 });
/** Five usual visitors, of whom there are few requests. */
const abroad = flow('abroad', 'shows', 0.5, { ...page, clients: 5, firstClient: 300 });

describe('an outage of usual clients is an incident', () => {
  const cases: readonly (readonly [what: string, play: FlowPlay, withinS: number, found?: number])[] = [
    ['3 % are led to another site', of(meets('show', 0.03, stray)), 100, 0.5],
    ['some visitors get 451', { flows: [...usual, abroad], meets: meets('abroad', 1, withdrawn) }, 100, 0.5],
    ['three of ten are sent to a queue', of(meets('show', 0.35, diverted)), 12],
    ['three of ten pages are other ones', of(meets('show', 0.3, other)), 30],
    ['a third of readings get 415', of(meets('reading', 0.32, status(415, 'POST'))), 14],
    ['four of ten calls are sent to a login', of(meets('return', 0.4, called(divertedForm))), 20],
    ['a third of pages are gone', of(meets('show', 0.35, lost)), 14],
    [
      'programs open the links before their readers do',
      { ...under(besides('confirm', 6, asUsual, few(2)), 'confirm', 0.75, status(410)), isJudgedLate: true },
      35,
    ],
    [
      'usual clients are refused while a crawler is answered',
      under(besides('show', 12, asUsual, few(2)), 'show', 0.5, status(403)),
      25,
    ],
  ];
  for (const [what, play, withinS, found = isWholeSweep ? 0.6 : 1] of cases)
    test(what, () => {
      const opened = seeds.map((seed) => playFlows({ ...play, seed }).openedAfterS);
      const inTime = opened.filter((after) => after !== null && after <= withinS);
      assert.ok(inTime.length >= found * seeds.length, opened.join());
    });
});

describe('no incident', () => {
  const cases: readonly (readonly [what: string, play: FlowPlay])[] = [
    ['all is as usual', of(() => asUsual)],
    // Led to another site, or refused what was answered well before: few of them.
    ['one client is led to another site', besides('show', 1, stray, few(1))],
    ['some always were led there', of(({ flow: own, drawn }) => (own === 'show' && drawn < 0.01 ? stray : asUsual))],
    ['a page of few visitors leads to another site', of(meets('show', 0.002, stray))],
    ['sessions end at another site, and go on', besides('show', 2, stray, {}, 20)],
    ['more sessions end in the morning', { ...besides('show', 1, stray), rateOf: rising('show', 1.6) }],
    ['one client polls what is over', besides('show', 2, withdrawn, few(1))],
    ['two clients try prices that are over', besides('show', 0.5, withdrawn, few(2))],
    ['usual clients ask for what is over, for a while', besides('show', 1, withdrawn, {}, 25)],
    ['a quarter was always redirected, now elsewhere too', of(({ drawn, at, flow: own }) => mixed(own, at, drawn))],
    [
      'pages that are asked for more are gone for few',
      { ...of(meets('show', 0.004, lost)), rateOf: rising('show', 1.4) },
    ],
    // Many of them, besides.
    ['sessions of many end, and they log in again', besides('show', 6, diverted, {}, 15)],
    ['calls of many are sent to log in once', besides('return', 4, called(divertedForm), {}, 12)],
    ['programs of usual clients ask for what they have deleted', besides('show', 5, lost, {}, 30)],
    [
      'a wave of visitors finds a fifth of the old pages gone',
      { ...besides('show', 6, lost), rateOf: rising('show', 1.2) },
    ],
    ['tokens of many expire', besides('me', 4, status(401), {}, 20)],
    ['large readings come besides', besides('reading', 7, status(413, 'POST'), {}, 30)],
    ['readings of another type come besides', besides('reading', 6, status(415, 'POST'), {}, 40)],
    ['a tenth is sent to a queue for a few seconds', of(({ flow: own, at, drawn }) => queue(own, at, drawn))],
    ['a third fewer come, and few pages are gone', { ...of(meets('show', 0.01, lost)), rateOf: rising('show', 0.7) }],
    ['one client is sent to log in', besides('return', 4, called(divertedForm), few(1))],
    // Others come, and are answered or not.
    ['other pages come besides, of many', besides('show', 4, other, {}, 30)],
    [
      'other pages come besides, and a tenth fewer usual ones',
      { ...besides('show', 4, other), rateOf: fewer('added', 'show', 0.9, 30) },
    ],
    ['a crawler comes', besides('show', 15, asUsual, few(2))],
    ['a crawler comes, and is refused', besides('show', 15, status(403), few(2))],
    ['a crawler asks for what is gone', besides('show', 15, status(404), few(2))],
    [
      'a crawler comes while usual clients try what they may not',
      under(besides('show', 15, asUsual, few(2)), 'show', 0.1, status(403)),
    ],
    [
      'an agency buys, and a quarter comes too late',
      under(besides('hold', 10, asUsual, few(2)), 'hold', 0.25, status(409, 'POST')),
    ],
    [
      'many come to buy, and half are too late',
      under(
        besides('hold', 30, status(409, 'POST'), { clients: 400, firstClient: 700 }),
        'hold',
        0.5,
        status(409, 'POST'),
      ),
    ],
    [
      'a partner comes while others are a fifth fewer',
      { ...besides('show', 10, asUsual, few(2)), rateOf: fewer('added', 'show', 0.8) },
    ],
    ['mistyped codes come while a partner reads', withCodes(besides('confirm', 8, asUsual, few(1)), 'me', 2)],
    ['many new visitors come', besides('show', 30, asUsual, { clients: 300, firstClient: 700 })],
    ['a monitor sends twice as much', besides('me', 8, asUsual, few(1))],
    [
      'bots hold seats, and nearly all others get one',
      under(besides('hold', 20, asUsual, few(6)), 'hold', 0.15, status(409, 'POST')),
    ],
  ];
  for (const [what, play] of cases)
    test(`where ${what}`, () => {
      const opened = seedsOfTwins.map((seed) => playFlows({ ...play, seconds: 90, seed }).openedAfterS);
      assert.ok(opened.filter((after) => after !== null).length <= opened.length / 6, opened.join());
    });
});

function mixed(own: string, at: number, drawn: number): FlowMet {
  if (own !== 'show' || drawn > 0.3) return asUsual;
  return at >= 0 && drawn < 0.06 ? stray : form(redirectForm);
}

const queue = (own: string, at: number, drawn: number): FlowMet =>
  own === 'show' && at >= 0 && at < 6 && drawn < 0.12 ? diverted : asUsual;

function fewer(added: string, name: string, times: number, forS = Infinity): NonNullable<FlowPlay['rateOf']> {
  return ({ name: own, perS }, at) =>
    at < 0 ? (own === added ? 0 : perS) : own === name ? perS * times : own === added && at >= forS ? 0 : perS;
}

/** And codes that usual clients mistype. */
function withCodes(play: FlowPlay, name: string, perS: number): FlowPlay {
  const like = usual.find((one) => one.name === name) as PlayedFlow;
  const codes = { ...like, name: 'codes', perS };
  return {
    flows: [...play.flows, codes],
    rateOf: (one, at) => (one === codes && at < 0 ? 0 : (play.rateOf?.(one, at) ?? one.perS)),
    meets: (request) => (request.flow === 'codes' ? status(404) : play.meets(request)),
  };
}
