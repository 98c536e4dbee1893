import { reasonBesideState } from '../core/reason-beside-state.ts';
import type { Event } from '../core/event.ts';
import { eventJson } from '../core/event-json.ts';
import { type EventLevel, levelOf } from '../core/event-level.ts';
import { snakeCased } from '#failures/json-case.ts';
import { type Clock, after, type Instant, type Timer } from '../core/time.ts';
import type { FailureSummary } from '../control/gateway-status.ts';
import { durationText, harmless, wrapAfter } from './layout.ts';
import { verdictAndWhose, verdictWords } from '../diagnose/record-words.ts';
import type { Style } from './style.ts';
import type { Output } from './process-context.ts';
import { RedactedLines } from './redacted-output.ts';
import { escapeInvisible } from '#failures/invisible-characters.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';

/** One line for people: time, subject, the change of state, and why. */
export function eventLine(event: Event, style: Style): string {
  return `${style.dim(clockTime(event.at))} ${eventText(event, style)}`;
}

/** The same for a terminal, broken between words. */
export function eventLines(event: Event, style: Style): string {
  return fit(event.at, eventText(event, style), style);
}

function eventText(event: Event, style: Style): string {
  const level = levelOf(event);
  const change =
    event.from !== null && event.to !== null && event.from !== event.to
      ? ` ${stateWords(event.from)} → ${stateWords(event.to)}:`
      : event.to === null
        ? ''
        : ` ${stateWords(event.to)}:`;
  const tone = level === 'error' ? style.bad : level === 'warn' ? style.warn : (text: string) => text;
  return `${style.name(harmless(event.subject))}${tone(`${change} ${harmless(reasonBesideState(event.to ?? '', reasonText(event)))}`)}`;
}

/** The reason of an event. A restart omits how the instance ended, which the event before it has said. */
function reasonText(event: Event): string {
  if (event.kind !== 'instance_restarting') return event.reason;
  const { afterMs, failures } = event.evidence;
  const often = failures > 1 ? ` (it has ended ${failures} times in a row)` : '';
  return `restarts after ${durationText(afterMs)}${often}`;
}

/** 'backing off'. */
function stateWords(state: string): string {
  return state.replaceAll('_', ' ');
}

/** A failed exchange: the request, how it ended, and why. */
function failureText(record: ExchangeRecord, style: Style): string {
  const target = harmless(`${record.method} ${record.host}${record.path}`);
  const status = record.status === null ? 'no answer,' : String(record.status);
  const verdict = verdictAndWhose(record);
  if (record.detail === null) return `${target} → ${style.bad(status)} ${style.warn(verdict)}`;
  return `${target} → ${style.bad(status)} ${style.warn(`${verdict}:`)} ${harmless(record.detail)}`;
}

/** The line of a failure bears the time at which the exchange ended. */
export function endOf(record: ExchangeRecord): number {
  return Date.parse(record.at) + record.duration_ms;
}

/** '12:00:03', local time. */
export function clockTime(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** Columns of a time and the space after it. */
export const timeWidth = 9;

/** The same line, broken between words if it is wider than a terminal. The continuation lines are indented to its text. */
export function fit(at: number, text: string, style: Style): string {
  return wrapAfter(`${style.dim(clockTime(at))} `, text, timeWidth).join('\n');
}

/** Prints events: lines for people on a terminal, JSON elsewhere. */
export interface EventWriter {
  event(event: Event): void;
  /** Prints a failure. Absent if the writer prints none: then no record is read for it. */
  failed?(record: ExchangeRecord): void;
  /** Counts failures whose records were not read. */
  skipped?(count: number): void;
  /** Receives every record. If it is present, it also prints the failures. */
  recorded?(lines: Uint8Array): void;
  failing(summary: FailureSummary): void;
  /** `isLogOnStdout`: the exchange log goes to standard output, which then has nothing else. */
  printed(instance: string, stream: 'stdout' | 'stderr', line: string, isLogOnStdout: boolean): void;
  /** Prints what is still buffered. */
  end(): void;
}

/** Prints the number of failures of one kind, with the id of the last one. */
export function moreLikeIt(count: number, withinMs: number, last: ExchangeRecord, at: number, style: Style): string {
  const what = last.cause ?? verdictWords(last);
  const within = `${Math.max(1, Math.ceil(withinMs / 1000))} s`;
  return fit(at, style.warn(`and ${count} more (${what}) in the last ${within}; the last one:`), style);
}

/** Prints the number of failures whose records were not read. */
export function notRead(count: number, withinMs: number, at: number, style: Style): string {
  const within = `${Math.max(1, Math.ceil(withinMs / 1000))} s`;
  const what = count === 1 ? '1 more failure' : `${count} more failures`;
  return fit(
    at,
    style.warn(`and ${what} of any kind in the last ${within}, too many to list; the log has them`),
    style,
  );
}

/**
 * Whether a person at a terminal has just read the same in other words: the state of an instance's endpoint follows that of
 * the instance. Also true for a phase of stopping that has nothing in flight.
 */
function isRedundant(event: Event): boolean {
  if (event.kind === 'drain_phase' && event.to !== 'lame_duck') {
    const { exchanges, tunnels, connections } = event.evidence;
    return exchanges + tunnels + connections === 0;
  }
  return event.kind === 'worker_started' || (event.kind === 'endpoint_state' && event.evidence.check === 'readiness');
}

/** `explain` is the command that a person can run for more about a request, such as `npx candor explain`. */
export function readableEvents(
  stdout: Output,
  stderr: Output,
  style: Style,
  explain: string,
  clock: Clock,
): EventWriter {
  const under = ' '.repeat(timeWidth);
  const explainLine = ({ id }: ExchangeRecord): string => `${under}${style.dim(`${explain} ${id}`)}`;
  const failures = new RepeatedFailures(clock, {
    one: (record) => stderr.write(`${fit(endOf(record), failureText(record, style), style)}\n${explainLine(record)}\n`),
    more: (count, withinMs, last) => {
      stderr.write(`${moreLikeIt(count, withinMs, last, clock.wallTime(), style)}\n${explainLine(last)}\n`);
    },
    skipped: (count, withinMs) => stderr.write(`${notRead(count, withinMs, clock.wallTime(), style)}\n`),
  });
  return {
    event: (event) => {
      if (!isRedundant(event)) stderr.write(`${eventLines(event, style)}\n`);
    },
    failed: (record) => {
      // A load balancer polls its health check, and this failure is the intended answer to it.
      if (record.cause === 'gateway_stopping') return;
      failures.note(record);
    },
    skipped: (count) => failures.skip(count),
    // The first failures were printed one by one; later ones are counted from the records.
    failing: () => {},
    printed: (instance, stream, line, isLogOnStdout) =>
      (stream === 'stdout' && !isLogOnStdout ? stdout : stderr).write(`${style.dim(`${instance} |`)} ${line}\n`),
    end: () => failures.end(),
  };
}

/**
 * One JSON line per event on standard error. What an instance writes to standard output goes to standard output,
 * with its name, and what it writes to standard error is a JSON line there. With the exchange log on standard output both are JSON lines on standard error. Failed exchanges are in the exchange log; here they are counted by cause and endpoint.
 */
export function jsonEvents(stdout: Output, stderr: Output, wallTime: () => number): EventWriter {
  const write = (level: EventLevel | 'debug', facts: object, reason: string): void =>
    stderr.write(escapeInvisible(`${JSON.stringify({ level, ...facts, reason })}\n`));
  const lines = new RedactedLines();
  return {
    event: (event) => {
      const { reason, at, ...rest } = eventJson(event);
      write(levelOf(event), { at, ...rest }, reason);
    },
    failing: ({ level, reason, ...rest }) =>
      write(level, { at: new Date(wallTime()).toISOString(), kind: 'failures', ...snakeCased(rest) }, reason),
    // A terminal shows the output of an instance as it is. Here a service manager or a log file stores it, so secrets are
    // redacted.
    printed: (instance, stream, written, isLogOnStdout) => {
      const line = lines.redact(`${instance} ${stream}`, written);
      if (stream === 'stdout' && !isLogOnStdout) return stdout.write(`${instance} | ${line}\n`);
      const at = new Date(wallTime()).toISOString();
      write('info', { at, kind: 'instance_output', subject: `instance:${instance}`, stream }, line);
    },
    end: () => {},
  };
}

/** A person reads the first few failures of a kind, and then looks for other kinds. */
const shownMax = 3;

/** The same interval as in the log of the control plane (`control/failure-report.ts`). */
const sumEveryMs = 10_000;

interface FailureReporter {
  /** Called with each failure that is printed in full. */
  readonly one: (record: ExchangeRecord) => void;
  /** Called with the number of further failures of the same cause at the same endpoint, and the last of them. */
  readonly more: (count: number, withinMs: number, last: ExchangeRecord) => void;
  /** Called with the number of failures of any kind whose records were not read. */
  readonly skipped: (count: number, withinMs: number) => void;
}

interface Entry {
  readonly key: string;
  shown: number;
  more: number;
  /** When counting began. */
  since: Instant;
  last: ExchangeRecord | null;
  timer: Timer;
}

/**
 * Failures for people: the first three with a cause at an endpoint in full, then their number every ten seconds while they
 * continue.
 */
export class RepeatedFailures {
  readonly #clock: Clock;
  readonly #report: FailureReporter;
  readonly #entries = new Map<string, Entry>();
  #skipped: { count: number; readonly since: Instant; readonly timer: Timer } | null = null;

  constructor(clock: Clock, tell: FailureReporter) {
    this.#clock = clock;
    this.#report = tell;
  }

  note(record: ExchangeRecord): void {
    const key = `${record.shape} ${record.cause} ${record.upstream ?? record.route}`;
    const entry = this.#entries.get(key) ?? this.#begin(key);
    if (entry.shown < shownMax) {
      entry.shown += 1;
      this.#report.one(record);
    } else {
      entry.more += 1;
      entry.last = record;
    }
  }

  /** Counts failures whose records were not read. */
  skip(count: number): void {
    if (this.#skipped === null) {
      const since = this.#clock.now();
      const timer = this.#clock.schedule(
        after(since, sumEveryMs),
        RepeatedFailures.#skippedDue,
        this as RepeatedFailures,
      );
      this.#skipped = { count: 0, since, timer };
    }
    this.#skipped.count += count;
  }

  static #skippedDue(this: void, failures: RepeatedFailures): void {
    failures.#reportSkipped();
  }

  #reportSkipped(): void {
    const skipped = this.#skipped;
    if (skipped === null) return;
    this.#skipped = null;
    skipped.timer.cancel();
    this.#report.skipped(skipped.count, this.#clock.now() - skipped.since);
  }

  /** Prints the failures that are only counted so far, and leaves no timer. */
  end(): void {
    this.#reportSkipped();
    for (const entry of this.#entries.values()) {
      entry.timer.cancel();
      this.#sumUp(entry);
    }
    this.#entries.clear();
  }

  #begin(key: string): Entry {
    const entry: Entry = {
      key,
      shown: 0,
      more: 0,
      since: this.#clock.now(),
      last: null,
      timer: { cancel: () => {} },
    };
    this.#entries.set(key, entry);
    this.#wait(entry);
    return entry;
  }

  #wait(entry: Entry): void {
    entry.timer = this.#clock.schedule(after(this.#clock.now(), sumEveryMs), (due) => this.#due(due), entry);
  }

  #due(entry: Entry): void {
    // No failures beyond the printed ones in ten seconds: the next ones are printed in full again.
    if (entry.last === null) {
      this.#entries.delete(entry.key);
      return;
    }
    this.#sumUp(entry);
    this.#wait(entry);
  }

  #sumUp(entry: Entry): void {
    const now = this.#clock.now();
    if (entry.last !== null) this.#report.more(entry.more, now - entry.since, entry.last);
    entry.more = 0;
    entry.since = now;
    entry.last = null;
  }
}
