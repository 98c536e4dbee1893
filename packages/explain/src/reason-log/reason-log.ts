import { type Dialect, dialect } from '../dialect.ts';
import type { Finding, GatewayProduct } from '../finding.ts';
import { isoTimeMs, type JsonLine, jsonLine, jsonNumber, jsonObject, jsonText } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { statusOf } from '../status-field.ts';
import { findingOf } from '../verdict.ts';
import { type Reason, type ReasonSource, verdictOfReason } from './reasons.ts';

/** The fields of one line that a verdict needs, as text; absent or "-" if the line does not have them. */
type ReasonField =
  | 'time'
  | 'status'
  | 'reason'
  | 'originStatus'
  | 'method'
  | 'path'
  | 'upstream'
  | 'seconds'
  | 'milliseconds'
  | 'id';

export type ReasonFields = Readonly<Partial<Record<ReasonField, string>>>;

/**
 * An access log with a field in which the gateway names how the request ended. Such a gateway is data: how its lines are
 * recognised and taken apart, and what its words mean.
 */
export interface ReasonLog extends ReasonSource {
  readonly gateway: GatewayProduct;
  readonly format: string;
  /** The form of a line: 2 it certainly is one, 1 it could be. Asked for every line, so it has to be cheap. */
  readonly recognise: (line: string) => 0 | 1 | 2;
  /** Null if the line is none after all. */
  readonly fields: (line: string) => ReasonFields | null;
  /** The words of the field `reason`. An unlisted one counts as if there were none. */
  readonly reasons: Readonly<Record<string, Reason>>;
  /** What a status means without a reason, where it is the gateway's own. */
  readonly statuses?: Readonly<Record<number, Reason>>;
  /** Reads what the tables above do not decide: words with variable parts, combinations of fields. Null: nothing. */
  readonly judge?: (fields: ReasonFields, status: number | null) => Reason | null;
}

export function reasonDialect(log: ReasonLog): Dialect {
  return dialect(log.gateway, log.format, log.recognise, (line) => readReasonLine(log, line));
}

function readReasonLine(log: ReasonLog, line: string): Finding | null {
  const text = judgedText(line);
  if (log.recognise(text) === 0) return null;
  const fields = log.fields(text);
  if (fields === null || (fields.status === undefined && fields.reason === undefined)) return null;
  const status = statusOf(fields.status);
  const reason = reasonOf(log, fields, status);
  const verdict = verdictOfReason(reason, log);
  const { gateway, format } = log;
  return findingOf(
    {
      gateway,
      format,
      kind: 'access',
      atMs: isoTimeMs(fields.time),
      status,
      upstream: shown(fields.upstream)?.slice(0, 200) ?? null,
      request: requestOf(fields),
      durationMs: durationOf(fields),
      evidence: reason === 'none' ? [] : evidenceOf(fields, status),
      joins: shown(fields.id) ?? null,
    },
    verdict,
  );
}

function reasonOf({ reasons, statuses, judge }: ReasonLog, fields: ReasonFields, status: number | null): Reason {
  const named = shown(fields.reason);
  const ofWord = named !== undefined && Object.hasOwn(reasons, named) ? reasons[named] : undefined;
  if (ofWord !== undefined) return ofWord;
  const judged = judge?.(fields, status) ?? null;
  if (judged !== null) return judged;
  const ofStatus = status === null ? undefined : statuses?.[status];
  if (ofStatus !== undefined) return ofStatus;
  if (status === 499) return 'client_left';
  if (status === null || status < 500) return 'none';
  return statusOf(fields.originStatus) === status ? 'application' : 'unknown';
}

const shown = (value: string | undefined): string | undefined => (value === '-' || value === '' ? undefined : value);

function requestOf({ method, path }: ReasonFields): string | null {
  if (shown(method) === undefined || path === undefined) return null;
  return `${method} ${path.replace(/^https?:\/\/[^/]{1,255}/, '') || '/'}`;
}

function durationOf({ seconds, milliseconds }: ReasonFields): number | null {
  const inSeconds = jsonNumber(seconds);
  return inSeconds === null ? jsonNumber(milliseconds) : Math.round(inSeconds * 1000);
}

function evidenceOf({ reason, originStatus }: ReasonFields, status: number | null): readonly string[] {
  const named = shown(reason);
  const evidence = named === undefined ? [] : [named.slice(0, 240)];
  if (status !== null) evidence.push(`status=${status}`);
  const ofOrigin = shown(originStatus);
  return ofOrigin === undefined ? evidence : [...evidence, `status of the origin=${ofOrigin.slice(0, 20)}`];
}

/** For each field the keys that may hold it, the first one found counts. */
export type JsonKeys = Readonly<Partial<Record<ReasonField, readonly string[]>>>;

/** Reads the fields of a JSON line by their keys, from the object itself and from those of its members that are listed. */
export function jsonFields(keys: JsonKeys, ...members: readonly string[]): ReasonLog['fields'] {
  return (line) => {
    const whole = jsonLine(line);
    if (whole === null) return null;
    const objects = [whole, ...members.map((member) => jsonObject(whole[member]))].filter((one) => one !== null);
    const fields: Partial<Record<ReasonField, string>> = {};
    for (const field in keys) {
      const value = valueIn(objects, keys[field as ReasonField] ?? []);
      if (value !== null) fields[field as ReasonField] = value;
    }
    return fields;
  };
}

function valueIn(objects: readonly JsonLine[], keys: readonly string[]): string | null {
  for (const key of keys)
    for (const object of objects) {
      const value = object[key];
      const text = jsonText(value) ?? (typeof value === 'number' ? String(value) : null);
      if (text !== null && text !== '') return text;
    }
  return null;
}

/** Reads the fields by a pattern's named groups, which are called as the fields. */
export function patternFields(pattern: RegExp): ReasonLog['fields'] {
  return (line) => {
    const groups = pattern.exec(line.slice(0, 16_384))?.groups;
    if (groups === undefined) return null;
    const { date, clock, ...fields } = groups;
    return date === undefined ? fields : { ...fields, time: `${date} ${clock ?? '00:00:00'}` };
  };
}
