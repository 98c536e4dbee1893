import type { ApplicationSpec } from '../core/configuration.ts';
import type { EventFacts, EventSink } from '../core/event.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import type { ListeningSocket, Program, ProgramExit, StartFailure } from './host.ts';
import type { InstanceLife, Phase } from './instance-life.ts';
import { type InstanceRecord, isRecorded } from './instance-record.ts';
import { exposureText } from './exposure.ts';
import { socketText } from './listening.ts';
import type { Instant } from '../core/time.ts';
import type { ProgramRun } from './program-run.ts';

/** Emits the events of one instance. */
export class InstanceReport {
  readonly #events: EventSink;
  readonly #subject: string;

  constructor(events: EventSink, id: string) {
    this.#events = events;
    this.#subject = `instance:${id}`;
  }

  started(program: Program, port: number, { command, release }: ApplicationSpec): void {
    this.#events.emit({
      kind: 'instance_started',
      subject: this.#subject,
      reason: `started as process ${program.pid}${port === 0 ? '' : `, told to listen on port ${port}`}${unwatchedText(program)}`,
      evidence: { pid: program.pid, port, command: shownCommand(command), release: release ?? null },
      to: 'starting',
    });
  }

  adopted(program: Program, record: InstanceRecord, release: string | null, to: Phase): void {
    const {
      command,
      ranMs,
      program: { port },
    } = record;
    this.#events.emit({
      kind: 'instance_adopted',
      subject: this.#subject,
      reason: `process ${program.pid}${port === 0 ? '' : ` on port ${port}`} runs on, taken over from an earlier Candor process${unwatchedText(program)}`,
      evidence: { pid: program.pid, port, command: shownCommand(command), ranMs, release },
      to,
    });
  }

  notStarted({ errno, reason }: StartFailure, { command, directory }: ApplicationSpec, from: Phase): void {
    this.#events.emit({
      kind: 'instance_not_started',
      subject: this.#subject,
      reason,
      evidence: { command: shownCommand(command), directory, errno },
      from,
    });
  }

  ready(reason: string, evidence: { port: number; passes: number; afterMs: number }, from: Phase): void {
    this.#events.emit({ kind: 'instance_ready', subject: this.#subject, reason, evidence, from, to: 'ready' });
  }

  /** The instance was not ready in time, or is not ready any more. */
  notReady(reason: string, evidence: EventFacts['instance_not_ready'], from: Phase, to: Phase): void {
    this.#events.emit({ kind: 'instance_not_ready', subject: this.#subject, reason, evidence, from, to });
  }

  wrongListenAddress(reason: string, port: number, sockets: readonly ListeningSocket[]): void {
    const evidence = { expected: `127.0.0.1:${port}`, listensOn: sockets.map(socketText) };
    this.#events.emit({
      kind: 'instance_wrong_listen_address',
      subject: this.#subject,
      reason,
      evidence,
      from: 'starting',
    });
  }

  exposed(listensOn: string, command: readonly string[]): void {
    const reason = exposureText(listensOn, command);
    this.#events.emit({ kind: 'instance_exposed', subject: this.#subject, reason, evidence: { listensOn } });
  }

  exited(reason: string, exit: ProgramExit, run: ExitedRun, from: Phase, to: Phase): void {
    const { code, signal, outOfMemory } = exit;
    this.#events.emit({
      kind: 'instance_exited',
      subject: this.#subject,
      reason,
      evidence: { ...run, code, signal, outOfMemory: outOfMemory === true },
      from,
      to,
    });
  }

  restarting(reason: string, life: Extract<InstanceLife, { phase: 'backing_off' }>, from: Phase): void {
    const evidence = { afterMs: life.until - life.since, failures: life.failures };
    this.#events.emit({ kind: 'instance_restarting', subject: this.#subject, reason, evidence, from, to: life.phase });
  }
}

const redactor = new TextRedactor();

/** Word by word, before the words are joined: afterwards the end of a value could not be found. */
function shownCommand(command: readonly string[]): string {
  return redactor.redactCommand(command).join(' ');
}

function unwatchedText({ isWatched }: Program): string {
  return isWatched ? '' : '; no watchdog could be started: if Candor is killed, the process keeps running';
}

interface ExitedRun {
  readonly pid: number;
  readonly afterMs: number;
  readonly output: readonly string[];
}

/** What an instance knows of its own record; its supervisor adds the rest. */
export type InstanceState = Omit<InstanceRecord, 'application' | 'number' | 'runKey' | 'unknownFields'>;

/** Null where a later process could not take the program over. */
export function instanceState(
  life: InstanceLife,
  run: ProgramRun,
  { spec, restarts, now }: { readonly spec: ApplicationSpec; readonly restarts: number; readonly now: Instant },
): InstanceState | null {
  const program = run.record();
  if (program === null || !isRecorded(life.phase)) return null;
  const { command, readiness, restart } = spec;
  return {
    command,
    program,
    phase: life.phase,
    sinceMs: Math.round(now - life.since),
    ranMs: Math.round(now - run.startedAt),
    dueInMs: life.phase === 'draining' ? Math.max(0, Math.round(life.until - now)) : null,
    failures: 'failures' in life ? life.failures : 0,
    failedStarts: 'failedStarts' in life ? life.failedStarts : 0,
    restarts,
    readiness,
    restart,
    lines: run.tail.lines,
  };
}

/** One instance as people see it. */
export interface SupervisedInstanceStatus {
  readonly id: string;
  readonly pid: number | null;
  readonly port: number;
  readonly phase: 'starting' | 'ready' | 'failing' | 'backing_off' | 'stopping' | 'stopped';
  readonly reason: string;
  readonly restarts: number;
  /** It starts, and `readiness.start_timeout` is over. */
  readonly late: boolean;
  /** Where strangers may reach it without the gateway, such as '0.0.0.0:41213'; null where none can, or it is not known. */
  readonly exposedAt: string | null;
  /** What its variables say of the release; null: nothing, or the process that started it was another one. */
  readonly release: string | null;
  readonly lastLines: readonly string[];
}

/** As its supervisor knows it, who knows the configuration too. */
export interface ManagedInstanceStatus extends SupervisedInstanceStatus {
  /** What it runs, where an earlier configuration has started it and a new instance is to replace it; else null. */
  readonly earlierCommand: readonly string[] | null;
}

/** People need not know that a program can have ended while what it started has not. */
export function statusPhase(phase: Phase): SupervisedInstanceStatus['phase'] {
  if (phase === 'exited') return 'backing_off';
  return phase === 'draining' ? 'stopping' : phase;
}
