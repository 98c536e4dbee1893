import pino from 'pino';
import type { Event } from '../core/event.ts';
import type { ExchangeRecord } from '../core/record.ts';
import { harmless } from './layout.ts';
import { shapeWords, whoseWords } from './record-words.ts';
import type { Style } from './style.ts';
import type { Output } from './surroundings.ts';

export type Level = 'error' | 'warn' | 'info' | 'debug';

/** How much an event matters. What is well again is information; what an operator should look at warns. */
export function levelOf(event: Event): Level {
  switch (event.kind) {
    case 'worker_lost':
    case 'configuration_rejected':
    case 'instance_not_started':
    case 'instance_misplaced':
      return 'error';
    case 'instance_not_ready':
    case 'instance_restarting':
    case 'log_dropped':
      return 'warn';
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
  const level = levelOf(event);
  const change =
    event.from !== null && event.to !== null && event.from !== event.to
      ? ` ${event.from} → ${event.to}:`
      : event.to === null
        ? ''
        : ` ${event.to}:`;
  const tone = level === 'error' ? style.bad : level === 'warn' ? style.warn : (text: string) => text;
  return `${style.dim(clockTime(event.at))} ${style.name(harmless(event.subject))}${tone(`${change} ${harmless(event.reason)}`)}`;
}

/** One line for people about an exchange that failed. */
export function failureLine(record: ExchangeRecord, style: Style): string {
  const target = harmless(`${record.method} ${record.host}${record.path}`);
  const status = record.status === null ? 'left' : String(record.status);
  const whose = record.whose === null ? '' : `, ${whoseWords[record.whose]}`;
  const what = record.detail === null ? '' : ` ${harmless(record.detail)}`;
  const when = style.dim(clockTime(Date.parse(record.at)));
  return `${when} ${style.bad(status)} ${target} ${style.warn(`${shapeWords[record.shape]}${whose}:`)}${what} ${style.dim(`(candor explain ${record.id})`)}`;
}

/** '12:00:03', local time. */
function clockTime(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** Where the control plane tells what happens: lines for people on a terminal, JSON elsewhere. */
export interface EventWriter {
  event(event: Event): void;
  failed(record: ExchangeRecord): void;
  printed(instance: string, stream: 'stdout' | 'stderr', line: string): void;
}

/** What a person at a terminal has just read in other words: an instance's endpoint does as its instance does. */
function isTwiceTold(event: Event): boolean {
  return event.kind === 'worker_started' || (event.kind === 'endpoint_state' && event.evidence.check === 'readiness');
}

export function readableEvents(stdout: Output, stderr: Output, style: Style): EventWriter {
  return {
    event: (event) => {
      if (!isTwiceTold(event)) stderr.write(`${eventLine(event, style)}\n`);
    },
    failed: (record) => stderr.write(`${failureLine(record, style)}\n`),
    printed: (instance, stream, line) =>
      (stream === 'stdout' ? stdout : stderr).write(`${style.dim(`${instance} |`)} ${line}\n`),
  };
}

/**
 * One JSON line per event on standard error. What instances print goes to the stream they printed it on, with
 * the instance's name; failures of exchanges are in the exchange log and not told twice.
 */
export function jsonEvents(stdout: Output, stderr: Output): EventWriter {
  const logger = pino(
    {
      base: null,
      timestamp: false,
      messageKey: 'reason',
      level: 'debug',
      formatters: { level: (label) => ({ level: label }) },
    },
    stderr,
  );
  return {
    event: ({ reason, at, ...rest }) =>
      logger[levelOf({ reason, at, ...rest } as Event)]({ at: new Date(at).toISOString(), ...rest }, reason),
    failed: () => {},
    printed: (instance, stream, line) => {
      if (stream === 'stdout') stdout.write(`${instance} | ${line}\n`);
      else logger.info({ kind: 'instance_output', subject: `instance:${instance}` }, line);
    },
  };
}
