/** A machine in simulated time, and a supervisor on it. */

import assert from 'node:assert/strict';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { Cancellable } from '../core/connector.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import type { EventKind, NewEvent } from '../core/event.ts';
import { failWith, succeed } from '#failures/result.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type {
  Host,
  ListeningSocket,
  Program,
  ProgramCheck,
  ProgramExit,
  ProgramListener,
  ProgramRequest,
} from './host.ts';
import type { ProgramRecord } from './instance-record.ts';
import type { ReadinessResult } from './readiness.ts';
import { createSupervisor, type SupervisorParts } from './supervisor.ts';

export const web = 'web' as ApplicationId;

export const good: ReadinessResult = { kind: 'answered', status: 200, location: null, firstBytes: '' };
export const refused: ReadinessResult = { kind: 'refused' };

/** A program that does what the test says. */
export class FakeProgram implements Program {
  /** Checks so far. */
  asked = 0;
  readonly pid: number;
  readonly isWatched = true;
  readonly request: ProgramRequest;
  readonly listener: ProgramListener;
  /** What a check sees from now on; `silent`: nothing, so that the check runs into its limit. */
  answer: ReadinessResult | 'silent' = good;
  listensOn: readonly ListeningSocket[] = [];
  onSigterm: 'end' | 'ignore' = 'end';
  /** Something that it started and that survives it. */
  hasLeftover = false;
  running = true;
  hasNamedPipes = true;
  isLetGo = false;
  readonly signals: string[] = [];

  constructor(pid: number, request: ProgramRequest, listener: ProgramListener) {
    this.pid = pid;
    this.request = request;
    this.listener = listener;
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.signals.push(signal);
    if (signal === 'SIGKILL') this.hasLeftover = false;
    if (this.running && (signal === 'SIGKILL' || this.onSigterm === 'end'))
      queueMicrotask(() => this.end({ signal, code: null }));
  }

  groupIsAlive(): boolean {
    return this.running || this.hasLeftover;
  }

  end(exit: Partial<ProgramExit>, lastLine: string | null = null): void {
    this.running = false;
    this.listener.onExited({ code: null, signal: null, outOfMemory: false, ...exit });
    if (lastLine !== null) this.listener.onLine('stderr', lastLine);
    this.listener.onOutputEnded();
  }

  record(): ProgramRecord | null {
    const { port, stopMs } = this.request;
    const process = { pid: this.pid, startTicks: '1', bootId: 'boot' };
    if (!this.running || !this.hasNamedPipes) return null;
    return { process, port, stopMs, stdout: 'o', stderr: 'e', guarded: true, unfinished: { stdout: '', stderr: '' } };
  }

  detach(): void {
    this.isLetGo = true;
  }

  watchMemory(): void {}
  discard(): void {}
  flushUnfinishedLines(): void {}
}

/** A whole machine in simulated time. */
export class FakeHost implements Host {
  readonly clock = new SimulatedClock();
  readonly programs: FakeProgram[] = [];
  readonly ports = new Set<number>();
  closed = false;
  /** Called for each start; null: it cannot be started. */
  onStart: (program: FakeProgram) => FakeProgram | null = (program) => program;
  #nextPort = 40_001;

  async reservePort(wanted: number | null) {
    const port = wanted ?? this.#nextPort++;
    if (this.ports.has(port)) return failWith({ errno: 'EADDRINUSE' });
    this.ports.add(port);
    return succeed(port);
  }

  releasePort(port: number): void {
    this.ports.delete(port);
  }

  readonly inheritedEnvironment = { PATH: '/bin' };

  /** Programs that an earlier process has started, by pid. */
  readonly earlier = new Map<number, FakeProgram>();

  adopt(record: ProgramRecord, listener: ProgramListener): Program | null {
    const before = this.earlier.get(record.process.pid);
    if (before === undefined || !before.running) return null;
    const program = new FakeProgram(before.pid, before.request, listener);
    this.programs.push(program);
    if (record.port !== 0) this.ports.add(record.port);
    return program;
  }

  start(request: ProgramRequest, listener: ProgramListener): Program | null {
    const program = this.onStart(new FakeProgram(1_000 + this.programs.length, request, listener));
    if (program === null)
      queueMicrotask(() =>
        listener.onNotStarted({ errno: 'ENOENT', reason: 'the program node is in no directory of PATH' }),
      );
    else this.programs.push(program);
    return program;
  }

  checkReadiness(
    { port, timeoutMs }: { port: number; timeoutMs: number },
    told: (observation: ReadinessResult) => void,
  ): Cancellable {
    const program = this.programs.find(({ running, request }) => running && request.port === port);
    const answer = program?.answer ?? refused;
    if (program !== undefined) program.asked += 1;
    const isSilent = answer === 'silent';
    const observation = isSilent ? ({ kind: 'timed_out', limitMs: timeoutMs, status: null } as const) : answer;
    const delayMs = isSilent ? timeoutMs : 1;
    const timer = this.clock.schedule((this.clock.now() + delayMs) as never, told, observation);
    return timer;
  }

  /** What a look at a file or a command observes; `silent`: nothing comes. */
  shown: ReadinessResult | 'silent' = { kind: 'program', passed: false, text: 'there is no file up' };
  readonly looks: ProgramCheck[] = [];

  checkProgram(check: ProgramCheck, onResult: (observation: ReadinessResult) => void): Cancellable {
    this.looks.push(check);
    const { shown } = this;
    if (shown === 'silent') return { cancel: () => {} };
    return this.clock.schedule((this.clock.now() + 1) as never, onResult, shown);
  }

  async listening(program: Program): Promise<readonly ListeningSocket[]> {
    return (program as FakeProgram).listensOn;
  }

  close(): void {
    this.closed = true;
  }

  program(index: number): FakeProgram {
    const program = this.programs[index];
    assert.ok(program !== undefined, `program ${index} has been started`);
    return program;
  }
}

export function supervise(applications: readonly ApplicationSpec[], parts: Partial<SupervisorParts> = {}) {
  const host = new FakeHost();
  const emitted: NewEvent[] = [];
  const changes: string[] = [];
  const events = { emit: (event: NewEvent) => void emitted.push(event) } as SupervisorParts['events'];
  const supervisor = createSupervisor({
    applications,
    drainMs: () => 10_000,
    clock: host.clock,
    random: new SeededRandom(7),
    events,
    host,
    ...parts,
  });
  const states = (id = web) => supervisor.instances(id).map(({ id, state }) => `${id} ${state}`);
  supervisor.onChange(() => {
    const text = states().join(', ');
    if (changes.at(-1) !== text) changes.push(text);
  });
  const kinds = () => emitted.map(({ kind }) => kind);
  const last = <K extends EventKind>(kind: K) =>
    emitted.findLast((event) => event.kind === kind) as NewEvent<K> | undefined;
  return { supervisor, host, clock: host.clock, told: emitted, kinds, last, states, changes };
}
