import { join } from 'node:path';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { ArmName } from '../core/endpoint-release.ts';
import type { EventSink } from '../core/event.ts';
import type { LiveInstance } from '../core/live-instance.ts';
import type { Release, RolloutStrategy } from '../core/release.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import { type ApplicationArm, oneArm } from '../deploy/application-arm.ts';
import { attemptRelease, type ReleaseRefusal, ReleaseRefused } from '../deploy/release-refusal.ts';
import { type ReleaseStore, storeLimits, type WantedRelease } from '../deploy/release-store.ts';
import {
  goesOnAt,
  isOver,
  nextRollout,
  resumedRollout,
  type Rollout,
  type RolloutEvent,
  type RolloutPlan,
  comparingShare,
  drawnShareOf,
  isSettling,
  shareOf,
} from '../deploy/rollout.ts';
import type { ReleaseJob } from '../deploy/release-job.ts';
import type { ReleaseSettings } from '../features/releases/settings.ts';
import type { RolloutStatus } from '../core/schemas/releases.ts';
import type { Result } from '#failures/result.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { RunJob } from './release-making.ts';
import {
  type CountedTraffic,
  type ProcessOfRelease,
  RolloutComparison,
  type SavedComparison,
  TrafficBefore,
} from './rollout-comparison.ts';
import { busy, handedOver, nothingToDo, same, stepText } from './rollout-words.ts';
import {
  alreadyInForce,
  type Compared,
  eventOf,
  factsOf,
  judgementOf,
  type KeptRollout,
  planOf,
  type RolloutFacts,
  type RunningRollout,
  statusOf,
  type Watched,
} from './running-rollout.ts';
import { StepQueue } from './step-queue.ts';

/** How a rollout is asked for. */
interface RolloutOrder {
  readonly to: Release;
  readonly strategy: RolloutStrategy;
  /** Of a rollback; null: it is none. */
  readonly rollbackFor: string | null;
  readonly actor: string;
  /** Of its making, a sentence each. */
  readonly remarks?: readonly string[];
  readonly answersMayChange?: boolean;
}

interface ApplicationReleasesParts {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly store: ReleaseStore;
  readonly application: string;
  /** What the configuration says of it now; null: it is not there any more. */
  readonly spec: () => ApplicationSpec | null;
  readonly settings: () => ReleaseSettings;
  readonly instances: () => readonly LiveInstance[];
  /** Of its upstreams, as requests show them. */
  readonly endpoints: () => readonly EndpointSnapshot[];
  /** One of them, as its checks show it. */
  readonly endpoint: (id: string) => EndpointSnapshot | null;
  /** That lead to it. */
  readonly routes: () => readonly string[];
  /** Clients stay at the endpoint that has answered them. */
  readonly isSticky: () => boolean;
  readonly processes: () => readonly ProcessOfRelease[];
  /** Its output is that of the application. */
  readonly runJob: RunJob;
  /** Without secrets: what programs have printed becomes reasons, which are shown and sent. */
  readonly redact: (text: string) => string;
  /** Of the machine. */
  readonly memoryBytes: number;
  /** The arms have changed. */
  readonly onArms: () => void;
}

/** Where nothing else happens, the rollout is looked at so often. */
const lookEveryMs = 100;
const processesEveryMs = 1000;

/** The releases of one application: which runs, which is being rolled out, and which stays warm. */
export class ApplicationReleases {
  readonly #parts: ApplicationReleasesParts;
  readonly #steps = new StepQueue();
  readonly #before = new TrafficBefore();
  #running: RunningRollout | null = null;
  #last: RolloutStatus | null = null;
  /** The release in force, which is watched as long as the one before is warm. */
  #watched: Watched | null = null;
  #lookedAtProcesses: Instant;
  #warm: { readonly release: Release; readonly until: Instant } | null = null;
  #timer: Timer | null = null;
  #isPaused = false;
  #isLooking = false;

  constructor(parts: ApplicationReleasesParts) {
    this.#parts = parts;
    this.#lookedAtProcesses = parts.clock.now();
  }

  get inForce(): Release | null {
    return this.#parts.store.history.inForce;
  }

  /** Null: none is. */
  get rollingOut(): Release | null {
    return this.#running?.to ?? null;
  }

  /** What the supervisor runs. */
  armsOf(spec: ApplicationSpec): readonly [ApplicationArm, ...ApplicationArm[]] {
    const arm = (name: ArmName, release: Release, share: number | null): ApplicationArm => ({
      ...{ name, share },
      spec: this.#specOf(spec, release),
    });
    const running = this.#running;
    if (running !== null) {
      const { from, to, rollout, plan } = running;
      if (rollout.state === 'preparing') return [arm('old', from, 1)];
      if (plan.strategy === 'rolling') return [arm('new', to, 1)];
      const share = drawnShareOf(rollout, plan);
      return [arm('old', from, 1 - (share ?? 0)), arm('new', to, share)];
    }
    const { inForce } = this;
    if (inForce === null) return oneArm(spec);
    // Two releases cannot have one port.
    return this.#warm === null || spec.port !== null
      ? [arm('new', inForce, 1)]
      : [arm('new', inForce, 1), arm('old', this.#warm.release, 0)];
  }

  #specOf(spec: ApplicationSpec, release: Release): ApplicationSpec {
    const { store } = this.#parts;
    const { command, environment, name } = release;
    const directory = release.tree === null ? release.directory : join(store.folder, release.tree, release.directory);
    return { ...spec, command, environment, directory, release: name };
  }

  /** What runs now becomes the first release, so that there is one to go back to. */
  async begins(present: WantedRelease): Promise<Result<void, ReleaseRefusal>> {
    return this.#inTurn(async () => {
      const { store } = this.#parts;
      if (this.inForce !== null) return;
      const made = await store.make({ kind: 'configuration', path: 'candor.yaml' }, present);
      if (!made.ok) throw new ReleaseRefused(made.failure);
      const rollout = store.history.nextRollout;
      const { number } = made.value.release;
      const { actor } = present;
      await store.append({ kind: 'began', rollout, from: null, to: number, strategy: 'blue_green', actor });
      await store.append({ kind: 'promoted', rollout, release: number });
      await store.append({ kind: 'ended', rollout, state: 'promoted', verdict: null, reason: 'it ran before' });
      this.#parts.onArms();
    });
  }

  /** A rollout that an earlier process has not ended is over: the release that is in force by the journal runs. */
  async endInterrupted(): Promise<void> {
    const { store } = this.#parts;
    const { open, inForce } = store.history;
    if (open === null) return;
    // What is promoted is in force; its watch alone was cut short.
    const isPromoted = inForce?.number === open.to;
    const state = isPromoted ? 'promoted' : 'interrupted';
    const reason = isPromoted ? 'the gateway ended while it was watched' : 'the gateway ended before the rollout did';
    await this.#inTurn(() => store.append({ kind: 'ended', rollout: open.rollout, state, verdict: null, reason }));
  }

  /** The rollout of an earlier process that has handed over goes on, with the same share. Null: it has said nothing of it. */
  async takeOver(kept: KeptRollout | null): Promise<void> {
    const { store, clock, settings } = this.#parts;
    const { open, inForce } = store.history;
    const now = clock.now();
    const releaseOf = (number: number | null): Release | null =>
      store.history.releases.find(({ release }) => release.number === number)?.release ?? null;
    const warm = releaseOf(kept?.warm?.number ?? null);
    if (kept !== null) this.#before.restore(kept.before, kept.answers ?? [], now);
    if (warm !== null && kept?.warm != null) this.#warm = { release: warm, until: after(now, kept.warm.leftMs) };
    if (warm !== null && inForce !== null && kept?.watched != null)
      this.#watched = {
        ...{ from: warm, to: inForce, strategy: kept.watched },
        comparison: this.#compare(warm, inForce, { isChosen: false }, kept.comparison),
      };
    const [from, to] = [releaseOf(open?.from ?? null), releaseOf(open?.to ?? null)];
    // What ran before its instances has ended with the process that had started it.
    if (open?.state === 'preparing') await this.endInterrupted();
    if (open === null || open.state === 'preparing' || from === null || to === null || inForce === null)
      return this.#schedule();
    const plan: RolloutPlan = {
      ...planOf(open.strategy, settings()),
      isJudged: kept?.isJudged ?? true,
      reason: null,
    };
    this.#running = {
      ...{ id: open.rollout, from, to, plan, actor: open.actor, beganAt: open.beganAt },
      job: new AbortController(),
      rollout: resumedRollout(open.state, open.share, plan, after(now, -(kept?.sinceMs ?? 0))),
      comparison: this.#compare(from, to, plan, kept?.comparison),
    };
    this.#schedule();
  }

  #compare(
    from: Release,
    to: Release,
    { isChosen, answersMayChange = false }: { readonly isChosen: boolean; readonly answersMayChange?: boolean },
    saved: SavedComparison | null = null,
  ): RolloutComparison {
    const { clock, routes, isSticky, settings: current } = this.#parts;
    const names = { old: from.name, fresh: to.name };
    const settings = {
      ...{ names, routes: routes(), isSticky: isSticky(), isChosen },
      answersMayChange: answersMayChange || current().answersMayChange,
    };
    return new RolloutComparison(clock, this.#before, settings, saved);
  }

  /** For a process that takes over. */
  kept(): KeptRollout {
    const now = this.#parts.clock.now();
    const [warm, running] = [this.#warm, this.#running];
    return {
      warm: warm === null ? null : { number: warm.release.number, leftMs: Math.max(0, warm.until - now) },
      sinceMs: running === null ? 0 : now - running.rollout.since,
      isJudged: running?.plan.isJudged ?? true,
      comparison: (running ?? this.#watched)?.comparison.saved() ?? null,
      watched: this.#watched?.strategy ?? null,
      before: this.#before.saved(now),
      answers: this.#before.answers.saved(),
    };
  }

  /** Begins a rollout; it goes on by itself. The release is in the journal. */
  begin(order: RolloutOrder): Promise<Result<RolloutStatus, ReleaseRefusal>> {
    return this.#inTurn(() => this.#begin(order));
  }

  /** Throws `ReleaseRefused`. */
  async #begin(order: RolloutOrder): Promise<RolloutStatus> {
    const { to, strategy, rollbackFor, actor, remarks = [], answersMayChange = false } = order;
    const { store, clock, settings } = this.#parts;
    const { inForce } = this;
    if (this.#isPaused) throw new ReleaseRefused(handedOver);
    if (this.#running !== null || inForce === null) throw new ReleaseRefused(busy(this.#running?.to.name ?? null));
    if (to.number === inForce.number) {
      if (rollbackFor !== null) throw new ReleaseRefused(same(to));
      const id = store.history.nextRollout - 1;
      return alreadyInForce(to, { id, strategy, actor, remarks, beganAt: new Date(clock.wallTime()).toISOString() });
    }
    const folder = await store.folderOf(to);
    if (!folder.ok) throw new ReleaseRefused(folder.failure);
    const rollout = store.history.nextRollout;
    await store.append({ kind: 'began', rollout, from: inForce.number, to: to.number, strategy, actor });
    const { before: command, jobMs: limitMs } = settings();
    const usual = planOf(strategy, settings());
    const { environment } = to;
    const job = command === null || rollbackFor !== null ? null : { command, environment, limitMs };
    if (job === null) await store.append({ kind: 'step', rollout, state: 'starting', share: 0 });
    if (this.#warm?.release.number !== to.number) this.#warm = null;
    const running: RunningRollout = {
      ...{ id: rollout, from: inForce, to, actor, remarks, beganAt: new Date(clock.wallTime()).toISOString() },
      plan: {
        ...usual,
        bakeMs: rollbackFor === null ? usual.bakeMs : 0,
        isJudged: rollbackFor === null,
        reason: rollbackFor,
      },
      rollout: { state: job === null ? 'starting' : 'preparing', since: clock.now() },
      job: new AbortController(),
      comparison: this.#compare(inForce, to, { isChosen: usual.isChosen, answersMayChange }),
    };
    this.#running = running;
    this.#watched = null;
    this.#emit(running, `${to.name} is rolled out in place of ${inForce.name}, by ${actor}`, null);
    this.#parts.onArms();
    if (job !== null) void this.#runJob(running, job, folder.value);
    await this.#handle({ kind: 'looked', ...this.#facts() });
    this.#schedule();
    return (this.status() ?? this.#last) as RolloutStatus;
  }

  #inTurn<T>(step: () => Promise<T>): Promise<Result<T, ReleaseRefusal>> {
    return this.#steps.run(() => attemptRelease(step));
  }

  async #runJob(running: RunningRollout, job: Omit<ReleaseJob, 'directory'>, directory: string): Promise<void> {
    const { failure } = await this.#parts.runJob({ ...job, directory }, running.job.signal);
    await this.#inTurn(async () => {
      if (this.#running !== running || this.#isPaused) return;
      await this.#handle({ kind: 'prepared', failure: failure === null ? null : this.#parts.redact(failure) });
    });
  }

  /** Gives the new release all requests now, or ends its watch. */
  promote(): Promise<Result<RolloutStatus, ReleaseRefusal>> {
    return this.#order({ kind: 'promote' });
  }

  abort(reason: string): Promise<Result<RolloutStatus, ReleaseRefusal>> {
    return this.#order({ kind: 'abort', reason });
  }

  #order(event: RolloutEvent): Promise<Result<RolloutStatus, ReleaseRefusal>> {
    return this.#inTurn(async () => {
      if (this.#running === null) throw new ReleaseRefused(nothingToDo);
      await this.#handle(event);
      return (this.status() ?? this.#last) as RolloutStatus;
    });
  }

  /** Instances have changed, or the judge has found something. What cannot be written now is tried at the next look. */
  look(): void {
    const compared = this.#running ?? this.#watched;
    if (compared === null || this.#isPaused || this.#isLooking) return;
    this.#isLooking = true;
    const running = this.#running;
    void this.#inTurn(async () => {
      this.#isLooking = false;
      this.#lookAtProcesses(compared);
      if (this.#running !== null) await this.#handle({ kind: 'looked', ...this.#facts() });
      else if (this.#watched !== null) await this.#watch(this.#watched);
    }).then((done) => {
      if (running !== null) running.trouble = done.ok ? null : `${done.failure.reason} ${done.failure.step}`;
    });
  }

  /** A worker has counted requests at the application. */
  onTraffic(traffic: CountedTraffic): void {
    const { clock, endpoint } = this.#parts;
    const compared = this.#running ?? this.#watched;
    const counted = this.#before.add(
      traffic,
      (id) => {
        const found = endpoint(id);
        if (found === null) return null;
        const arm = compared?.comparison.armOf(found.release ?? null) ?? 'old';
        return { arm, readySince: found.sinceInstant as Instant };
      },
      clock.now(),
    );
    // What a successor goes on with was counted before: what came since would be shown here, and be missing there.
    if (compared === null || this.#isPaused) return;
    const running = this.#running;
    if (running === null) compared.comparison.add(counted, 1);
    else if (!isSettling(running.rollout, this.#parts.clock.now()))
      compared.comparison.add(counted, drawnShareOf(running.rollout, running.plan));
    this.look();
  }

  #lookAtProcesses({ comparison }: Compared): void {
    const { clock, processes, memoryBytes } = this.#parts;
    const now = clock.now();
    if (now - this.#lookedAtProcesses < processesEveryMs) return;
    this.#lookedAtProcesses = now;
    comparison.noteProcesses(processes(), memoryBytes);
  }

  /** After its rollout: a release that leaks, ends again and again, or is slow only under load shows it late. */
  async #watch(watched: Watched): Promise<void> {
    const { from, to, comparison, strategy } = watched;
    if (comparison.limit === null && comparison.takeSuspicion() === null) return;
    const { store, clock, settings } = this.#parts;
    const rollout = store.history.nextRollout;
    await store.append({ kind: 'began', rollout, from: from.number, to: to.number, strategy, actor: 'gateway' });
    await store.append({ kind: 'step', rollout, state: 'comparing', share: comparingShare });
    this.#running = {
      ...{
        ...watched,
        id: rollout,
        actor: 'gateway',
        job: new AbortController(),
        beganAt: new Date(clock.wallTime()).toISOString(),
      },
      plan: { ...planOf(strategy, settings()), steps: [], bakeMs: 0, isJudged: true, reason: null },
      rollout: { state: 'comparing', since: clock.now(), bakedMs: 0 },
    };
    this.#watched = null;
    this.#emit(this.#running, stepText(this.#running.rollout, to, comparingShare), null);
    // A release that leaks is taken back at once.
    await this.#handle({ kind: 'looked', ...this.#facts() });
    this.#parts.onArms();
    this.#schedule();
  }

  /** Another process goes on: this one changes nothing any more, until `resume`. */
  pause(): Promise<unknown> {
    this.#isPaused = true;
    this.#running?.job.abort();
    this.#timer?.cancel();
    return this.idle;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
    // What ran before its instances was ended.
    const failure = 'an upgrade of the gateway ended it';
    if (this.#running?.rollout.state === 'preparing')
      void this.#inTurn(() => this.#handle({ kind: 'prepared', failure }));
  }

  /** A line of the journal comes first: what it says is done only when the disk has it. Throws `ReleaseRefused`. */
  async #handle(event: RolloutEvent): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    const { clock, store } = this.#parts;
    const { rollout: before, plan, id, from, to } = running;
    const next = nextRollout(before, event, plan, clock.now());
    if (next === before) return;
    const inForce = (): number | undefined => store.history.inForce?.number;
    if (!isOver(next)) {
      const share = shareOf(next, plan);
      await store.append({ kind: 'step', rollout: id, state: next.state, share });
      if (next.state === 'baking' && inForce() !== to.number)
        await store.append({ kind: 'promoted', rollout: id, release: to.number });
      running.rollout = next;
      this.#emit(running, stepText(next, to, share), before.state);
      this.#parts.onArms();
      return;
    }
    if (next.state !== 'promoted' && inForce() !== from.number)
      await store.append({ kind: 'promoted', rollout: id, release: from.number });
    const verdict = judgementOf(running)?.verdict ?? null;
    await store.append({ kind: 'ended', rollout: id, state: next.state, verdict, reason: next.reason });
    running.rollout = next;
    this.#end(running, next, before.state, event.kind === 'abort');
  }

  #end(
    running: RunningRollout,
    { state, reason }: Extract<Rollout, { reason: string }>,
    before: string,
    ordered: boolean,
  ): void {
    const { from, to, plan, comparison } = running;
    running.job.abort();
    this.#last = this.status();
    this.#running = null;
    const { warmMs } = this.#parts.settings();
    const left = state === 'promoted' ? from : to;
    // What was refused or was bad is of no use. Of a release that was replaced one by one no instance runs any more.
    const staysWarm = state === 'promoted' && warmMs > 0 && plan.strategy !== 'rolling';
    this.#warm = staysWarm ? { release: left, until: after(this.#parts.clock.now(), warmMs) } : null;
    this.#watched = this.#warm !== null && plan.isJudged ? { from, to, comparison, strategy: plan.strategy } : null;
    const what = state === 'promoted' ? 'is in force' : `was ${state}`;
    this.#emit(running, `${to.name} ${what}: ${reason}`, before, ordered);
    this.#parts.onArms();
    this.#schedule();
    void this.#parts.store.prune({ ...storeLimits, trees: this.#parts.settings().keepMax });
  }

  #facts(): RolloutFacts {
    const { clock, instances, endpoints, spec } = this.#parts;
    const seen = { instances: instances(), endpoints: endpoints(), wanted: spec()?.instances ?? 1 };
    return factsOf(this.#running as RunningRollout, seen, clock.now());
  }

  #emit(running: RunningRollout, reason: string, before: string | null, ordered = false): void {
    const { application, events } = this.#parts;
    events.emit(eventOf(application, running, { reason, before, ordered }));
  }

  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isPaused) return;
    const { clock } = this.#parts;
    const now = clock.now();
    const running = this.#running;
    const at =
      running === null
        ? this.#watched === null
          ? this.#warm?.until
          : after(now, processesEveryMs)
        : nextLookAt(goesOnAt(running.rollout, running.plan), now);
    if (at === undefined) return;
    this.#timer = clock.schedule(at, (self: ApplicationReleases) => self.#onTime(), this as ApplicationReleases);
  }

  #onTime(): void {
    this.#timer = null;
    if (this.#running !== null || this.#watched !== null) this.look();
    if (this.#running === null && this.#warm !== null && this.#parts.clock.now() >= this.#warm.until) {
      this.#warm = null;
      this.#watched = null;
      this.#parts.onArms();
    }
    this.#schedule();
  }

  /** The rollout that goes on; null: none does. */
  status(): RolloutStatus | null {
    return this.#running === null ? null : statusOf(this.#running, this.#parts.clock.now());
  }

  get last(): RolloutStatus | null {
    return this.#last;
  }

  /** Resolves when all steps that were begun have ended. */
  get idle(): Promise<unknown> {
    return this.#steps.idle;
  }

  get warm(): Release | null {
    return this.#warm?.release ?? null;
  }
}

/** What was due, and could not be written, is tried at the next look, not at once. */
const nextLookAt = (dueAt: Instant, now: Instant): Instant =>
  dueAt > now && dueAt < now + lookEveryMs ? dueAt : after(now, lookEveryMs);
