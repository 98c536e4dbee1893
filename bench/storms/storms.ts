import type { StormGateway, StormSetting } from './configurations.ts';
import * as asked from './criteria.ts';
import type { Criterion } from './criteria.ts';
import * as trouble from './troubles.ts';

export interface Storm extends Partial<Omit<StormSetting, 'concurrency'>> {
  readonly name: string;
  readonly title: string;
  readonly seconds: number;
  /** Requests a second; or how many clients send one after another. */
  readonly load: { readonly perSecond: number } | { readonly clients: number };
  /** Before the storm; absent: 300, or what the storm has if that is less. */
  readonly warmUpPerSecond?: number;
  /** Whether the load has no POSTs; of others each third request is one. */
  readonly getsOnly?: true;
  /** Clients that are slow, beside the load. */
  readonly slowClients?: number;
  /** How long a request takes in an origin. */
  readonly tookMs?: number;
  /** How many requests an origin handles at a time; without it as many as come. */
  readonly places?: number;
  /** What becomes of more. */
  readonly beyond?: 'wait' | 'slow_down';
  /** Whether the gateways are told how many places an origin has. */
  readonly isTold?: true;
  readonly isOutage?: true;
  /** Of how many origins Candor must say that checks and requests disagree. */
  readonly named?: number;
  /** Statuses by which a gateway says truthfully what happens. */
  readonly truthful: readonly number[];
  readonly happens: trouble.Trouble;
  /** Who is measured: all of them unless it says so. */
  readonly gateways?: readonly StormGateway[];
  /** What is asked of Candor. Nothing, where the storm is there to be compared with another one. */
  readonly asked: readonly Criterion[];
}

const fault = {
  seconds: 7,
  load: { perSecond: 300 },
  asked: [asked.firstSecond, asked.nothingLater],
} satisfies Partial<Storm>;

/**
 * An origin that becomes slow, for all, when it has more requests than places, and who does not know how many it has. At 300/s it would have 15, and
 * never recover from 27: a pause of 40 ms in a gateway that compiles its code while it warms up would decide the storm before it begins.
 */
const slowDown = {
  warmUpPerSecond: 100,
  ...{ endpoints: 1, places: 20, tookMs: 50, beyond: 'slow_down', seconds: 8 },
  ...{ load: { perSecond: 600 }, truthful: [503, 504, 429], happens: trouble.always },
} satisfies Partial<Storm>;

const uneven = {
  ...{ getsOnly: true, seconds: 8, load: { perSecond: 300 }, truthful: [], happens: trouble.unevenOrigin },
  gateways: ['candor'],
} satisfies Partial<Storm>;

export const storms: readonly Storm[] = [
  {
    name: 'restarts-graceful',
    title: 'three origins restart in turn, their requests finished',
    seconds: 13,
    load: { perSecond: 300 },
    truthful: [502, 503],
    happens: trouble.restarts('finish'),
    asked: [asked.noFailure(3)],
  },
  {
    name: 'restarts-abrupt',
    title: 'three origins are killed and start again in turn',
    seconds: 13,
    load: { perSecond: 300 },
    truthful: [502, 503],
    happens: trouble.restarts('die'),
    asked: [asked.failedInFlightOnly],
  },
  {
    ...fault,
    name: 'fault-500',
    title: 'one of three origins answers 500',
    retriesStatus500: true,
    attemptTimeoutMs: 1000,
    truthful: [500],
    happens: trouble.failing('status_500'),
  },
  {
    ...fault,
    name: 'fault-stall',
    title: 'one of three origins does not answer',
    attemptTimeoutMs: 1000,
    truthful: [504],
    happens: trouble.failing('stalled'),
  },
  {
    ...fault,
    name: 'fault-reset',
    title: 'one of three origins resets each connection',
    attemptTimeoutMs: 1000,
    truthful: [502],
    happens: trouble.failing('reset'),
  },
  {
    ...fault,
    name: 'fault-garbage',
    title: 'one of three origins answers with garbage',
    attemptTimeoutMs: 1000,
    truthful: [502],
    happens: trouble.failing('garbage'),
  },
  {
    ...fault,
    name: 'fault-refuse',
    title: 'one of three origins refuses connections',
    attemptTimeoutMs: 1000,
    truthful: [502, 503],
    happens: trouble.refuses,
  },
  {
    ...fault,
    name: 'fault-slow',
    title: 'one of three origins takes ten times as long',
    attemptTimeoutMs: 1000,
    truthful: [504],
    happens: trouble.failing('slow'),
  },
  {
    name: 'outage',
    title: 'no origin for 30 s, and 1,000 clients that come again when told to',
    isOutage: true,
    endpoints: 2,
    seconds: 38,
    load: { clients: 1000 },
    truthful: [502, 503],
    happens: trouble.outage,
    asked: [asked.noStorm, asked.fewConnections, asked.fullWithin2s],
  },
  {
    name: 'overload',
    title: 'three times what an origin can do: 20 at a time, 50 ms each, 400/s',
    ...{ endpoints: 1, places: 20, isTold: true, tookMs: 50, seconds: 7 },
    load: { perSecond: 1200 },
    truthful: [503, 504, 429],
    happens: trouble.always,
    asked: [asked.goodputOf(90, 3), asked.p99Of(1000), asked.refusedWithRetryAfter],
  },
  {
    ...slowDown,
    name: 'slow-down',
    title: 'an origin that becomes slow when it has more than 20 requests; 1.5 times its best',
    asked: [],
  },
  {
    ...slowDown,
    name: 'slow-down-adaptive',
    title: 'the same, with concurrency: { adaptive: true }',
    adaptive: true,
    gateways: ['candor'],
    // A limit that adapts lets some requests queue, which costs this origin a fifth of its best: that is how it sees where the best is.
    asked: [asked.goodputOf(75, 1.5), asked.p99Of(1000), asked.refusedWithRetryAfter],
  },
  {
    name: 'slow-clients',
    title: '5,000 clients send or read slowly, beside 100 requests a second',
    seconds: 8,
    load: { perSecond: 100 },
    slowClients: 5000,
    truthful: [503],
    happens: trouble.always,
    asked: [asked.noFailure(0), asked.slowClientsStayed],
  },
  {
    name: 'lying-check',
    title: 'one of three origins resets each connection, and its check passes',
    seconds: 10,
    load: { perSecond: 300 },
    named: 1,
    truthful: [502],
    happens: trouble.failing('reset', 'passes'),
    asked: [asked.overWithin3s, asked.namedWithin3s],
  },
  {
    name: 'failing-check',
    title: 'the checks of all three origins get 404, requests get 200',
    seconds: 10,
    load: { perSecond: 300 },
    named: 3,
    truthful: [],
    happens: trouble.checksFail,
    asked: [asked.noFailure(1), asked.namedWithin3s],
  },
  {
    name: 'single-restart',
    title: 'the only origin is killed, and listens again after 2 s',
    endpoints: 1,
    seconds: 7,
    load: { perSecond: 100 },
    truthful: [502, 503],
    happens: trouble.singleRestart,
    asked: [asked.noFailedGet(1)],
  },
  {
    ...uneven,
    name: 'uneven',
    title: 'GETs; one of three origins takes 500 ms instead of 20 for one of twenty',
    asked: [],
  },
  {
    ...uneven,
    name: 'uneven-hedged',
    title: 'the same, with retry: { hedge: true }',
    hedge: true,
    asked: [asked.p99Of(250), asked.attemptsOf(1.2), asked.noFailure(0)],
  },
];
