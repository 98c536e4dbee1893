import pino from 'pino';
import type { Event } from '../core/event.ts';
import { eventJson } from '../core/event-json.ts';
import { snakeCased } from '../core/json-case.ts';
import type { ExchangeRecord } from '../core/record.ts';
import type { Clock } from '../core/time.ts';
import type { FailureSummary } from '../control/gateway-status.ts';
import type { RecordLines } from '../core/record-lines.ts';
import { durationText, harmless, wrapAfter } from './layout.ts';
import { verdictAndWhose, verdictWords } from './record-words.ts';
import { RepeatedFailures } from './repeated-failures.ts';
import type { Style } from './style.ts';
import type { Output } from './process-context.ts';
import { RedactedLines } from './redacted-output.ts';
import { escapeInvisible } from '../core/invisible-characters.ts';

export type Level = 'error' | 'warn' | 'info' | 'debug';

/** How much an event matters. What is well again is information; what an operator should look at warns. */
export function levelOf(event: Event): Level {
  switch (event.kind) {
    case 'worker_lost':
    case 'configuration_rejected':
    case 'upgrade_failed':
    case 'instance_not_started':
    case 'instance_wrong_listen_address':
      return 'error';
    case 'instance_not_ready':
    case 'instance_exposed':
    case 'instance_restarting':
    case 'worker_restarting':
    case 'worker_silent':
    case 'health_disagreement':
    case 'connections_refused':
    case 'descriptors_exhausted':
    case 'descriptors_few':
    case 'log_dropped':
    case 'log_not_rotated':
    case 'log_reopened':
    case 'state_unusable':
    case 'admin_refused':
      return 'warn';
    case 'drain_phase':
      return event.to === 'force_closing' && event.evidence.exchanges + event.evidence.tunnels > 0 ? 'warn' : 'info';
    case 'name_state':
      return event.to === 'resolved' ? 'info' : 'warn';
    case 'endpoint_state':
      return event.to === 'unhealthy' ? 'warn' : 'info';
    case 'instance_exited':
      // An instance that was told to stop has not failed.
      return event.from === 'stopping' ? 'info' : 'error';
    default:
      return 'info';
  }
}

/** One line for people: when, what, from which state to which, and why. */
export function eventLine(event: Event, style: Style): string {
  return `${style.dim(clockTime(event.at))} ${eventText(event, style)}`;
}

/** The same for a terminal: broken between words. */
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
  return `${style.name(harmless(event.subject))}${tone(`${change} ${harmless(reasonText(event))}`)}`;
}

/** What the event before has just said, of an instance that ended, is not said again. */
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

/** An exchange that failed: which request, how it ended, and why. */
function failureText(record: ExchangeRecord, style: Style): string {
  const target = harmless(`${record.method} ${record.host}${record.path}`);
  const status = record.status === null ? 'no answer,' : String(record.status);
  const verdict = verdictAndWhose(record);
  if (record.detail === null) return `${target} → ${style.bad(status)} ${style.warn(verdict)}`;
  return `${target} → ${style.bad(status)} ${style.warn(`${verdict}:`)} ${harmless(record.detail)}`;
}

/** A failure is told when it has happened, so its line bears that time. */
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

/** The same line, broken between words where it is wider than a terminal; what follows stands under its text. */
export function fit(at: number, text: string, style: Style): string {
  return wrapAfter(`${style.dim(clockTime(at))} `, text, timeWidth).join('\n');
}

/** Where the control plane tells what happens: lines for people on a terminal, JSON elsewhere. */
export interface EventWriter {
  event(event: Event): void;
  failed(record: ExchangeRecord): void;
  /** Takes every record; where this is there, it tells of failures too. */
  recorded?(lines: RecordLines): void;
  failing(summary: FailureSummary): void;
  printed(instance: string, stream: 'stdout' | 'stderr', line: string): void;
  /** Tells what it has kept back. */
  end(): void;
}

/** The sum of failures of one kind; the id of the last one follows it. */
export function moreLikeIt(count: number, withinMs: number, last: ExchangeRecord, at: number, style: Style): string {
  const what = last.cause ?? verdictWords(last);
  const within = `${Math.max(1, Math.ceil(withinMs / 1000))} s`;
  return fit(at, style.warn(`and ${count} more (${what}) in the last ${within}; the last one:`), style);
}

/**
 * What a person at a terminal has just read in other words: an instance's endpoint does as its instance does. And a phase of
 * the end that finds nothing under way.
 */
function isRedundant(event: Event): boolean {
  if (event.kind === 'drain_phase' && event.to !== 'lame_duck') {
    const { exchanges, tunnels, connections } = event.evidence;
    return exchanges + tunnels + connections === 0;
  }
  return event.kind === 'worker_started' || (event.kind === 'endpoint_state' && event.evidence.check === 'readiness');
}

/** `explain` is what asks for more about a request where these lines are read, such as `npx candor explain`. */
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
  });
  return {
    event: (event) => {
      if (!isRedundant(event)) stderr.write(`${eventLines(event, style)}\n`);
    },
    failed: (record) => {
      // Load balancers ask again and again, and this is the answer that they should get.
      if (record.cause === 'gateway_stopping') return;
      failures.note(record);
    },
    // The first of them have just been told one by one, the others are summed up from the records.
    failing: () => {},
    printed: (instance, stream, line) =>
      (stream === 'stdout' ? stdout : stderr).write(`${style.dim(`${instance} |`)} ${line}\n`),
    end: () => failures.end(),
  };
}

/**
 * One JSON line per event on standard error. What instances print goes to the stream they printed it on, with
 * the instance's name; failures of exchanges are in the exchange log, and summed up here by cause and place.
 */
export function jsonEvents(stdout: Output, stderr: Output, wallTime: () => number): EventWriter {
  const logger = pino(
    {
      base: null,
      timestamp: false,
      messageKey: 'reason',
      level: 'debug',
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => stderr.write(escapeInvisible(line)) },
  );
  const lines = new RedactedLines();
  return {
    event: (event) => {
      const { reason, at, ...rest } = eventJson(event);
      logger[levelOf(event)]({ at, ...rest }, reason);
    },
    failed: () => {},
    failing: ({ level, reason, ...rest }) =>
      logger[level]({ at: new Date(wallTime()).toISOString(), kind: 'failures', ...snakeCased(rest) }, reason),
    // On a terminal people see what they run as it is; here it is kept, by a service manager or a log of somebody's.
    printed: (instance, stream, written) => {
      const line = lines.redact(`${instance} ${stream}`, written);
      if (stream === 'stdout') stdout.write(`${instance} | ${line}\n`);
      else logger.info({ kind: 'instance_output', subject: `instance:${instance}` }, line);
    },
    end: () => {},
  };
}
