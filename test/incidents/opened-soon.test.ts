import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerKey, contentKindOfText } from '../../src/core/content-kind.ts';
import { allRoutes, type Met, playShop, type ShopPlay, type ShopRequest } from './played-shop.ts';

const asUsual: Met = {};
const [json, html] = [contentKindOfText('application/json'), contentKindOfText('text/html')];
const [limited, page] = [answerKey(429, 'GET', json, 60, false), answerKey(200, 'GET', html, 3000, false)];
const [one, three] = [['cart'], ['cart', 'api', 'checkout']];

/** To this share of the requests of these routes. */
const happens =
  (routes: readonly string[], share: number, met: Met) =>
  ({ route, drawn }: ShopRequest): Met =>
    drawn < share && routes.includes(route) ? met : asUsual;

/** Nothing is answered for a time, again and again. */
const standsStill =
  (forS: number, everyS: number) =>
  ({ at }: ShopRequest): Met =>
    at % everyS < forS ? { moreMs: (forS - (at % everyS)) * 1000 } : asUsual;

describe('an outage that harms a twentieth of the requests or more is an incident soon', () => {
  const cases: readonly (readonly [what: string, meets: ShopPlay['meets'], withinS: number])[] = [
    ['a third of one route 0.4 s later', happens(one, 0.35, { moreMs: 400 }), 10],
    ['a fifth of three routes 0.4 s later', happens(three, 0.2, { moreMs: 400 }), 10],
    ['a fifth of all 1.5 s later', happens(allRoutes, 0.2, { moreMs: 1500 }), 10],
    ['a seventh of all 0.4 s later', happens(allRoutes, 0.14, { moreMs: 400 }), 10],
    ['a third of three routes with 429', happens(three, 0.35, { answer: limited }), 10],
    ['four of ten of all with a page in place of JSON', happens(allRoutes, 0.4, { answer: page }), 6],
    ['six of ten of one route with 429', happens(one, 0.6, { answer: limited }), 6],
    ['a tenth with 500', happens(allRoutes, 0.1, { isFailed: true }), 4],
    ['all stand still for 2.5 s each 15 s', standsStill(2.5, 15), 19],
    ['all stand still for 1.5 s each 12 s', standsStill(1.5, 12), 27],
  ];
  for (const [what, meets, withinS] of cases)
    test(what, () => {
      const { harmedShare, openedAfterS } = playShop({ meets, seconds: withinS + 5 });
      assert.ok(harmedShare >= 0.05, `${harmedShare} were harmed`);
      assert.ok((openedAfterS ?? Infinity) <= withinS, `opened after ${openedAfterS} s`);
    });
});

const clientOfReports = 1000;

describe('no incident', () => {
  const cases: readonly (readonly [what: string, play: ShopPlay])[] = [
    ['all is as usual', { meets: () => asUsual, seconds: 120 }],
    ['all stand still for five seconds', { meets: ({ at }) => (at < 5 ? { moreMs: (5 - at) * 1000 } : asUsual) }],
    [
      'a third is 0.4 s late for six seconds',
      { meets: ({ at, drawn }) => (at < 6 && drawn < 0.3 ? { moreMs: 400 } : asUsual) },
    ],
    [
      'two endpoints are new, and a fifth is late for fifteen seconds, less and less',
      {
        meets: ({ at, drawn }) => (drawn < 0.2 * Math.exp(-at / 8) ? { moreMs: 400 } : asUsual),
        isNew: true,
      },
    ],
    [
      'one client asks for what takes long, as a third of a route',
      {
        meets: ({ client }) => (client === clientOfReports ? { moreMs: 900 } : asUsual),
        more: { perS: 7, routes: one, client: clientOfReports },
        seconds: 12,
      },
    ],
    [
      'many clients get other pages of three routes besides the usual ones',
      {
        meets: ({ drawn, route }) => (three.includes(route) && drawn < 0.4 ? { answer: page } : asUsual),
        more: { perS: 9, routes: three },
        seconds: 30,
      },
    ],
    ['all stand still for half a second, twice in a minute', { meets: standsStill(0.5, 30) }],
    ['all stand still for three seconds once a minute', { meets: standsStill(3, 60), seconds: 130 }],
  ];
  // What is usual is known of a short time alone.
  for (const seed of [1, 2])
    test(`where many clients get as many pages as usual besides, of a quiet route (${seed})`, () => {
      const meets = ({ route, drawn }: ShopRequest): Met =>
        route === 'pages' && drawn < 0.5 ? { answer: limited } : asUsual;
      const { openedAfterS } = playShop({ meets, more: { perS: 3, routes: ['pages'] }, seconds: 38, seed });
      assert.equal(openedAfterS, null);
    });
  for (const [what, play] of cases) test(`where ${what}`, () => assert.equal(playShop(play).openedAfterS, null));
});
