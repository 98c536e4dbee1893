import type { ApplicationSpec } from '../core/configuration.ts';
import type { EventFacts, EventSink } from '../core/event.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import type { ListeningSocket, Program, ProgramExit, StartFailure } from './host.ts';
import type { InstanceLife, Phase } from './instance-life.ts';
import type { InstanceRecord } from './instance-record.ts';
import { exposureText } from './exposure.ts';
import { socketText } from './listening.ts';

/** Emits the events of one instance. */
export class InstanceReport {
  readonly #events: EventSink;
  readonly #subject: string;

  constructor(events: EventSink, id: string) {
    this.#events = events;
    this.#subject = `instance:${id}`;
  }

  started(program: Program, port: number, { command }: ApplicationSpec): void {
    this.#events.emit({
      kind: 'instance_started',
      subject: this.#subject,
      reason: `started as process ${program.pid}, told to listen on port ${port}${unwatchedText(program)}`,
      evidence: { pid: program.pid, port, command: shownCommand(command) },
      to: 'starting',
    });
  }

  adopted(program: Program, { command, ranMs, program: { port } }: InstanceRecord, to: Phase): void {
    this.#events.emit({
      kind: 'instance_adopted',
      subject: this.#subject,
      reason: `process ${program.pid} on port ${port} runs on, taken over from an earlier Candor process${unwatchedText(program)}`,
      evidence: { pid: program.pid, port, command: shownCommand(command), ranMs },
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
