import type { ApplicationSpec, ReadinessSpec } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** What another process needs to take a running program over. */
export interface ProgramRecord {
  readonly process: ProcessIdentity;
  readonly port: number;
  /** Paths of the named pipes that it writes into. */
  readonly stdout: string;
  readonly stderr: string;
  /** Whether it is ended should its Candor be killed. */
  readonly guarded: boolean;
  readonly stopMs: number;
  /** The beginnings of lines whose end has not come, as bytes in base64. */
  readonly unfinished: { readonly stdout: string; readonly stderr: string };
}

/** An instance as it is written down for the process that comes after this one. Times are durations up to then. */
export interface InstanceRecord {
  readonly application: ApplicationId;
  /** Of its id: 'web/2' has number 2. */
  readonly number: number;
  /** What its program was made of; see `runKey` of `supervisor.ts`. */
  readonly runKey: string;
  readonly command: readonly string[];
  readonly program: ProgramRecord;
  readonly phase: RecordedPhase;
  /** In that phase. */
  readonly sinceMs: number;
  readonly ranMs: number;
  /** For draining: how much longer it may take. */
  readonly dueInMs: number | null;
  readonly failures: number;
  /** How many of them came since a run that served. */
  readonly failedStarts: number;
  readonly restarts: number;
  /** With which it was asked until now: what replaces it may be asked otherwise. */
  readonly readiness: ApplicationSpec['readiness'];
  readonly restart: ApplicationSpec['restart'];
  /** The last lines that it wrote, oldest first. */
  readonly lines: readonly string[];
  /** What a later version has written beside all this. */
  readonly unknownFields: Readonly<Record<string, unknown>>;
}

/** A program runs in these. */
type RecordedPhase = 'starting' | 'ready' | 'failing' | 'draining' | 'stopping';

export function isRecorded(phase: string): phase is RecordedPhase {
  return (recordedPhases as readonly string[]).includes(phase);
}

const recordedPhases: readonly RecordedPhase[] = ['starting', 'ready', 'failing', 'draining', 'stopping'];

/** Content of `instances.json`. */
export interface InstancesFile {
  readonly bootId: string | null;
  /** Of its writer. */
  readonly generation: number;
  /** Its writer has given the instances out of its hands; null: it looks after them, or has died over it. */
  readonly handOver: HandoffRecord | null;
  readonly instances: readonly InstanceRecord[];
  readonly unknownFields: Readonly<Record<string, unknown>>;
}

export interface HandoffRecord {
  /** When, in milliseconds since the machine has started. */
  readonly atUptimeMs: number;
  /** For how long they are left to themselves; null: as long as their Candor runs. */
  readonly graceMs: number | null;
}

/** Grows when a reader of the former one would be wrong, not when something is added. */
const version = 1;

/** What is read is no larger: it takes below a second, and a start waits for it. */
export const instancesBytesMax = 8 * 1024 * 1024;

/** Where it would be too large to be read again, without what the applications have printed. */
export function writeInstances(file: InstancesFile): string {
  const written = textOf(file);
  if (Buffer.byteLength(written) <= instancesBytesMax) return written;
  return textOf({ ...file, instances: file.instances.map((one) => ({ ...one, lines: [] })) });
}

function textOf({ bootId, generation, handOver, instances, unknownFields }: InstancesFile): string {
  const written = {
    ...unknownFields,
    version,
    boot_id: bootId,
    generation,
    hand_over: handOver && { at_uptime_ms: handOver.atUptimeMs, grace_ms: handOver.graceMs },
    instances: instances.map(writeInstance),
  };
  return `${JSON.stringify(written, null, 2)}\n`;
}

/**
 * Whoever adopts a program never starts it from this file: its command and lines are there to be shown, so no secret of theirs is
 * written. The run key is a digest. `unfinished` is written as it came, since a secret cannot be known before its line ends.
 */
const redactor = new TextRedactor();

function writeInstance({ program, unknownFields, ...one }: InstanceRecord): Record<string, unknown> {
  return {
    ...unknownFields,
    application: one.application,
    number: one.number,
    run_key: one.runKey,
    command: redactor.redactCommand(one.command),
    pid: program.process.pid,
    start_ticks: program.process.startTicks,
    port: program.port,
    stdout: program.stdout,
    stderr: program.stderr,
    guarded: program.guarded,
    stop_ms: program.stopMs,
    unfinished: program.unfinished,
    phase: one.phase,
    since_ms: one.sinceMs,
    ran_ms: one.ranMs,
    due_in_ms: one.dueInMs,
    failures: one.failures,
    failed_starts: one.failedStarts,
    restarts: one.restarts,
    readiness: writtenReadiness(one.readiness),
    restart: one.restart,
    lines: redactor.redactLines(one.lines),
  };
}

/**
 * Headers of a check may be secrets, and are not written. Whoever adopts an instance of another configuration checks it by a
 * connection then, until it is replaced.
 */
function writtenReadiness(readiness: ReadinessSpec): ReadinessSpec {
  const { headers, expectStatus, expectHeaders, expectBody, program, ...rest } = readiness;
  // Its words may be secrets too: whoever adopts such a program of another configuration takes it for ready.
  const shown = program?.kind === 'command' ? ({ kind: 'after', afterMs: 0 } as const) : program;
  const written = { ...rest, ...(shown === undefined ? {} : { program: shown }) };
  const isWhole = (headers ?? expectStatus ?? expectHeaders ?? expectBody) === undefined;
  return isWhole ? written : { ...written, tcp: true };
}

/** What is written there, or why nothing can be made of it. An instance that makes no sense is left out. */
export function readInstances(text: string): InstancesFile | { readonly why: string } {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return { why: 'it is damaged' };
  }
  if (!isObject(content)) return { why: 'it is damaged' };
  const { version: theirs, boot_id: bootId, generation, hand_over: handOver, instances, ...unknownFields } = content;
  if (theirs !== version) return { why: `it is of version ${JSON.stringify(theirs)}, not ${version}` };
  if (!Array.isArray(instances)) return { why: 'it lists no instances' };
  const boot = typeof bootId === 'string' ? bootId : null;
  return {
    bootId: boot,
    generation: countOr(generation, 0),
    handOver: readHandoff(handOver),
    instances: instances.flatMap((one: unknown) => readInstance(one, boot) ?? []),
    unknownFields,
  };
}

function readHandoff(written: unknown): HandoffRecord | null {
  if (!isObject(written) || !isCount(written['at_uptime_ms'])) return null;
  const graceMs = written['grace_ms'];
  return { atUptimeMs: written['at_uptime_ms'], graceMs: isCount(graceMs) ? graceMs : null };
}

function readInstance(written: unknown, bootId: string | null): InstanceRecord | null {
  if (!isObject(written)) return null;
  const { application, number, run_key: runKey, command, phase, readiness, restart, lines, ...rest } = written;
  const {
    since_ms: sinceMs,
    ran_ms: ranMs,
    due_in_ms: dueInMs,
    failures,
    failed_starts: failedStarts,
    restarts,
    ...others
  } = rest;
  const { program, unknownFields } = readProgram(others, bootId);
  if (program === null || typeof application !== 'string' || typeof runKey !== 'string' || !isCount(number))
    return null;
  if (!isReadiness(readiness) || !isRestart(restart) || !isPhase(phase)) return null;
  return {
    application: application as ApplicationId,
    number,
    runKey,
    command: textsIn(command),
    program,
    phase,
    sinceMs: countOr(sinceMs, 0),
    ranMs: countOr(ranMs, 0),
    dueInMs: isCount(dueInMs) ? dueInMs : null,
    failures: countOr(failures, 0),
    failedStarts: countOr(failedStarts, 0),
    restarts: countOr(restarts, 0),
    readiness: writtenReadiness(readiness),
    restart,
    lines: textsIn(lines),
    unknownFields,
  };
}

function readProgram(
  written: Readonly<Record<string, unknown>>,
  bootId: string | null,
): { readonly program: ProgramRecord | null; readonly unknownFields: Readonly<Record<string, unknown>> } {
  const {
    pid,
    start_ticks: startTicks,
    port,
    stdout,
    stderr,
    guarded,
    stop_ms: stopMs,
    unfinished,
    ...unknownFields
  } = written;
  // Group 0 and 1 would be our own and everybody's.
  if (!isCount(pid) || pid < 2 || !isCount(port) || port > 65_535 || !isCount(stopMs))
    return { program: null, unknownFields };
  if (typeof stdout !== 'string' || typeof stderr !== 'string') return { program: null, unknownFields };
  // Without a start time it is not known whether it is still the same process.
  if (typeof startTicks !== 'string' || bootId === null) return { program: null, unknownFields };
  const program = {
    process: { pid, startTicks, bootId },
    port,
    stdout,
    stderr,
    guarded: guarded === true,
    stopMs,
    unfinished: readUnfinished(unfinished),
  };
  return { program, unknownFields };
}

function readUnfinished(written: unknown): ProgramRecord['unfinished'] {
  const textOf = (name: string): string => {
    const text = isObject(written) ? written[name] : '';
    return typeof text === 'string' ? text : '';
  };
  return { stdout: textOf('stdout'), stderr: textOf('stderr') };
}

function isReadiness(value: unknown): value is InstanceRecord['readiness'] {
  if (!isObject(value) || typeof value['path'] !== 'string') return false;
  if (value['program'] !== undefined && !isProgramReadiness(value['program'])) return false;
  return [value['intervalMs'], value['timeoutMs'], value['passes'], value['startMs']].every(isCount);
}

function isProgramReadiness(value: unknown): boolean {
  if (!isObject(value)) return false;
  switch (value['kind']) {
    case 'line':
      return typeof value['text'] === 'string' && typeof value['isPattern'] === 'boolean';
    case 'file':
      return typeof value['path'] === 'string';
    case 'after':
      return isCount(value['afterMs']);
    default:
      return false;
  }
}

function isRestart(value: unknown): value is InstanceRecord['restart'] {
  return isObject(value) && [value['firstMs'], value['maxMs'], value['resetAfterMs']].every(isCount);
}

function isPhase(value: unknown): value is RecordedPhase {
  return typeof value === 'string' && isRecorded(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function countOr(value: unknown, otherwise: number): number {
  return isCount(value) ? value : otherwise;
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
