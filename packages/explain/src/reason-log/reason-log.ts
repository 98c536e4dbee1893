import { type Dialect, dialect } from '../dialect.ts';
import type { Finding, GatewayProduct, Born, Fix } from '../finding.ts';
import { isoTimeMs, type JsonLine, jsonLine, jsonNumber, jsonObject, jsonText, statusOf } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import {
  findingOf,
  fixOf,
  harmlessVerdict,
  type Verdict,
  appErrorVerdict,
  clientLeftVerdict,
  failedWith,
  unknownVerdict,
  unreachableVerdict,
} from '../verdict.ts';
import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';

/**
 * What a gateway's own word for an outcome means. 'unreachable': no connection, and the word does not say why.
 * 'application': the origin sent this response itself. 'unknown': a failure, and the word does not say which.
 */
export type Reason = ProxyErrorType | 'unreachable' | 'application' | 'client_left' | 'unknown' | 'none';

/** The gateway that wrote the word. */
export interface ReasonSource {
  /** In sentences: "CloudFront". */
  readonly name: string;
  readonly born: Born;
  /** Advice in the settings of that gateway, where it is better than the advice of the table below. */
  readonly fixes?: Readonly<Partial<Record<Reason, Fix>>>;
}

type Meaning = readonly [sentence: string, advice: string];

/** `%s` stands for the gateway. */
const meanings: Readonly<Partial<Record<Reason, Meaning>>> = {
  dns_error: ['%s could not look up the name of the origin.', 'Correct the name of the origin, or its DNS records'],
  dns_timeout: ['The name server did not answer %s in time.', 'Check the name servers of the zone of the origin'],
  destination_not_found: [
    '%s has no route for this request.',
    'Add the host and the path to the routes of the gateway',
  ],
  destination_unavailable: [
    '%s considers every server of that origin unhealthy, so it contacted none.',
    'Look at the results of the health checks, and fix the failures before this line',
  ],
  destination_ip_unroutable: ['There is no route from %s to the origin.', 'Check the address and the network'],
  connection_refused: [
    'The origin refused the connection from %s.',
    'Start the application, or correct the address and the port of the origin',
  ],
  connection_timeout: [
    'The connection from %s to the origin timed out.',
    'Check the address of the origin, and whether a firewall drops the packets of the gateway',
  ],
  connection_terminated: [
    'The origin closed the connection before it had answered %s.',
    'Look for a crash or a restart of the origin; have it keep idle connections longer than the gateway does',
  ],
  connection_read_timeout: [
    'The origin got the request from %s, but did not answer in time.',
    'Find out what the application waits for, or raise the response timeout of the gateway',
  ],
  http_response_timeout: [
    'The origin got the request from %s, but did not answer in time.',
    'Find out what the application waits for, or raise the response timeout of the gateway',
  ],
  connection_write_timeout: [
    'The origin did not read the request of %s in time.',
    'Find out what the origin waits for',
  ],
  connection_limit_reached: [
    '%s has no free connection or worker for this request.',
    'Add workers or servers, or raise the limit',
  ],
  tls_protocol_error: [
    'The TLS handshake between %s and the origin failed.',
    'Check that the port of the origin speaks TLS, and which versions, ciphers and server names it accepts',
  ],
  tls_certificate_error: [
    '%s does not accept the certificate of the origin.',
    'Renew the certificate, or correct its names and its chain',
  ],
  http_request_error: [
    'The request of the client is not valid.',
    'Nothing is wrong with the gateway: look at the client',
  ],
  http_request_denied: ['A rule of %s denied the request.', 'If such requests should be allowed, change the rule'],
  http_response_incomplete: [
    'The response of the origin broke off before it was complete.',
    'Look for a crash, a restart or a time limit of the origin at that time',
  ],
  http_response_header_section_size: [
    "The headers of the origin's response are larger than %s accepts.",
    'Send fewer or smaller headers; often these are cookies',
  ],
  http_protocol_error: [
    "%s does not accept the origin's response as HTTP.",
    'Look at the response that the origin sends, for instance with curl -v',
  ],
  proxy_internal_error: ['%s itself failed.', 'If it persists, report it to those who operate the gateway'],
  proxy_configuration_error: ['The configuration of %s is wrong.', 'Correct the setting that the line names'],
  proxy_loop_detected: ['The request came back to %s.', "Remove the gateway's own address from its origins"],
};

/** The verdict on a word of the gateway. */
export function verdictOfReason(reason: Reason, source: ReasonSource): Verdict {
  const { name, born, fixes } = source;
  if (reason === 'none') return harmlessVerdict;
  if (reason === 'client_left') return clientLeftVerdict(`The client left before ${name} had answered.`);
  if (reason === 'application')
    return appErrorVerdict(
      `The origin itself sent this error; ${name} passed it on.`,
      fixOf('Read the log of the application'),
    );
  if (reason === 'unknown')
    return unknownVerdict(
      born,
      `${name} reports an error; the line does not say what failed.`,
      fixes?.unknown ??
        fixOf('Look for the same request in the log of the origin: without a line there, it was not reached'),
    );
  const [sentence, advice] = meanings[reason] ?? [`%s reports ${reason}.`, 'Look at the log of the origin'];
  const fix = fixes?.[reason] ?? fixOf(advice);
  if (reason === 'unreachable')
    return unreachableVerdict(born, {
      sentence: `${name} could not connect to the origin: it refused, there was no route, or it took too long.`,
      fix: fixes?.unreachable ?? fixOf('Check that the origin runs, and that its firewall allows the gateway'),
    });
  return failedWith(born, reason, { sentence: sentence.replace('%s', name), fix });
}

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
