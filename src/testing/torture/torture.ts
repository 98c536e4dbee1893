import { after, type Clock, type Instant, type Timer } from '../../core/time.ts';
import { headerOf } from '../raw-response.ts';
import { tortureCases } from './cases.ts';
import { type GatewayTarget, type PlannedRun, type FailedCheck, pass, Player } from './play.ts';
import { judge, judgeCause } from './judge.ts';
import { type Score, scoreOf } from './score.ts';
import { goodTls, startStage, tlsGroups, type TortureGroup, type TortureStage } from './stage.ts';
import type { Expectation, TortureObservation } from './torture-case.ts';
import type { SeenRun, TortureRun } from './torture-run.ts';

/** What was seen, and for how long this process did not run meanwhile. */
interface Observed<T> {
  readonly seen: T;
  readonly heldUpMs: number;
}

/** A process that stood still for so long may have made a gateway's time limit pass, or its own. */
const heldUpMsMin = 100;
/** Why a run whose process was held up each time has no verdict. */
export const notJudged = `Not judged: a timer of this program was more than ${heldUpMsMin} ms late each time. Is the machine busy?`;

const attemptsMax = 4;
const timerMs = 20;

/** Observes, and knows from its timers when this process was held up: by other programs, or by the host of a virtual machine. */
export class HoldUpWatch {
  readonly #clock: Clock;
  #due: Instant;
  #longestMs = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#due = clock.now();
  }

  /** An observation during which this process was held up proves nothing: it is repeated, a few times, unless `holds` is true of it. */
  async observe<T>(
    look: () => Promise<T>,
    holds: (seen: T) => boolean,
    isStopped: () => boolean = () => false,
  ): Promise<Observed<T>> {
    for (let attempts = 1; ; attempts++) {
      this.#begin();
      const seen = await look();
      const heldUpMs = this.#end();
      if (heldUpMs <= heldUpMsMin || holds(seen) || attempts === attemptsMax || isStopped()) return { seen, heldUpMs };
    }
  }

  #begin(): void {
    this.#longestMs = 0;
    this.#arm();
  }

  /** How late the latest timer was. */
  #end(): number {
    this.#timer?.cancel();
    this.#note();
    return this.#longestMs;
  }

  #arm(): void {
    this.#due = after(this.#clock.now(), timerMs);
    this.#timer = this.#clock.schedule(this.#due, HoldUpWatch.#fired, this);
  }

  static #fired(this: void, watch: HoldUpWatch): void {
    watch.#note();
    watch.#arm();
  }

  #note(): void {
    this.#longestMs = Math.max(this.#longestMs, this.#clock.now() - this.#due);
  }
}

export interface TortureOptions {
  readonly gateway: GatewayTarget;
  /** Where the torture origin listens; port 0 for free ones. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Whether to include TLS. The gateway must trust the authority of the stage. */
  readonly tls: boolean;
  /** Parts of the names of cases or groups; empty for all. */
  readonly only: readonly string[];
  /** Time limit for one exchange. */
  readonly timeoutMs: number;
  /** How long to wait until a first plain request succeeds. Default: the time limit of an exchange. */
  readonly startMs?: number;
  readonly clock: Clock;
  /** Ends the run after the current exchange. */
  readonly isStopped?: () => boolean;
  /** Called when everything listens and before the first request. May set up the gateway. */
  readonly onStage?: (stage: TortureStage) => void | Promise<void>;
  /** Called before each exchange. */
  readonly onRun?: (run: PlannedRun, done: number, all: number) => void;
}

export interface TortureReport {
  readonly schema: 2;
  readonly gateway: string;
  /** ISO 8601. */
  readonly at: string;
  readonly timeout_ms: number;
  /** False if the run was interrupted. */
  readonly finished: boolean;
  readonly groups: readonly TortureGroup[];
  readonly score: Score;
  readonly runs: readonly TortureRun[];
}

/** Why no case could be tried. */
export type TortureObstacle =
  | { readonly kind: 'cannot_listen'; readonly errno: string }
  | { readonly kind: 'no_such_case' }
  | {
      readonly kind: 'gateway_unreachable';
      /** Node's code ('ECONNREFUSED', 'CERT_HAS_EXPIRED'); null without one. */
      readonly errno: string | null;
      readonly stage: readonly TortureGroup[];
    }
  /** The gateway answers, but not with the response of the torture origin. */
  | {
      readonly kind: 'not_routed';
      readonly status: number | null;
      readonly server: string | null;
      readonly excerpt: string;
      readonly originSaw: number;
      readonly stage: readonly TortureGroup[];
    }
  | { readonly kind: 'stopped' };

/** Tries every case on a gateway, one exchange after another, each in bounded time. */
export async function torture(options: TortureOptions): Promise<TortureReport | TortureObstacle> {
  const planned = plannedRuns(options.only);
  if (planned.length === 0) return { kind: 'no_such_case' };
  const { listen, tls, clock } = options;
  let stage: TortureStage;
  try {
    stage = await startStage({ ...listen, tls, clock });
  } catch (error) {
    return { kind: 'cannot_listen', errno: errnoOf(error) };
  }
  try {
    await options.onStage?.(stage);
    const { gateway, timeoutMs } = options;
    const player = new Player({ gateway, stage, clock, timeoutMs });
    return (await findObstacle(player, stage, options)) ?? (await playAll(player, stage, planned, options));
  } finally {
    await stage.close();
  }
}

function plannedRuns(only: readonly string[]): readonly PlannedRun[] {
  return tortureCases
    .filter(({ id, group }) => only.length === 0 || only.some((part) => id.includes(part) || group.includes(part)))
    .flatMap((of) => of.requests.flatMap((request) => of.on.map((on): PlannedRun => ({ of, request, on }))));
}

/** Null as soon as a plain request succeeds. A gateway may need a while to notice that its origin is there. */
async function findObstacle(
  player: Player,
  stage: TortureStage,
  { timeoutMs, startMs = timeoutMs, clock, isStopped }: TortureOptions,
): Promise<TortureObstacle | null> {
  const limit = after(clock.now(), startMs);
  for (;;) {
    const outcome = await player.check();
    if (outcome === 'ok') return null;
    if (isStopped?.() === true) return { kind: 'stopped' };
    if (clock.now() >= limit) return obstacleOf(outcome, stage);
    await pass(clock, checkAgainMs);
  }
}

function obstacleOf({ response, bytes, state, errno }: FailedCheck, stage: TortureStage): TortureObstacle {
  if (bytes.length === 0 && state === 'failed') return { kind: 'gateway_unreachable', errno, stage: stage.groups };
  return {
    kind: 'not_routed',
    status: response?.status ?? null,
    server: response === null ? null : headerOf(response, 'server'),
    excerpt: (response?.body ?? bytes).toString('latin1', 0, excerptBytes),
    originSaw: stage.plain.requests.length,
    stage: stage.groups,
  };
}

async function playAll(
  player: Player,
  stage: TortureStage,
  planned: readonly PlannedRun[],
  { gateway, timeoutMs, clock, isStopped, onRun }: TortureOptions,
): Promise<TortureReport> {
  const at = new Date(clock.wallTime()).toISOString();
  const runs: TortureRun[] = [];
  const watch = new HoldUpWatch(clock);
  const trusts = stage.tls !== null && (await watch.observe(() => trustsAuthority(player), Boolean)).seen;
  const isSound = ({ verdict }: TortureRun): boolean => verdict === 'right' || verdict === null;
  for (const [index, run] of planned.entries()) {
    if (isStopped?.() === true) break;
    onRun?.(run, index, planned.length);
    const look = async (): Promise<TortureRun> => runOf(run, await playOne(player, stage, run, trusts));
    const { seen, heldUpMs } = await watch.observe(look, isSound, isStopped);
    runs.push(heldUpMs <= heldUpMsMin || isSound(seen) ? seen : { ...seen, verdict: null, why: notJudged });
  }
  return {
    schema: 2,
    gateway: gateway.url.href,
    at,
    timeout_ms: timeoutMs,
    finished: runs.length === planned.length,
    groups: stage.groups,
    score: scoreOf(runs),
    runs,
  };
}

/** Without trust in the authority every session fails, for a reason that is not the origin's. */
async function trustsAuthority(player: Player): Promise<boolean> {
  const of = tortureCases.find(({ id }) => id === goodTls);
  const [request] = of?.requests ?? [];
  if (of === undefined || request === undefined) return false;
  const observed = await player.play({ of, request, on: 'fresh' });
  return observed !== 'not_set_up' && observed.status === 200;
}

/** The observation, or why none was possible. */
async function playOne(
  player: Player,
  stage: TortureStage,
  run: PlannedRun,
  trusts: boolean,
): Promise<TortureObservation | string> {
  const { group } = run.of;
  const missing = stage.groups.find(({ name }) => name === group)?.missing ?? null;
  if (missing !== null) return `Not tried: ${missing}.`;
  if (group in tlsGroups && !trusts)
    return `Not tried: /${goodTls} does not get through. Is there a route, and does the gateway trust the authority?`;
  const observed = await player.play(run);
  return observed === 'not_set_up' ? `The gateway has no route for /${group}.` : observed;
}

function runOf({ of, request, on }: PlannedRun, observed: TortureObservation | string): TortureRun {
  const base = {
    case: of.id,
    part: of.part,
    group: of.group,
    does: of.does,
    method: request.method,
    body_bytes: request.bodyBytes,
    on,
  };
  if (typeof observed === 'string') return { ...base, verdict: null, why: observed, seen: null };
  return { ...base, ...judge({ request, on, expects: of.expects, observed }), seen: seenOf(observed, of.expects) };
}

function seenOf(observed: TortureObservation, expects: Expectation): SeenRun {
  return {
    status: observed.status,
    interim: observed.interim,
    by: authorOf(observed, expects),
    completeness: observed.completeness,
    ms: Math.round(observed.elapsedMs),
    origin_saw: observed.originSaw,
    reused_at_origin: observed.reusedAtOrigin,
    proxy_status: observed.proxyStatus,
    errors_named: observed.named,
    cause_named: judgeCause(expects, observed.named),
    server: observed.server,
    body_bytes: observed.body.length,
    excerpt: observed.body.slice(0, excerptBytes),
    stray_bytes: observed.strayBytes,
    next_request: observed.neighbour,
  };
}

function authorOf({ status, body, completeness }: TortureObservation, { answers }: Expectation): SeenRun['by'] {
  if (status === null || completeness === 'not_http') return null;
  if (status < 400 || answers.some((answer) => answer.status === status && answer.body === body)) return 'origin';
  return 'gateway';
}

/** Node's name of a system error. */
function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error['code']) : 'unknown';
}

const excerptBytes = 200;
const checkAgainMs = 250;
