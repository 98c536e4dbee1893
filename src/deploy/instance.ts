import { releaseOf } from '../redact/release-name.ts';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { ReadinessFinding } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import { type Launcher, plainLauncher } from '../core/launch.ts';
import type { InstanceTraffic, LiveInstance } from '../core/live-instance.ts';
import type { Random } from '../core/random.ts';
import { after, type Clock, type Instant, never, type Timer } from '../core/time.ts';
import { isChecked } from './readiness-check-loop.ts';
import type { Host, OutputStream, ProgramExit, StartFailure } from './host.ts';
import {
  adopted,
  dueAt,
  failsMax,
  type InstanceLife,
  type LifeEvent,
  next,
  type Phase,
  starting,
} from './instance-life.ts';
import type { InstanceRecord } from './instance-record.ts';
import {
  instanceState,
  type InstanceState,
  InstanceReport,
  type SupervisedInstanceStatus,
  statusPhase,
} from './instance-report.ts';
import { ExposureCheck } from './exposure.ts';
import {
  endpointStateOf,
  type InstanceFacts,
  lastSeen,
  exitFinding,
  readinessFinding,
  reasonOf,
} from './instance-text.ts';
import { LastRun } from './last-run.ts';
import { keepsReady, hasPassed } from './readiness.ts';
import { ProgramReadinessWatch } from './program-readiness.ts';
import { type ReadinessObserver, ReadinessWatch } from './readiness-watch.ts';
import { ProgramRun } from './program-run.ts';
import { Sequence } from './sequence.ts';

export interface InstanceParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly host: Host;
  readonly launcher?: Launcher;
  /** The phase, reason, port or exit has changed. */
  readonly onChanged: (instance: Instance) => void;
  readonly onLine: (instance: string, stream: OutputStream, line: string, pid: number | null) => void;
  /** A readiness check has ended; `refused`: nothing listened. */
  readonly onChecked: (instance: Instance, refused: boolean) => void;
  /** Of the application: whether an event has reported that one of its instances is exposed. */
  readonly exposure: { isReported: boolean };
}

/** Lines in the status. The event that reports the exit has all lines that are kept. */
const statusLinesMax = 20;

/** One instance of an application. What happens becomes an event of its life; each transition has its effects here. */
export class Instance {
  readonly id: string;
  readonly #parts: InstanceParts;
  readonly #report: InstanceReport;
  readonly #readiness: ReadinessObserver;
  readonly #lastRun = new LastRun();
  readonly #exposure: ExposureCheck;
  #spec: ApplicationSpec;
  #life: InstanceLife;
  #stateSince: Instant;
  #run: ProgramRun | null = null;
  #dueTimer: Timer | null = null;
  #restarts = 0;
  #port = 0;
  readonly #lifeEvents = new Sequence<LifeEvent>((event) => this.#apply(event));
  #announced = '';
  /** The program that runs was started by an earlier process. */
  #isAdopted = false;
  #isDetached = false;

  constructor(id: string, spec: ApplicationSpec, parts: InstanceParts) {
    this.id = id;
    this.#spec = spec;
    this.#parts = parts;
    this.#report = new InstanceReport(parts.events, id);
    this.#exposure = new ExposureCheck(parts.host, parts.exposure, (at) =>
      this.#report.exposed(at, this.#spec.command),
    );
    this.#life = starting(parts.clock.now());
    this.#stateSince = this.#life.since;
    this.#readiness = spec.readiness.program === undefined ? this.#requestReadiness() : this.#programReadiness();
  }

  /** Of a program that listens on a port. */
  #requestReadiness(): ReadinessObserver {
    const parts = this.#parts;
    return new ReadinessWatch({
      clock: parts.clock,
      host: parts.host,
      life: () => this.#life,
      onChecked: (observation, refusals) => {
        parts.onChecked(this, observation.kind === 'refused');
        const wasReady = this.#life.phase === 'ready' || this.#life.phase === 'failing';
        const passed = wasReady ? keepsReady(observation, this.#spec.readiness) : hasPassed(observation);
        this.#handle({ kind: 'checked', passed, refusals });
      },
      onWrongListenAddress: (port, sockets) => {
        this.#report.wrongListenAddress(lastSeen(this.#facts), port, sockets);
        this.#announce();
      },
      onTrouble: () => this.#reportTrouble(),
    });
  }

  #programReadiness(): ReadinessObserver {
    const { clock, host, launcher = plainLauncher } = this.#parts;
    return new ProgramReadinessWatch({
      ...{ id: this.id, clock, host, launcher },
      life: () => this.#life,
      spec: () => this.#spec,
      startedAt: () => this.#run?.startedAt ?? clock.now(),
      onChecked: (observation) => this.#handle({ kind: 'checked', passed: hasPassed(observation) }),
    });
  }

  get command(): readonly string[] {
    return this.#spec.command;
  }

  get phase(): Phase {
    return this.#life.phase;
  }

  start(): void {
    this.#beginRun();
    this.#scheduleDue();
  }

  /** Takes over the program that an earlier process left `agoMs` ago. False where the program has ended; then nothing is reported. */
  adopt(record: InstanceRecord, agoMs: number): boolean {
    const { clock } = this.#parts;
    const now = clock.now();
    const run = this.#newRun();
    if (!run.adopt(record.program, after(now, -(record.ranMs + agoMs)), record.lines)) return false;
    this.#run = run;
    this.#port = record.program.port;
    this.#restarts = record.restarts;
    this.#isAdopted = true;
    this.#life = adopted(record, agoMs, now);
    this.#stateSince = this.#life.since;
    const { program } = run;
    if (program === null) return false;
    this.#report.adopted(program, record, this.#spec.release ?? null, this.#life.phase);
    if (isChecked(this.#life)) {
      this.#readiness.begin(program, this.#port, () => this.#spec.readiness);
    }
    if (this.#life.phase === 'ready') this.#checkExposure();
    this.#scheduleDue();
    return true;
  }

  /** For the process that comes after this one; null where it could not take the instance over. */
  record(): InstanceState | null {
    return this.#run === null
      ? null
      : instanceState(this.#life, this.#run, {
          spec: this.#spec,
          restarts: this.#restarts,
          now: this.#parts.clock.now(),
        });
  }

  /** Leaves the program to another process. The instance keeps its state and reports nothing any more. */
  detach(): void {
    this.#isDetached = true;
    this.#dueTimer?.cancel();
    this.#readiness.end();
    this.#exposure.stop();
    this.#run?.detach();
  }

  get isDetached(): boolean {
    return this.#isDetached;
  }

  /** It ends at its starts, and serves nothing: another start would end in the same way. */
  get endsAtStart(): boolean {
    const life = this.#life;
    return 'failedStarts' in life && life.failedStarts > 0 && life.phase !== 'ready' && life.phase !== 'failing';
  }

  get hasProgram(): boolean {
    return this.#run?.program != null;
  }

  /** Whether a later process could take the program over. */
  get isAdoptable(): boolean {
    return this.#run?.program?.record() != null;
  }

  /** Applies settings that need no new process. */
  adapt(spec: ApplicationSpec): void {
    this.#spec = spec;
    this.#scheduleDue();
  }

  /** The instance gets no new requests. It stops after `drainMs`, or after `drained`. */
  retire(drainMs: number): void {
    // A program without a port gets none, and may stop at once.
    if (this.#spec.readiness.program !== undefined) return this.stop();
    this.#handle({ kind: 'retire', drainMs });
  }

  /** The outcomes of requests since the last report. */
  noteTraffic(traffic: InstanceTraffic): void {
    this.#readiness.noteTraffic(traffic);
  }

  drained(): void {
    this.#handle({ kind: 'drained' });
  }

  stop(): void {
    this.#handle({ kind: 'stop' });
  }

  kill(): void {
    this.#handle({ kind: 'kill' });
  }

  live(): LiveInstance {
    return {
      id: this.id,
      address: { kind: 'tcp', host: '127.0.0.1', port: this.#port },
      state: endpointStateOf(this.#life),
      reason: this.#reason,
      finding: this.#finding,
      sinceInstant: this.#stateSince,
      release: this.#spec.release ?? null,
      exit: this.#lastRun.exit,
    };
  }

  status(): SupervisedInstanceStatus {
    // What an earlier run wrote says nothing of a program that runs.
    const { lines } = this.#run?.tail ?? this.#lastRun;
    return {
      id: this.id,
      pid: this.#run?.program?.pid ?? null,
      port: this.#port,
      phase: statusPhase(this.#life.phase),
      reason: this.#reason,
      restarts: this.#restarts,
      late: this.#life.phase === 'starting' && this.#life.late,
      exposedAt: this.#exposure.at,
      release: this.#spec.release ?? releaseOf(this.#spec.environment),
      lastLines: lines.slice(-statusLinesMax),
    };
  }

  get #reason(): string {
    return reasonOf(this.#life, this.#facts);
  }

  /** What keeps the instance from getting requests, as far as its checks show. */
  get #finding(): ReadinessFinding | null {
    const { phase } = this.#life;
    const found = phase === 'starting' || phase === 'failing' ? readinessFinding(this.#facts) : null;
    return exitFinding(this.#life, this.#lastRun, found) ?? found;
  }

  get #facts(): InstanceFacts {
    return {
      spec: this.#spec,
      port: this.#port,
      lastObservation: this.#readiness.last,
      wrongListenSockets: this.#readiness.wrongListenSockets,
      words: this.#run?.tail.words ?? null,
      ending: this.#lastRun.ending,
      isAdopted: this.#isAdopted,
    };
  }

  // The life.

  /** Effects may cause further events; those wait until the present one is handled. */
  #handle(event: LifeEvent): void {
    if (!this.#isDetached && this.#lifeEvents.add(event)) this.#announce();
  }

  #apply(event: LifeEvent): void {
    const before = this.#life;
    const life = next(before, event, this.#parts.clock.now(), this.#spec);
    if (life === before) return;
    this.#life = life;
    if (endpointStateOf(before) !== endpointStateOf(life)) this.#stateSince = this.#parts.clock.now();
    if (before.phase !== life.phase) this.#entered(before, life);
    else this.#changedInPhase(before, life);
    this.#scheduleDue();
  }

  #entered(before: InstanceLife, life: InstanceLife): void {
    if (!isChecked(life)) this.#readiness.end();
    switch (life.phase) {
      case 'starting':
        this.#restarts += 1;
        return this.#beginRun();
      case 'ready':
        return this.#becameReady(before, life.startedAt);
      case 'failing':
        return this.#reportNotReady(before.phase === 'ready' ? before.fails + 1 : failsMax, before);
      case 'exited':
        return this.#run?.end('SIGTERM');
      case 'stopping':
        if (this.#run === null) return this.#handle({ kind: 'group_gone', chance: 0 });
        return this.#run.end(life.killedAt === null ? 'SIGTERM' : 'SIGKILL');
      case 'backing_off':
        this.#endRun();
        return this.#report.restarting(this.#reason, life, before.phase);
      case 'stopped':
        return this.#endRun();
      case 'draining':
        return;
    }
  }

  #changedInPhase(before: InstanceLife, life: InstanceLife): void {
    if (life.phase === 'starting' && before.phase === 'starting' && life.late && !before.late) {
      this.#reportNotReady(life.attempts, before);
    }
    const isKilled = (life.phase === 'stopping' || life.phase === 'exited') && life.killedAt !== null;
    if (isKilled) this.#run?.end('SIGKILL');
  }

  #becameReady(before: InstanceLife, startedAt: Instant): void {
    const from = before.phase === 'failing' ? before.since : startedAt;
    const afterMs = Math.round(this.#parts.clock.now() - from);
    this.#report.ready(this.#reason, { port: this.#port, passes: this.#spec.readiness.passes, afterMs }, before.phase);
    this.#checkExposure();
  }

  #checkExposure(): void {
    const program = this.#run?.program ?? null;
    if (program !== null && this.#spec.readiness.program === undefined) this.#exposure.begin(program, this.#port);
  }

  #reportNotReady(attempts: number, before: InstanceLife): void {
    this.#report.notReady(this.#reason, this.#notReadyEvidence(attempts), before.phase, this.phase);
  }

  /** While the instance starts: a person who waits for it learns what keeps it. */
  #reportTrouble(): void {
    if (this.#life.phase !== 'starting') return;
    this.#report.notReady(this.#reason, this.#notReadyEvidence(this.#life.attempts), this.phase, this.phase);
  }

  #notReadyEvidence(attempts: number): { attempts: number; last: string; fix: string | null } {
    const finding = readinessFinding(this.#facts);
    return { attempts, last: finding?.reason ?? lastSeen(this.#facts), fix: finding?.fix ?? null };
  }

  #scheduleDue(): void {
    this.#dueTimer?.cancel();
    this.#dueTimer = null;
    const at = dueAt(this.#life, this.#spec);
    if (at === never) return;
    this.#dueTimer = this.#parts.clock.schedule(at, (instance: Instance) => instance.#onDue(), this as Instance);
  }

  #onDue(): void {
    this.#dueTimer = null;
    this.#handle({ kind: 'due', chance: this.#parts.random.next() });
  }

  // The program.

  #beginRun(): void {
    this.#isAdopted = false;
    this.#run = this.#newRun();
    this.#run.begin();
  }

  #newRun(): ProgramRun {
    this.#readiness.reset();
    this.#exposure.reset();
    const run: ProgramRun = new ProgramRun(this.id, this.#parts, this.#spec, {
      onNotStarted: (failure) => this.#notStarted(failure),
      onStarted: () => this.#started(run),
      onLine: (stream, line) => {
        this.#parts.onLine(this.id, stream, line, run.program?.pid ?? null);
        this.#readiness.noteLine(line);
      },
      onExited: (exit) => this.#exited(run, exit),
      onOutputComplete: () => this.#outputCompleted(run),
      onGone: () => this.#handle({ kind: 'group_gone', chance: this.#parts.random.next() }),
    });
    return run;
  }

  #endRun(): void {
    this.#lastRun.keepLines(this.#run?.tail.lines ?? []);
    this.#exposure.stop();
    this.#run?.close();
    this.#run = null;
  }

  #started(run: ProgramRun): void {
    const { program, port } = run;
    if (program === null || port === null) return;
    this.#port = port;
    this.#lastRun.clearExit();
    this.#report.started(program, port, this.#spec);
    this.#readiness.begin(program, port, () => this.#spec.readiness);
    this.#announce();
  }

  #notStarted(failure: StartFailure): void {
    this.#lastRun.notStarted(failure.reason);
    this.#report.notStarted(failure, this.#spec, this.phase);
    this.#handle({ kind: 'not_started', chance: this.#parts.random.next() });
  }

  #exited(run: ProgramRun, exit: ProgramExit): void {
    this.#lastRun.exited(exit, this.phase, this.#parts.clock.now(), run.tail.wordsAfter(exit), this.#spec.directory);
    this.#handle({ kind: 'exited' });
  }

  /** The last line often comes just after the exit: the exit is published again with it, and the event has all lines. */
  #outputCompleted(run: ProgramRun): void {
    const last = this.#lastRun;
    const words = run.tail.wordsAfter(last.programExit);
    const at = last.noteWords(words, this.#parts.clock.now(), this.#spec.directory);
    const afterMs = Math.round(at - run.startedAt);
    const exited = { pid: run.program?.pid ?? 0, afterMs, output: [...run.tail.lines] };
    this.#report.exited(last.ending ?? '', last.programExit, exited, last.phaseAtExit, this.phase);
    this.#announce();
  }

  #announce(): void {
    if (this.#lifeEvents.isHandling) return;
    const { state, reason, exit } = this.live();
    const reported = JSON.stringify([state, this.phase, reason, this.#port, exit]);
    if (reported === this.#announced) return;
    this.#announced = reported;
    this.#parts.onChanged(this);
  }
}
