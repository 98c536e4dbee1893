import type { CheckMode, OriginMode } from './origin-messages.ts';
import type { Origins } from './origins.ts';
import type { StormFigures } from './figures.ts';
import type { StormSetting } from './gateways.ts';

/** What a storm changes while requests come. */
export interface StormContext {
  readonly origins: Origins;
  readonly seconds: number;
  /** Resolves at this millisecond of the storm. */
  readonly until: (ms: number) => Promise<void>;
  /** Trouble begins now, once more, or is over now. */
  readonly begin: () => void;
  readonly over: () => void;
}

export interface Storm extends Partial<Omit<StormSetting, 'concurrency'>> {
  readonly name: string;
  readonly title: string;
  readonly seconds: number;
  /** Requests a second; or how many clients send one after another. */
  readonly load: { readonly perSecond: number } | { readonly clients: number };
  /** Clients that are slow, beside the load. */
  readonly slowClients?: number;
  readonly tookMs?: number;
  /** How many requests an origin handles at a time, which the gateway is told; without it as many as come. */
  readonly concurrency?: number;
  readonly isOutage?: true;
  /** Statuses by which a gateway says truthfully what happens. */
  readonly truthful: readonly number[];
  readonly happens: (context: StormContext) => Promise<void>;
  /** What is asked of Candor, and whether the figures say so. */
  readonly asked: string;
  readonly isMet: (figures: StormFigures) => boolean;
}

/** From one restart to the next, and how long a program needs until it listens. */
const restartEveryMs = 5000;
const bootMs = 1000;

function restarts(how: 'finish' | 'die'): Storm['happens'] {
  return async ({ origins, seconds, until, begin }) => {
    const last = seconds * 1000 - restartEveryMs / 2;
    for (let restart = 0, atMs = 1000; atMs < last; restart++, atMs += restartEveryMs) {
      await until(atMs);
      begin();
      await origins.end(restart % origins.count, how);
      await origins.boot(restart % origins.count, bootMs);
    }
  };
}

/** A quarter of the storm is calm, then one origin fails for half of it. */
function failing(mode: OriginMode, check?: CheckMode): Storm['happens'] {
  return async ({ origins, seconds, until, begin, over }) => {
    await until(seconds * 250);
    begin();
    await origins.set(0, mode, check);
    await until(seconds * 750);
    over();
    await origins.set(0, 'good');
  };
}

async function refuses({ origins, seconds, until, begin, over }: StormContext): Promise<void> {
  await until(seconds * 250);
  begin();
  await origins.listen(0, false);
  await until(seconds * 750);
  over();
  await origins.listen(0, true);
}

/** All origins are killed after 3 s, and listen again 7 s before the end. */
async function outage({ origins, seconds, until, begin, over }: StormContext): Promise<void> {
  const all = Array.from({ length: origins.count }, (_, index) => index);
  await until(3000);
  begin();
  await Promise.all(all.map((index) => origins.end(index, 'die')));
  await until(Math.max(4, seconds - 7) * 1000);
  await Promise.all(all.map((index) => origins.boot(index, 0)));
  over();
}

async function checksFail({ origins, seconds, until, begin, over }: StormContext): Promise<void> {
  const all = Array.from({ length: origins.count }, (_, index) => index);
  await until(seconds * 250);
  begin();
  await Promise.all(all.map((index) => origins.set(index, 'good', 'fails')));
  await until(seconds * 750);
  over();
  await Promise.all(all.map((index) => origins.set(index, 'good')));
}

const calm = async (): Promise<void> => {};

const fault = {
  seconds: 12,
  load: { perSecond: 300 },
  asked: '<= 1 % of the GETs failed in the first second, nothing afterwards',
  isMet: ({ failedGetsInFirstSecond, getsInFirstSecond, failedLater }: StormFigures) =>
    failedGetsInFirstSecond <= getsInFirstSecond / 100 && failedLater === 0,
} satisfies Partial<Storm>;

function failed({ requests, ok }: StormFigures): number {
  return requests - ok;
}

export const storms: readonly Storm[] = [
  {
    name: 'restarts-graceful',
    title: 'three origins restart in turn, their requests finished',
    seconds: 17,
    load: { perSecond: 300 },
    truthful: [502, 503],
    happens: restarts('finish'),
    asked: 'no failure',
    isMet: (figures) => failed(figures) === 0,
  },
  {
    name: 'restarts-abrupt',
    title: 'three origins are killed and start again in turn',
    seconds: 17,
    load: { perSecond: 300 },
    truthful: [502, 503],
    happens: restarts('die'),
    asked: 'only POSTs in flight fail, each with a 502 that says sent_unknown',
    isMet: (figures) =>
      figures.failedGets === 0 &&
      Object.keys(figures.failures).every((kind) => kind === '502') &&
      Object.keys(figures.causes).every((cause) => cause.endsWith(' sent_unknown')),
  },
  {
    ...fault,
    name: 'fault-500',
    title: 'one of three origins answers 500',
    retriesStatus500: true,
    truthful: [500],
    happens: failing('status_500'),
  },
  {
    ...fault,
    name: 'fault-stall',
    attemptTimeoutMs: 500,
    title: 'one of three origins does not answer',
    truthful: [504],
    happens: failing('stalled'),
  },
  {
    ...fault,
    name: 'fault-reset',
    title: 'one of three origins resets each connection',
    truthful: [502],
    happens: failing('reset'),
  },
  {
    ...fault,
    name: 'fault-garbage',
    title: 'one of three origins answers with garbage',
    truthful: [502],
    happens: failing('garbage'),
  },
  { ...fault, name: 'fault-refuse', title: 'one of three origins refuses', truthful: [502, 503], happens: refuses },
  {
    ...fault,
    name: 'fault-slow',
    title: 'one of three origins takes ten times as long',
    truthful: [504],
    happens: failing('slow'),
  },
  {
    name: 'outage',
    title: 'no origin for 30 s, and 1,000 clients that come again when told to',
    isOutage: true,
    endpoints: 2,
    seconds: 40,
    load: { clients: 1000 },
    truthful: [502, 503],
    happens: outage,
    asked: '<= 1.2 attempts per request, <= 5 refused/s per origin, full within 2 s',
    isMet: ({ amplification, refusedConnections, fullAgainMs, perSecond }) =>
      amplification <= 1.2 &&
      (refusedConnections ?? 0) <= 5 * 2 * (perSecond.length - 10) &&
      fullAgainMs !== null &&
      fullAgainMs <= 2000,
  },
  {
    name: 'overload',
    title: 'three times what an origin can do: 20 at a time, 50 ms each, 400/s',
    endpoints: 1,
    concurrency: 20,
    tookMs: 50,
    seconds: 10,
    load: { perSecond: 1200 },
    truthful: [503, 429],
    happens: calm,
    asked: '>= 90 % of what it can do, p99 <= 1 s, each refusal has Retry-After',
    isMet: ({ p99Ms, refusals, refusalsWithRetryAfter, ...figures }) =>
      figures.ok >= (0.9 * figures.requests) / 3 &&
      p99Ms <= 1000 &&
      refusals === refusalsWithRetryAfter &&
      refusals === figures.requests - figures.ok,
  },
  {
    name: 'slow-clients',
    title: '5,000 clients send or read slowly, beside 100 requests a second',
    seconds: 15,
    load: { perSecond: 100 },
    slowClients: 5000,
    truthful: [503],
    happens: calm,
    asked: 'no failure',
    isMet: (figures) => failed(figures) === 0,
  },
  {
    name: 'lying-check',
    title: 'one of three origins resets each connection, and its check passes',
    seconds: 16,
    load: { perSecond: 300 },
    truthful: [502],
    happens: failing('reset', 'passes'),
    asked: 'the last failure within 3 s',
    isMet: ({ recoveredMs }) => recoveredMs !== null && recoveredMs <= 3000,
  },
  {
    name: 'failing-check',
    title: 'the checks of all three origins get 404, requests get 200',
    seconds: 16,
    load: { perSecond: 300 },
    truthful: [],
    happens: checksFail,
    asked: 'no failure',
    isMet: (figures) => failed(figures) === 0,
  },
  {
    name: 'single-restart',
    title: 'the only origin is killed, and listens again after 2 s',
    endpoints: 1,
    seconds: 12,
    load: { perSecond: 100 },
    truthful: [502, 503],
    happens: async ({ origins, until, begin }) => {
      await until(3000);
      begin();
      await origins.end(0, 'die');
      await origins.boot(0, 2000);
    },
    asked: 'no GET fails',
    isMet: ({ failedGets }) => failedGets === 0,
  },
];
