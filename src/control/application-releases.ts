import type { ApplicationSpec } from '../core/configuration.ts';
import type { EventSink } from '../core/event.ts';
import type { Release, RolloutStrategy } from '../core/release.ts';
import type { RolloutStatus } from '../core/schemas/releases.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { ReleaseJob } from '../deploy/release-job.ts';
import { attemptRelease, type ReleaseRefusal, ReleaseRefused } from '../deploy/release-refusal.ts';
import { type ReleaseStore, storeLimits, type WantedRelease } from '../deploy/release-store.ts';
import {
  comparingShare,
  drawnShareOf,
  isOver,
  isSettling,
  nextRollout,
  type Rollout,
  type RolloutEvent,
  shareOf,
} from '../deploy/rollout.ts';
import { hasEvents } from '../policy/arm-traffic.ts';
import type { Result } from '#failures/result.ts';
import { armsOf, directoryOf, foldersOf, specOfRelease } from './release-arms.ts';
import type { RunJob } from './release-making.ts';
import type { ReleasedApplication } from './released-application.ts';
import {
  type ComparedHow,
  type CountedTraffic,
  RolloutComparison,
  type SavedComparison,
  TrafficBefore,
} from './rollout-comparison.ts';
import { writeFirstRelease, writeInterruption, writeNext, writeSuspicion } from './rollout-journal.ts';
import { busy, handedOver, nothingToDo, same, stepText } from './rollout-words.ts';
import {
  alreadyInForce,
  begunRollout,
  type Compared,
  eventOf,
  factsOf,
  isDecided,
  type KeptRollout,
  keptRollout,
  lookEveryMs,
  nextLookAt,
  planOf,
  type PresentRollout,
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
  readonly application: ReleasedApplication;
  /** Its output is that of the application. */
  readonly runJob: RunJob;
  /** Without secrets: what programs have printed becomes reasons, which are shown and sent. */
  readonly redact: (text: string) => string;
  /** Of the machine. */
  readonly memoryBytes: number;
  /** The arms have changed. */
  readonly onArms: () => void;
  /** Why the files in a folder cannot serve; null or absent: nothing is against them. */
  readonly refuses?: (folder: string) => Promise<string | null>;
}

const unservable = (name: string, why: string): ReleaseRefusal => ({
  kind: 'source',
  reason: `The release ${name} cannot serve: ${why}.`,
  step: 'Deploy a folder that has it, or let `releases.build` make it.',
});

/** A look may come a little early. */
const processesEveryMs = lookEveryMs / 2;

/** The releases of one application: which runs, which is being rolled out, and which stays warm. */
export class ApplicationReleases {
  readonly #parts: ApplicationReleasesParts;
  readonly #steps = new StepQueue();
  readonly #before = new TrafficBefore();
  #running: RunningRollout | null = null;
  #last: RolloutStatus | null = null;
  #watched: Watched | null = null;
  #lookedAtProcesses: Instant;
  #warm: PresentRollout['warm'] = null;
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
  armsOf(spec: ApplicationSpec): ReturnType<typeof armsOf> {
    const { folder } = this.#parts.store;
    return armsOf(spec, { folder, inForce: this.inForce, warm: this.warm, running: this.#running });
  }

  /** For what serves its files. Null: nothing was deployed. */
  get folders(): ReturnType<typeof foldersOf> {
    const { store, application } = this.#parts;
    const found = foldersOf({ folder: store.folder, inForce: this.inForce, warm: this.warm, running: this.#running });
    return found === null || application.settings.assets === 'previous' ? found : { ...found, previous: null };
  }

  /** As it runs for all visitors, or for most. */
  specInForce(spec: ApplicationSpec): ApplicationSpec {
    return this.inForce === null ? spec : specOfRelease(spec, this.inForce, this.#parts.store.folder);
  }

  /** What runs now becomes the first release, so that there is one to go back to. */
  async begins(present: WantedRelease): Promise<Result<void, ReleaseRefusal>> {
    return this.#inTurn(async () => {
      if (this.inForce !== null) return;
      await writeFirstRelease(this.#parts.store, present);
      this.#parts.onArms();
    });
  }

  /** A rollout that an earlier process has not ended is over. */
  async endInterrupted(): Promise<void> {
    await this.#inTurn(() => writeInterruption(this.#parts.store));
  }

  /** Goes on where an earlier process has handed over. Null: it has said nothing of it. */
  async takeOver(kept: KeptRollout | null): Promise<void> {
    const { store, clock, application } = this.#parts;
    const { takenOverRollout } = await import('./rollout-handoff.ts');
    const now = clock.now();
    // What ran before its instances has ended with the process that had started it.
    if (store.history.open?.state === 'preparing') await this.endInterrupted();
    if (kept !== null) this.#before.restore(kept.before, kept.answers ?? [], now);
    const compare = this.#compare.bind(this);
    const taken = takenOverRollout(kept, store.history, application.settings, now, compare);
    [this.#running, this.#watched, this.#warm] = [taken.running, taken.watched, taken.warm];
    this.#schedule();
  }

  #compare(
    from: Release,
    to: Release,
    { isChosen = false, answersMayChange = false }: ComparedHow,
    saved: SavedComparison | null = null,
  ): RolloutComparison {
    const { routes, isSticky, settings: usual } = this.#parts.application;
    const settings = {
      ...{ names: { old: from.name, fresh: to.name }, routes, isSticky, isChosen },
      answersMayChange: answersMayChange || usual.answersMayChange,
    };
    return new RolloutComparison(this.#parts.clock, this.#before, settings, saved);
  }

  get #present(): PresentRollout {
    return { running: this.#running, watched: this.#watched, warm: this.#warm };
  }

  /** For a process that takes over. */
  kept(): KeptRollout {
    const now = this.#parts.clock.now();
    return { ...keptRollout(this.#present, this.#before.saved(now), now), answers: this.#before.answers.saved() };
  }

  /** Begins a rollout; it goes on by itself. The release is in the journal. */
  begin(order: RolloutOrder): Promise<Result<RolloutStatus, ReleaseRefusal>> {
    return this.#inTurn(() => this.#begin(order));
  }

  /** Throws `ReleaseRefused`. */
  async #begin(order: RolloutOrder): Promise<RolloutStatus> {
    const { to, strategy, rollbackFor, actor, remarks = [], answersMayChange = false } = order;
    const { store, clock, application } = this.#parts;
    const { settings } = application;
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
    const why = (await this.#parts.refuses?.(directoryOf(to, store.folder))) ?? null;
    if (why !== null) throw new ReleaseRefused(unservable(to.name, why));
    const rollout = store.history.nextRollout;
    await store.append({ kind: 'began', rollout, from: inForce.number, to: to.number, strategy, actor });
    const { before: command, jobMs: limitMs } = settings;
    const plan = planOf(strategy, settings);
    const { environment } = to;
    const job = command === null || rollbackFor !== null ? null : { command, environment, limitMs };
    if (job === null) await store.append({ kind: 'step', rollout, state: 'starting', share: 0 });
    if (this.#warm?.release.number !== to.number) this.#warm = null;
    const running = begunRollout(
      {
        ...{ id: rollout, from: inForce, to, actor, remarks, plan, rollbackFor },
        rollout: { state: job === null ? 'starting' : 'preparing', since: clock.now() },
        comparison: this.#compare(inForce, to, { isChosen: plan.isChosen, answersMayChange }),
      },
      clock,
    );
    this.#running = running;
    this.#watched = null;
    this.#emit(running, `${to.name} is rolled out in place of ${inForce.name}, by ${actor}`, null);
    this.#parts.onArms();
    if (job !== null) void this.#runJob(running, job, folder.value);
    await this.#look(running);
    this.#schedule();
    return (this.status() ?? this.#last) as RolloutStatus;
  }

  #inTurn<T>(step: () => Promise<T>): Promise<Result<T, ReleaseRefusal>> {
    return this.#steps.run(() => attemptRelease(step));
  }

  async #runJob(running: RunningRollout, job: Omit<ReleaseJob, 'directory'>, directory: string): Promise<void> {
    const launched = { ...job, directory, kind: 'before' as const, release: running.to.name };
    const { failure } = await this.#parts.runJob(launched, running.job.signal);
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

  /** Instances or endpoints have changed, or the judge has found something. What cannot be written now is tried at the next look. */
  look(): void {
    const compared = this.#running ?? this.#watched;
    if (compared === null || this.#isPaused || this.#isLooking) return;
    this.#isLooking = true;
    const running = this.#running;
    void this.#inTurn(async () => {
      this.#isLooking = false;
      this.#lookAtProcesses(compared);
      if (this.#running !== null) await this.#look(this.#running);
      else if (this.#watched !== null) await this.#watch(this.#watched);
    }).then((done) => {
      if (running === null) return;
      running.trouble = done.ok ? null : `${done.failure.reason} ${done.failure.step}`;
      if (!done.ok) this.#schedule();
    });
  }

  #look(running: RunningRollout): Promise<void> {
    const { application, clock } = this.#parts;
    return this.#handle({ kind: 'looked', ...factsOf(running, application, clock.now()) });
  }

  /** A worker has counted requests at the application. */
  onTraffic(traffic: CountedTraffic): void {
    const { clock, application } = this.#parts;
    const compared = this.#running ?? this.#watched;
    const counted = this.#before.add(
      traffic,
      (id) => {
        const found = application.endpoint(id);
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
    else if (!isSettling(running.rollout, clock.now()))
      compared.comparison.add(counted, drawnShareOf(running.rollout, running.plan));
    if (counted.some(hasEvents) && isDecided(compared, running)) this.look();
  }

  #lookAtProcesses({ comparison }: Compared): void {
    const { clock, application, memoryBytes } = this.#parts;
    const now = clock.now();
    if (now - this.#lookedAtProcesses < processesEveryMs) return;
    this.#lookedAtProcesses = now;
    comparison.noteProcesses(application.processes, memoryBytes);
  }

  /** After its rollout: a release that leaks, ends again and again, or is slow only under load shows it late. */
  async #watch(watched: Watched): Promise<void> {
    const { from, to, comparison, strategy } = watched;
    if (comparison.limit === null && comparison.takeSuspicion() === null) return;
    const { store, clock, application } = this.#parts;
    const id = await writeSuspicion(store, watched);
    const rollout = { state: 'comparing', since: clock.now(), bakedMs: 0 } as const;
    const plan = { ...planOf(strategy, application.settings), steps: [], bakeMs: 0 };
    const begun = { ...{ from, to, comparison, id, rollout, plan }, actor: 'gateway', rollbackFor: null };
    const running = begunRollout(begun, clock);
    this.#running = running;
    this.#watched = null;
    this.#emit(running, stepText(rollout, to, comparingShare), null);
    // A release that leaks is taken back at once.
    await this.#look(running);
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
    const { rollout: before, plan, to } = running;
    const next = nextRollout(before, event, plan, clock.now());
    if (next === before) return;
    await writeNext(store, running, next);
    running.rollout = next;
    if (isOver(next)) return this.#end(running, next, before.state, event.kind === 'abort');
    this.#emit(running, stepText(next, to, shareOf(next, plan)), before.state);
    this.#parts.onArms();
    this.#schedule();
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
    const { warmMs, keepMax } = this.#parts.application.settings;
    const left = state === 'promoted' ? from : to;
    // What was refused or was bad is of no use. Of a release that was replaced one by one no instance runs any more.
    const staysWarm = state === 'promoted' && warmMs > 0 && plan.strategy !== 'rolling';
    this.#warm = staysWarm ? { release: left, until: after(this.#parts.clock.now(), warmMs) } : null;
    this.#watched = this.#warm !== null && plan.isJudged ? { from, to, comparison, strategy: plan.strategy } : null;
    const what = state === 'promoted' ? 'is in force' : `was ${state}`;
    this.#emit(running, `${to.name} ${what}: ${reason}`, before, ordered);
    this.#parts.onArms();
    this.#schedule();
    void this.#parts.store.prune({ ...storeLimits, trees: keepMax });
  }

  #emit(running: RunningRollout, reason: string, before: string | null, ordered = false): void {
    const { application, events } = this.#parts;
    events.emit(eventOf(application.id, running, { reason, before, ordered }));
  }

  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isPaused) return;
    const { clock } = this.#parts;
    const at = nextLookAt(this.#present, clock.now());
    if (at === null) return;
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
