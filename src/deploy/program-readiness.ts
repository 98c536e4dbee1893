import { loadPatterns, checkedPattern, type Pattern } from '../core/pattern.ts';
import type { ApplicationSpec, ProgramReadiness } from '../core/configuration.ts';
import type { Cancellable } from '../core/connector.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { LaunchFailure, Launcher } from '../core/launch.ts';
import { type Result, succeed } from '#failures/result.ts';
import type { Host, Program, ProgramCheck } from './host.ts';
import { launchedOf } from './program-run.ts';
import type { InstanceLife } from './instance-life.ts';
import { isChecked } from './readiness-check-loop.ts';
import { MemoryLook } from './memory-look.ts';
import type { ReadinessObserver } from './readiness-watch.ts';
import type { ReadinessResult } from './readiness.ts';

interface ProgramReadinessParts {
  /** Of the instance. */
  readonly id: string;
  readonly launcher: Launcher;
  readonly clock: Clock;
  readonly host: Host;
  readonly life: () => InstanceLife;
  readonly spec: () => ApplicationSpec;
  readonly startedAt: () => Instant;
  readonly onChecked: (observation: ReadinessResult) => void;
}

/** A file or a command that shows a worker ready rarely changes: a look each second while it starts, and less often then. */
const readyEveryMs = 5_000;

/** Lines that wait for the engine of patterns, which is loaded in some milliseconds. */
const waitingLinesMax = 1_000;

/** Watches one run of a program without a port at a time: what it prints, a file, a command, or how long it stays up. */
export class ProgramReadinessWatch implements ReadinessObserver {
  readonly wrongListenSockets = null;
  readonly #parts: ProgramReadinessParts;
  #program: Program | null = null;
  #last: ReadinessResult | null = null;
  #timer: Timer | null = null;
  readonly #memoryLook: MemoryLook;
  #check: Cancellable | null = null;
  /** What tells the line; null: none is awaited. */
  #isLine: ((line: string) => boolean) | null = null;

  constructor(parts: ProgramReadinessParts) {
    this.#parts = parts;
    this.#memoryLook = new MemoryLook(parts.clock);
  }

  get last(): ReadinessResult | null {
    return this.#last;
  }

  /** Before the program is started: its first line may be the one. */
  reset(): void {
    this.#last = null;
    this.#isLine = null;
    const ready = this.#ready;
    if (ready?.kind !== 'line') return;
    this.#isLine = ready.isPattern ? this.#patternTest(ready) : (line) => line.includes(ready.text);
  }

  /** The lines that come before the engine is loaded are tried as soon as it is. */
  #patternTest({ text }: Extract<ProgramReadiness, { kind: 'line' }>): (line: string) => boolean {
    let pattern: Pattern | null = null;
    const waiting: string[] = [];
    void loadPatterns().then(() => {
      const compiled = checkedPattern(text);
      pattern = compiled;
      if (this.#isLine === test && waiting.some((line) => compiled.test(line))) this.#passed();
    });
    const test = (line: string): boolean => {
      if (pattern !== null) return pattern.test(line);
      if (waiting.length < waitingLinesMax) waiting.push(line);
      return false;
    };
    return test;
  }

  noteLine(line: string): void {
    if (this.#isLine?.(line) === true) this.#passed();
  }

  begin(program: Program): void {
    this.#program = program;
    const ready = this.#ready;
    this.#memoryLook.begin(program);
    const { phase } = this.#parts.life();
    switch (ready?.kind) {
      case 'line':
        if (phase === 'starting') this.#last ??= { kind: 'program', passed: false, text: awaitedText(ready) };
        return;
      case 'after':
        if (phase !== 'starting') return;
        this.#last = { kind: 'program', passed: false, text: awaitedText(ready) };
        return this.#in(Math.max(0, this.#parts.startedAt() + ready.afterMs - this.#parts.clock.now()));
      case 'file':
      case 'command':
        return this.#in(phase === 'starting' ? 0 : this.#parts.spec().readiness.intervalMs);
      default:
        return;
    }
  }

  end(): void {
    this.#program = null;
    this.#isLine = null;
    this.#timer?.cancel();
    this.#memoryLook.end();
    this.#check?.cancel();
    this.#check = null;
  }

  /** It gets no requests. */
  noteTraffic(): void {}

  get #ready(): ProgramReadiness | null {
    return this.#parts.spec().readiness.program ?? null;
  }

  #passed(): void {
    const ready = this.#ready;
    if (ready === null) return;
    this.#isLine = null;
    this.#observed({ kind: 'program', passed: true, text: passedText(ready) });
  }

  #observed(observation: ReadinessResult): void {
    this.#last = observation;
    this.#parts.onChecked(observation);
  }

  #in(delayMs: number): void {
    const { clock } = this.#parts;
    this.#timer?.cancel();
    const look = (watch: ProgramReadinessWatch): void => watch.#look();
    this.#timer = clock.schedule(after(clock.now(), delayMs), look, this as ProgramReadinessWatch);
  }

  #look(): void {
    const ready = this.#ready;
    if (this.#program === null || ready === null) return;
    if (ready.kind === 'after') return this.#passed();
    if (ready.kind === 'line') return;
    const { clock, host, startedAt, spec, life } = this.#parts;
    const { readiness } = spec();
    const writtenWithinMs = life().phase === 'starting' ? Math.max(0, clock.now() - startedAt()) : null;
    const prepared = this.#prepared(ready);
    const onResult = (observation: ReadinessResult): void => {
      this.#check = null;
      this.#observed(observation);
      if (this.#program === null || !isChecked(life())) return;
      this.#in(life().phase === 'ready' ? Math.max(readyEveryMs, readiness.intervalMs) : readiness.intervalMs);
    };
    if (!prepared.ok) return onResult({ kind: 'program', passed: false, text: prepared.failure.reason });
    this.#check = host.checkProgram({ ...prepared.value, timeoutMs: readiness.timeoutMs, writtenWithinMs }, onResult);
  }

  /** A command is started as the program itself is. */
  #prepared(
    ready: ProgramCheck['ready'],
  ): Result<Pick<ProgramCheck, 'ready' | 'directory' | 'environment' | 'hold'>, LaunchFailure> {
    const { id, launcher, spec } = this.#parts;
    const { directory, environment } = spec();
    if (ready.kind === 'file') return succeed({ ready, directory, environment });
    const launch = { ...launchedOf(`${id}/ready`, spec()), command: ready.command, environment };
    const prepared = launcher.prepare(launch);
    if (!prepared.ok) return prepared;
    const { command, hold, environment: variables } = prepared.value;
    return succeed({ ready: { kind: 'command', command }, directory, environment: variables, hold });
  }
}

/** How a program shows that it is ready, as it stands in sentences. */
function passedText(ready: ProgramReadiness): string {
  switch (ready.kind) {
    case 'line':
      return `it has printed a line with ${shownText(ready)}`;
    case 'after':
      return `it has stayed up for ${ready.afterMs / 1000} s`;
    case 'file':
      return `it has written ${ready.path}`;
    case 'command':
      return 'the command of `ready` has ended with 0';
  }
}

function awaitedText(ready: Extract<ProgramReadiness, { kind: 'line' | 'after' }>): string {
  return ready.kind === 'line'
    ? `it has not printed a line with ${shownText(ready)} yet`
    : `it is ready once it has stayed up for ${ready.afterMs / 1000} s`;
}

function shownText({ text, isPattern }: Extract<ProgramReadiness, { kind: 'line' }>): string {
  return isPattern ? `/${text}/` : `"${text}"`;
}
