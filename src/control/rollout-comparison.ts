import { digits } from '#failures/quantity-text.ts';
import { filledAbove, latencyCells } from '../core/latency-cells.ts';
import type { ArmCounts, Judgement, ReleaseArm } from '../core/release.ts';
import type { AttemptOfClient, PatternAnswers, RouteTraffic } from '../core/route-traffic.ts';
import type { Clock, Instant } from '../core/time.ts';
import { AnswersAfter } from '../policy/answer-evidence.ts';
import { ArmSum, type ArmTraffic, type SavedArm } from '../policy/arm-traffic.ts';
import { BeforeAfterJudge, type SavedBeforeAfter } from '../policy/before-after-judge.ts';
import { lateLimitMs, mayBeLate } from '../policy/late-limit.ts';
import { ReleaseJudge, type SavedJudge } from '../policy/release-judge.ts';
import {
  chosenJudgement,
  leakReason,
  type MemorySample,
  restartsReason,
  undrawnJudgement,
} from '../policy/release-limits.ts';
import { patternsMax, type SavedUsual, UsualAnswers } from '../policy/usual-answers.ts';

/** An endpoint of the application, as far as the judge must know it. */
export interface ComparedEndpoint {
  readonly arm: ReleaseArm;
  readonly readySince: Instant;
}

/** What workers have counted at an application, as they send it. */
export interface CountedTraffic {
  readonly worker: number;
  readonly routes: readonly RouteTraffic[];
}

type EndpointOf = (id: string) => ComparedEndpoint | null;

/** What the old release did in the last minutes, of one route. */
interface Minute {
  readonly number: number;
  readonly routes: Map<string, { readonly sum: ArmSum; readonly latencies: number[] }>;
  /** Latencies by path pattern. */
  readonly patterns: Map<string, number[]>;
}

/** For a process that takes over; `age` in minutes. */
export type SavedTrafficBefore = readonly {
  readonly age: number;
  readonly routes: readonly { readonly route: string; readonly sum: SavedArm; readonly latencies: readonly number[] }[];
  /** Absent: a predecessor counted none. */
  readonly patterns?: readonly (readonly [pattern: string, latencies: readonly number[]])[];
}[];

const minuteMs = 60_000;
const minutesKept = 10;

/** What an application does while no release is being rolled out: what the next one is compared with where nothing else can be. */
export class TrafficBefore {
  readonly #minutes: Minute[] = [];
  readonly #late = new LateResponses();
  readonly answers = new UsualAnswers();

  /** What both releases have done; that of the old one is remembered. */
  add(traffic: CountedTraffic, endpointOf: EndpointOf, now: Instant): readonly ArmTraffic[] {
    const all = [...this.#counted(traffic, endpointOf, now)];
    for (const one of all) if (one.counted.arm === 'old') this.#note(one, now);
    return all.map(({ counted }) => counted);
  }

  *#counted({ worker, routes }: CountedTraffic, endpointOf: EndpointOf, now: Instant): Iterable<Counted> {
    for (const one of routes) {
      const { route, answered, serverErrors, causes: counts = [], patterns: answers = [] } = one;
      const endpoint = endpointOf(one.endpoint);
      if (endpoint === null) continue;
      const limitMs = mayBeLate(endpoint.readySince, now)
        ? this.#limitMs((minute) => minute.routes.get(route)?.latencies)
        : null;
      const lateOfRoute = limitMs === null ? 0 : this.#late.take(worker, one, limitMs);
      // A route of a whole application has fast and slow paths: the slow ones decide what is late there.
      const late = Math.max(lateOfRoute, limitMs === null ? 0 : this.#lateOf(answers));
      const isLate = ({ ms }: AttemptOfClient): boolean => limitMs !== null && ms > limitMs;
      const clients = {
        failure: one.failedClients ?? [],
        server_error: one.failed.map(clientOf),
        late: [...one.slow, ...one.awaited].filter(isLate).map(clientOf),
      };
      const failures = new Map(counts.map(({ cause, count }) => [cause, count]));
      const failed = counts.reduce((sum, { count }) => sum + count, 0);
      // What is late and still awaited is a request too.
      const requests = failed + Math.max(answered, late);
      if (requests === 0) continue;
      if (endpoint.arm === 'old') this.answers.add(answers, now);
      const patterns = { compared: this.answers.compared(answers), count: this.answers.count };
      const counted = { route, arm: endpoint.arm, requests, failures, serverErrors, late, patterns, clients };
      yield { counted, latencies: cellsOf(one.latencies), patterns: answers };
    }
  }

  #note({ counted: traffic, latencies, patterns }: Counted, now: Instant): void {
    const number = Math.floor(now / minuteMs);
    let minute = this.#minutes.at(-1);
    if (minute?.number !== number) {
      minute = { number, routes: new Map(), patterns: new Map() };
      this.#minutes.push(minute);
      while ((this.#minutes[0] as Minute).number <= number - minutesKept) this.#minutes.shift();
    }
    let known = minute.routes.get(traffic.route);
    if (known === undefined)
      minute.routes.set(
        traffic.route,
        (known = { sum: new ArmSum(), latencies: new Array<number>(latencyCells).fill(0) }),
      );
    known.sum.add(traffic);
    addCells(known.latencies, latencies);
    for (const { pattern, latencies: filled } of patterns) {
      const cells = minute.patterns.get(pattern);
      if (cells !== undefined) addCells(cells, cellsOf(filled));
      else if (minute.patterns.size < patternsMax) minute.patterns.set(pattern, [...cellsOf(filled)]);
    }
  }

  saved(now: Instant): SavedTrafficBefore {
    return this.#minutes.map(({ number, routes, patterns }) => ({
      age: Math.floor(now / minuteMs) - number,
      routes: [...routes].map(([route, { sum, latencies }]) => ({ route, sum: sum.saved(), latencies })),
      patterns: [...patterns],
    }));
  }

  /** Before anything is added. */
  restore(saved: SavedTrafficBefore, answers: SavedUsual, now: Instant): void {
    this.answers.restore(answers, now);
    for (const { age, routes, patterns = [] } of saved) {
      const minute: Minute = { number: Math.floor(now / minuteMs) - age, routes: new Map(), patterns: new Map() };
      for (const [pattern, latencies] of patterns) minute.patterns.set(pattern, [...latencies]);
      for (const { route, sum, latencies } of routes)
        minute.routes.set(route, { sum: ArmSum.of(sum), latencies: [...latencies] });
      this.#minutes.push(minute);
    }
  }

  sums(): ReadonlyMap<string, ArmSum> {
    const sums = new Map<string, ArmSum>();
    for (const { routes } of this.#minutes)
      for (const [route, { sum }] of routes) {
        const all = sums.get(route) ?? new ArmSum();
        all.add(sum.saved());
        sums.set(route, all);
      }
    return sums;
  }

  /** Those that are late for their paths. */
  #lateOf(patterns: readonly PatternAnswers[]): number {
    let late = 0;
    for (const { pattern, latencies } of patterns) {
      const limitMs = this.#limitMs((minute) => minute.patterns.get(pattern));
      if (limitMs !== null) late += filledAbove(latencies, limitMs);
    }
    return late;
  }

  /** By the latencies of the newest two minutes; null: their p95 is not known. */
  #limitMs(latenciesIn: (minute: Minute) => readonly number[] | undefined): number | null {
    const cells = new Array<number>(latencyCells).fill(0);
    for (const minute of this.#minutes.slice(-2)) addCells(cells, latenciesIn(minute) ?? []);
    return lateLimitMs(cells);
  }
}

export interface ProcessOfRelease {
  readonly instance: string;
  readonly release: string | null;
  /** Since it is supervised. */
  readonly restarts: number;
  /** Resident; null: not known. */
  readonly bytes: number | null;
}

/** For a process that takes over. */
export interface SavedComparison {
  readonly judge: SavedJudge;
  readonly after: SavedBeforeAfter | null;
  /** Null: answers are not compared. Absent: a predecessor could not. */
  readonly answersAfter?: ReturnType<AnswersAfter['saved']> | null;
  /** Absent: a predecessor did not count them. */
  readonly underLoad?: { readonly times: number; readonly share: number };
  /** Null: requests are drawn. */
  readonly chosen: Readonly<Record<ReleaseArm, SavedArm>> | null;
}

const arms = ['old', 'fresh'] as const;
const memoryMs = 240_000;

export interface ComparedHow {
  /** The requests of its steps are chosen. */
  readonly isChosen?: boolean;
  /** What is no failure may be another answer. */
  readonly answersMayChange?: boolean;
}

interface ComparisonSettings extends ComparedHow {
  /** Of the application. */
  readonly routes: readonly string[];
  readonly names: Readonly<Record<ReleaseArm, string>>;
  readonly isSticky: boolean;
}

/** What the judges are told of a rollout, and what they say. */
export class RolloutComparison {
  readonly #clock: Clock;
  readonly #before: TrafficBefore;
  readonly #names: Readonly<Record<ReleaseArm, string>>;
  readonly #settings: ComparisonSettings;
  #judge: ReleaseJudge;
  /** While requests are chosen: what both releases have done. Null: they are drawn. */
  readonly #chosen: Readonly<Record<ReleaseArm, ArmSum>> | null;
  /** Of each instance, when it was first seen. */
  readonly #restartsBefore = new Map<string, number>();
  readonly #memory: Readonly<Record<ReleaseArm, MemorySample[]>> = { old: [], fresh: [] };
  #limit: string | null = null;
  /** Since the new release has all requests. */
  #after: BeforeAfterJudge | null = null;
  /** Null: answers are not compared. */
  #answersAfter: AnswersAfter | null = null;
  /** How often it was worse with all requests in succession, and not with a part of them; and the share of its events then. */
  #underLoad = { times: 0, share: 0 };

  constructor(clock: Clock, before: TrafficBefore, settings: ComparisonSettings, saved: SavedComparison | null = null) {
    this.#clock = clock;
    this.#before = before;
    this.#names = settings.names;
    this.#settings = settings;
    this.#judge = saved === null ? new ReleaseJudge(settings) : ReleaseJudge.restored(settings, saved.judge);
    if (saved?.after != null) this.#after = BeforeAfterJudge.restored(settings.names, saved.after);
    if (settings.answersMayChange !== true && saved?.answersAfter !== null) this.#answersAfter = new AnswersAfter();
    this.#answersAfter?.restore(saved?.answersAfter ?? []);
    if (saved?.underLoad !== undefined) this.#underLoad = { ...saved.underLoad };
    const sumOf = (arm: ReleaseArm): ArmSum => (saved?.chosen == null ? new ArmSum() : ArmSum.of(saved.chosen[arm]));
    this.#chosen = settings.isChosen === true ? { old: sumOf('old'), fresh: sumOf('fresh') } : null;
  }

  saved(): SavedComparison {
    const chosen = this.#chosen;
    return {
      judge: this.#judge.saved(),
      after: this.#after?.saved() ?? null,
      answersAfter: this.#answersAfter?.saved() ?? null,
      underLoad: this.#underLoad,
      chosen: chosen === null ? null : { old: chosen.old.saved(), fresh: chosen.fresh.saved() },
    };
  }

  armOf(release: string | null): ReleaseArm | null {
    return arms.find((arm) => this.#names[arm] === release) ?? null;
  }

  /** `share`: with which requests are drawn to the new release; null: they are chosen. */
  add(traffic: readonly ArmTraffic[], share: number | null): void {
    const now = this.#clock.now();
    for (const one of traffic) {
      const { patterns, ...others } = one;
      const counted = this.#answersAfter === null ? others : one;
      if (share === null) this.#chosen?.[counted.arm].add(counted);
      else if (share < 1) this.#judge.add(counted, share, now);
      else if (counted.arm === 'fresh') {
        this.#afterShift.add(counted, now);
        for (const pattern of patterns?.compared ?? []) this.#answersAfter?.add(pattern);
      }
    }
  }

  get #afterShift(): BeforeAfterJudge {
    return (this.#after ??= new BeforeAfterJudge({ routes: this.#before.sums(), names: this.#names }));
  }

  /** Once a second: what the processes of both releases use. `limitBytes`: of the machine. */
  noteProcesses(all: readonly ProcessOfRelease[], limitBytes: number | null): void {
    const now = this.#clock.now();
    const restarts = { old: 0, fresh: 0 };
    for (const arm of arms) {
      const ofArm = all.filter(({ release }) => release === this.#names[arm]);
      for (const { instance, restarts: count } of ofArm) {
        const before = this.#restartsBefore.get(instance) ?? count;
        this.#restartsBefore.set(instance, before);
        restarts[arm] += count - before;
      }
      const bytes = Math.max(0, ...ofArm.map((one) => one.bytes ?? 0));
      if (bytes === 0) continue;
      const memory = this.#memory[arm];
      memory.push({ at: now, bytes });
      while (now - (memory[0] as MemorySample).at > memoryMs) memory.shift();
    }
    this.#limit = restartsReason(this.#names, restarts) ?? leakReason(this.#names, this.#memory, limitBytes, now);
  }

  /** Why the release is bad, whatever its requests show; null: nothing is known. */
  get limit(): string | null {
    if (this.#limit !== null || this.#underLoad.times < underLoadMin) return this.#limit;
    const times = `${this.#underLoad.times} times in succession`;
    return `${this.#names.fresh} was worse than before with all requests, and not with a part of them, ${times}: it does not bear the load`;
  }

  judgement(): Judgement {
    const judgement = this.#drawnJudgement();
    const { limit } = this;
    return limit === null ? judgement : { ...judgement, verdict: 'bad', reason: limit };
  }

  /** Where no request was drawn, what is known since the release has all of them is said, which is no verdict; or of those that were chosen. */
  #drawnJudgement(): Judgement {
    const judgement = this.#judge.judge();
    if (judgement.old.requests + judgement.fresh.requests > 0) return judgement;
    if (this.#after === null) return this.#chosen === null ? judgement : chosenJudgement(this.#names, this.#chosen);
    const { old, fresh } = this.#after.judge();
    const seen = `${digits(fresh.requests)} requests of ${this.#names.fresh} seen`;
    return undrawnJudgement({ old, fresh }, null, `${seen}, no worse than those of ${this.#names.old} before`);
  }

  get isSuspicious(): boolean {
    return this.#after?.judge().verdict === 'suspicious' || this.#answers() !== null;
  }

  #answers(): ReturnType<AnswersAfter['suspicion']> {
    return this.#answersAfter?.suspicion(this.#names.fresh, this.#before.answers) ?? null;
  }

  /** Whether it was as usual with the part of the requests that was drawn since it was worse with all of them. */
  #noteLoad({ fresh: now }: Pick<Judgement, 'fresh'>): void {
    const { old, fresh } = this.#judge.judge();
    const { times, share } = this.#underLoad;
    const wasUsual = old.requests + fresh.requests >= drawnMin && eventShare(fresh) <= share / 2;
    this.#underLoad = { times: times > 0 && !wasUsual ? 1 : times + 1, share: eventShare(now) };
  }

  /** Why the release looks worse than the one before did; null: it does not. What was seen until now is over with it. */
  takeSuspicion(): string | null {
    const found = this.#after?.judge();
    const answers = this.#answers();
    if (found?.verdict !== 'suspicious' && answers === null) return null;
    // Requests for what is not there may come in waves, and say nothing of the load.
    if (found?.verdict === 'suspicious') this.#noteLoad(found);
    // What was drawn until now decides nothing of what has begun since.
    this.#judge = new ReleaseJudge(this.#settings);
    this.#after = null;
    if (this.#answersAfter !== null) this.#answersAfter = new AnswersAfter();
    if (answers !== null) this.#judge.suspect(answers.pattern);
    return found?.verdict === 'suspicious' ? found.reason : (answers?.text ?? null);
  }
}

/** Worse and as usual so often in turns is no chance, and nothing that fails both releases for a time. */
const underLoadMin = 3;
const drawnMin = 100;

const eventShare = ({ failures, serverErrors, late, requests }: ArmCounts): number =>
  requests === 0 ? 0 : (failures + serverErrors + late) / requests;

interface Counted {
  readonly counted: ArmTraffic;
  readonly latencies: readonly number[];
  readonly patterns: readonly PatternAnswers[];
}

/** Responses that are late count once: when they are found to be, whether they have begun or are still awaited. */
class LateResponses {
  /** By worker, endpoint and route: how many are late and awaited. */
  readonly #awaited = new Map<string, number>();

  take(worker: number, { route, endpoint, latencies, awaited }: RouteTraffic, limitMs: number): number {
    const key = `${worker} ${endpoint} ${route}`;
    const before = this.#awaited.get(key) ?? 0;
    const waiting = awaited.filter(({ ms }) => ms > limitMs).length;
    if (waiting > 0) this.#awaited.set(key, waiting);
    else this.#awaited.delete(key);
    return Math.max(0, filledAbove(latencies, limitMs) + waiting - before);
  }
}

const clientOf = ({ client }: AttemptOfClient): number => client;

function cellsOf(filled: readonly number[]): readonly number[] {
  const cells = new Array<number>(latencyCells).fill(0);
  for (let at = 0; at < filled.length; at += 2) cells[filled[at] as number] = filled[at + 1] as number;
  return cells;
}

function addCells(sum: number[], cells: readonly number[]): void {
  for (const [cell, count] of cells.entries()) (sum[cell] as number) += count;
}
