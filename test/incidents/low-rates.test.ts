import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  answerKey,
  contentKindOfText,
  lostForm,
  sizeCells,
  unaskedForm,
  unfitForm,
  unreadableForm,
  unsafeKey,
} from '../../src/core/content-kind.ts';
import { incidentSentence } from '../../src/incidents/incident-sentence.ts';
import { type FlowMet, type FlowPlay, type FlowRequest, playFlows, type PlayedFlow } from './played-flows.ts';

const flow = (name: string, route: string, perS: number, more: Partial<PlayedFlow> = {}): PlayedFlow => ({
  ...{ name, route, perS },
  ...more,
});
const post = { method: 'POST' };
const one = (firstClient: number): Partial<PlayedFlow> => ({ clients: 1, firstClient });
const tasks = { path: '/tasks', medianMs: 18 };

/** A service in which teams keep their tasks: some 45 requests a second. */
const usual: readonly PlayedFlow[] = [
  ...[flow('me', 'v1', 5), flow('projects', 'v1', 4), flow('list', 'tasks', 8, tasks), flow('files', 'files', 4)],
  ...[flow('one', 'tasks', 6, { path: '/tasks/#' }), flow('done', 'tasks', 4, { path: '/tasks/#', method: 'PATCH' })],
  ...[flow('add', 'tasks', 3, { ...tasks, ...post }), flow('comment', 'comments', 4, post), flow('bill', 'billing', 2)],
  ...[flow('token', 'tokens', 2, post), flow('app', 'app', 2), flow('script', 'assets', 3)],
];

const json = contentKindOfText('application/json');
const [unasked, unfit, lost] = [unaskedForm * sizeCells, unsafeKey + unfitForm * sizeCells, lostForm * sizeCells];
const missing = answerKey(404, 'GET', json, 80, false);
const inVain: FlowMet = { answer: missing, route: 'v1', path: '/v1/*' };
const asUsual: FlowMet = {};

const firmware = flow('firmware', 'files', 0.16, { path: '/files/firmware/#' });
const binary = answerKey(200, 'GET', contentKindOfText('application/octet-stream'), 95_000, false);
const unreadable = unreadableForm * sizeCells;

/** What a flow meets from the beginning on, with a share of its requests. */
const meets =
  (name: string, met: FlowMet | ((request: FlowRequest) => FlowMet), share = 1): FlowPlay['meets'] =>
  (request) => {
    if (request.flow !== name || request.at < 0 || request.drawn >= share) return asUsual;
    return typeof met === 'function' ? met(request) : met;
  };

/** These come from the beginning on alone. */
const comeLater =
  (...names: readonly string[]): NonNullable<FlowPlay['rateOf']> =>
  ({ name, perS }, at) =>
    names.includes(name) && at < 0 ? 0 : perS;

/** One client, whose tasks one endpoint does not find. */
const moved = flow('moved', 'tasks', 1.5, { path: '/tasks/#', ...one(5) });
const lostAtOne = meets('moved', ({ endpoint }) => (endpoint === 1 ? { answer: lost } : asUsual));

const seeds = [1, 2, 3, 4];

describe('an outage of few requests is an incident within two minutes', () => {
  const cases: readonly (readonly [
    what: string,
    play: Pick<FlowPlay, 'flows' | 'meets' | 'isJudgedLate'>,
    found: number,
    says: RegExp,
  ])[] = [
    [
      '3 % of a quiet route with 500',
      { flows: [...usual, flow('upload', 'app', 3, post)], meets: meets('upload', { isFailed: true }, 0.06) },
      ...([3, /The application itself answers with errors/] as const),
    ],
    [
      '1 % of a busy route with 500',
      { flows: [...usual, flow('monthly', 'tasks', 0.25, post)], meets: meets('monthly', { isFailed: true }) },
      ...([3, /The application itself answers with errors/] as const),
    ],
    [
      '304 for 4 % of those that had no copy',
      { flows: [...usual, flow('style', 'assets', 9)], meets: meets('style', { answer: unasked }, 0.04) },
      ...([3, /304 or 206 for requests without a condition or a range on the route assets/] as const),
    ],
    [
      'content that its clients cannot read, at a path that has few requests and content of its own',
      {
        flows: [...usual, firmware],
        meets: (request) => (request.flow !== 'firmware' ? asUsual : { answer: request.at < 0 ? binary : unreadable }),
      },
      ...([4, /content that its clients cannot read/] as const),
    ],
    [
      '413 for long texts',
      {
        flows: [...usual, flow('long', 'tasks', 0.35, { ...tasks, ...post })],
        meets: meets('long', { answer: unfit }),
      },
      ...([3, /4xx for the size or the form of requests/] as const),
    ],
    [
      'one client that leaves half of its requests after 5 s',
      {
        flows: [...usual, flow('large', 'tasks', 0.9, { ...tasks, ...one(77) })],
        meets: meets('large', { leftAfterMs: 5000 }, 0.5),
      },
      ...([3, /\d % of the requests of the route tasks wait/] as const),
    ],
    [
      'one client that leaves all of its requests after 5 ms',
      { flows: [...usual, flow('partner', 'billing', 1.3, one(86))], meets: meets('partner', { leftAfterMs: 5 }) },
      ...([4, /were left by their clients: .* after 5 ms, where half take/] as const),
    ],
    [
      'files that stall in their middle, and are left after 10 s',
      {
        flows: [...usual, flow('style', 'assets', 6)],
        meets: meets('style', ({ drawn }) => ({ cutAfterMs: 10_000 + 400 * drawn }), 0.06),
      },
      ...([3, /after 10 s, before their response was complete/] as const),
    ],
    [
      '404 for one client at one of two endpoints',
      { flows: [...usual, moved], meets: lostAtOne },
      ...([4, /Only shop\/127.0.0.1:3002 answers otherwise; the others answer as before/] as const),
    ],
    [
      'requests that move to paths that never were',
      {
        flows: [...usual, flow('plug-in', 'tasks', 5, { ...tasks, clients: 12, firstClient: 60 })],
        ...{ meets: meets('plug-in', inVain), isJudgedLate: true },
      },
      ...([4, /404 on the route v1, and as many requests are missing at \/tasks of the route tasks/] as const),
    ],
  ];
  for (const [what, play, found, says] of cases)
    test(what, () => {
      const played = seeds.map((seed) => playFlows({ ...play, seed }));
      const opened = played.filter(({ openedAfterS }) => openedAfterS !== null);
      assert.ok(opened.length >= found, played.map(({ openedAfterS }) => openedAfterS).join());
      for (const { later } of opened) if (later !== null) assert.match(incidentSentence(later), says);
    });
});

describe('no incident', () => {
  const cases: readonly (readonly [what: string, play: FlowPlay])[] = [
    ['all is as usual', { flows: usual, meets: () => asUsual }],
    [
      'people type, and each letter ends a search',
      {
        flows: [...usual, flow('suggest', 'search', 6, { medianMs: 300 })],
        meets: meets('suggest', ({ drawn }) => ({ leftAfterMs: 30 + 500 * drawn }), 0.4),
      },
    ],
    [
      'people stop films',
      {
        flows: [...usual, flow('film', 'media', 4)],
        meets: meets('film', ({ drawn }) => ({ cutAfterMs: 300 * Math.exp(15 * drawn) }), 0.3),
      },
    ],
    [
      'phones end long downloads after half a minute',
      {
        flows: [...usual, flow('film', 'media', 4)],
        meets: ({ flow: name, at, drawn }) =>
          name !== 'film' ? asUsual : at >= 0 && drawn < 0.2 ? { cutAfterMs: 30_000 } : { moreMs: 40_000 * drawn },
      },
    ],
    [
      'a program that nobody has seen before leaves all that it asks for',
      {
        flows: [...usual, flow('monitor', 'v1', 1, one(96))],
        rateOf: comeLater('monitor'),
        meets: meets('monitor', { leftAfterMs: 5 }),
      },
    ],
    [
      'bots look for paths that never were',
      {
        flows: [...usual, flow('bots', 'v1', 5, { clients: 200, firstClient: 300 })],
        rateOf: comeLater('bots'),
        meets: meets('bots', inVain),
      },
    ],
    [
      'a scanner begins in the second in which a job ends',
      {
        flows: [...usual, flow('job', 'tasks', 5, { ...tasks, ...one(92) }), flow('scan', 'v1', 5, one(93))],
        rateOf: ({ name, perS }, at) => (name === 'job' ? (at < 0 ? 5 : 0) : name === 'scan' && at < 0 ? 0 : perS),
        meets: meets('scan', inVain),
      },
    ],
    [
      'an app moves to a new path that is answered',
      {
        flows: [...usual, flow('app-2', 'tasks', 5, { ...tasks, clients: 12, firstClient: 60 })],
        meets: meets('app-2', { route: 'v1', path: '/v2/tasks' }),
      },
    ],
    [
      'one client that stays at its endpoint asks for what is not there',
      { flows: [...usual, moved], meets: lostAtOne, sendsByChance: false },
    ],
    [
      'one client asks for tasks that it has deleted',
      {
        flows: [...usual, flow('sync', 'tasks', 1, { path: '/tasks/#', ...one(95) })],
        meets: meets('sync', { answer: lost }),
      },
    ],
  ];
  for (const [what, play] of cases)
    test(`where ${what}`, () => {
      assert.equal(playFlows(play).openedAfterS, null);
    });
});
