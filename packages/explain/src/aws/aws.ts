import { type Dialect, dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { isoTimeMs, statusOf } from '../json-fields.ts';
import { judgedText, requestOf } from '../line-text.ts';
import {
  appErrorVerdict,
  failedWith,
  type FailureWords,
  unknownVerdict,
  findingOf,
  fixOf,
  type Verdict,
  harmlessVerdict,
} from '../verdict.ts';
import { type AlbExchange, judgeAlb } from './alb-verdict.ts';

const fieldsMax = 60;

/**
 * The fields of a line of Elastic Load Balancing: separated by one space, in quotes if they may contain one. A quote
 * ends its field only if a space or the end of the line follows, since clients write quotes into what they send.
 */
function splitFields(line: string): string[] {
  const fields: string[] = [];
  let from = 0;
  while (from < line.length && fields.length < fieldsMax) {
    const isQuoted = line[from] === '"';
    const end = isQuoted ? quotedEnd(line, from + 1) : plainEnd(line, from);
    fields.push(isQuoted ? line.slice(from + 1, end) : line.slice(from, end));
    from = end + (isQuoted ? 2 : 1);
  }
  return fields;
}

function plainEnd(line: string, from: number): number {
  const space = line.indexOf(' ', from);
  return space < 0 ? line.length : space;
}

/** The position of the closing quotation mark, or the end of a truncated line. */
function quotedEnd(line: string, from: number): number {
  const end = line.indexOf('" ', from);
  if (end >= 0) return end;
  return line.endsWith('"') && line.length > from ? line.length - 1 : line.length;
}

/** A time in seconds with a fraction; -1 for "not reached", and for text that is no time. */
function secondsOf(field: string | undefined): number {
  return field !== undefined && /^\d{1,9}(?:\.\d{1,9})?$/.test(field) ? Number(field) : -1;
}

/** These logs write "-" for no value. */
function present(field: string | undefined): string | null {
  return field === undefined || field === '-' || field === '' ? null : field;
}

const albFormat = 'AWS ALB access log';

const albBeginning = /^(?:https?|h2|grpcs?|wss?) \d{4}-\d\d-\d\dT[\d:.]{8,18}Z \S{1,300} /;

/** A line that ends before the request is too short to be recognised. */
const fieldsMin = 13;

function readAlb(line: string): Finding | null {
  const fields = splitFields(judgedText(line));
  if (fields.length < fieldsMin || !albBeginning.test(line)) return null;
  const exchange = exchangeOf(fields);
  const atMs = isoTimeMs(fields[1]);
  const verdict = judgeAlb(exchange);
  return findingOf(
    {
      gateway: 'aws-alb',
      format: albFormat,
      kind: 'access',
      atMs,
      status: exchange.status,
      upstream: exchange.target ?? exchange.targetGroup,
      request: albRequest(fields[12] as string),
      durationMs: durationOf(exchange),
      evidence: verdict.shape === 'none' ? [] : albEvidence(exchange, fields[8] as string),
    },
    verdict,
  );
}

function exchangeOf(fields: readonly string[]): AlbExchange {
  const endedAt = isoTimeMs(fields[1]);
  const beganAt = isoTimeMs(fields[21]);
  return {
    target: present(fields[4]),
    requestS: secondsOf(fields[5]),
    targetS: secondsOf(fields[6]),
    responseS: secondsOf(fields[7]),
    status: statusOf(fields[8]),
    targetStatus: statusOf(fields[9]),
    targetGroup: present(fields[16]),
    elapsedS: endedAt === null || beganAt === null ? null : Math.max(0, endedAt - beganAt) / 1000,
    actions: (present(fields[22]) ?? '').split(','),
    errorReason: present(fields[24]),
    classification: present(fields[27]),
    classificationReason: present(fields[28]),
  };
}

/** "GET https://shop.example.org:443/cart?x=1 HTTP/1.1" without scheme, host and version. */
function albRequest(text: string): string | null {
  const [, method = '', target = ''] = /^(\S{1,40}) \S{1,20}:\/\/[^/\s]{0,300}(\/\S*)/.exec(text) ?? [];
  if (target !== '') return `${method} ${target}`;
  return text.startsWith('- ') ? null : requestOf(text);
}

function durationOf({ elapsedS, requestS, targetS, responseS }: AlbExchange): number | null {
  if (elapsedS !== null) return elapsedS * 1000;
  return requestS < 0 || targetS < 0 || responseS < 0 ? null : Math.round((requestS + targetS + responseS) * 1000);
}

/** The fields that decide, by their documented names. */
function albEvidence(exchange: AlbExchange, statusField: string): string[] {
  const { target, requestS, targetS, responseS, targetStatus, elapsedS, errorReason, classification } = exchange;
  const evidence = [
    `elb_status_code=${statusField}`,
    `target_status_code=${targetStatus ?? '-'}`,
    `target:port=${target ?? '-'}`,
    `times=${requestS} ${targetS} ${responseS}`,
  ];
  if (elapsedS !== null) evidence.push(`time - request_creation_time=${elapsedS}s`);
  if (exchange.actions[0] !== '') evidence.push(`actions_executed=${exchange.actions.join(',')}`);
  if (errorReason !== null) evidence.push(`error_reason=${errorReason}`);
  if (classification !== null)
    evidence.push(`classification=${classification}`, `classification_reason=${exchange.classificationReason ?? '-'}`);
  return evidence;
}

const albDialect = dialect('aws-alb', albFormat, (line) => (albBeginning.test(line) ? 2 : 0), readAlb);

const clbFormat = 'AWS CLB access log';

const clbBeginning =
  /^\d{4}-\d\d-\d\dT[\d:.]{8,18}Z \S{1,64} (?:\S{2,48}:\d{1,5}|-) (?:\S{2,48}:\d{1,5}|-) (?:-1|[\d.]{1,20}) (?:-1|[\d.]{1,20}) (?:-1|[\d.]{1,20}) (?:\d{1,3}|-) (?:\d{1,3}|-) \d{1,15} \d{1,15} "/;

interface ClbExchange {
  readonly backend: string | null;
  readonly requestS: number;
  readonly backendS: number;
  readonly responseS: number;
  readonly status: number | null;
  readonly backendStatus: number | null;
}

function readClb(line: string): Finding | null {
  if (!clbBeginning.test(line)) return null;
  const fields = splitFields(judgedText(line));
  const exchange: ClbExchange = {
    backend: present(fields[3]),
    requestS: secondsOf(fields[4]),
    backendS: secondsOf(fields[5]),
    responseS: secondsOf(fields[6]),
    status: statusOf(fields[7]),
    backendStatus: statusOf(fields[8]),
  };
  const { requestS, backendS, responseS } = exchange;
  const verdict = judge(exchange);
  return findingOf(
    {
      gateway: 'aws-clb',
      format: clbFormat,
      kind: 'access',
      atMs: isoTimeMs(fields[0]),
      status: exchange.status,
      upstream: exchange.backend,
      request: albRequest(fields[11] ?? '-'),
      durationMs:
        requestS < 0 || backendS < 0 || responseS < 0 ? null : Math.round((requestS + backendS + responseS) * 1000),
      evidence: verdict.shape === 'none' ? [] : clbEvidence(fields),
    },
    verdict,
  );
}

function clbEvidence(fields: readonly string[]): string[] {
  const [, , , backend, request, processing, response, status, backendStatus] = fields;
  return [
    `elb_status_code=${status}`,
    `backend_status_code=${backendStatus}`,
    `backend:port=${backend}`,
    `times=${request} ${processing} ${response}`,
  ];
}

function judge(exchange: ClbExchange): Verdict {
  const { status, backendStatus, backendS, backend } = exchange;
  // A TCP listener has no status at all.
  if (status === null || status < 400) return harmlessVerdict;
  if (backendStatus === status)
    return status < 500
      ? harmlessVerdict
      : appErrorVerdict(
          `The instance itself answered ${status}; the load balancer passed it on.`,
          fixOf("Read the application's own log at that time"),
        );
  if (status < 500)
    return failed('http_request_error', {
      sentence: `The load balancer rejected the request (${status}): malformed, not allowed, or not sent in time.`,
      fix: null,
    });
  if (status === 502)
    return failed('http_protocol_error', {
      sentence: `${backend ?? 'The instance'} sent a response that is not valid HTTP.`,
      fix: fixOf(
        'Look at the response itself',
        `curl -v http://${backend !== null && /^[\d.:[\]a-f]{1,64}$/.test(backend) ? backend : 'INSTANCE:PORT'}/`,
      ),
    });
  if (status === 503)
    return failed('destination_unavailable', {
      sentence: 'No instance was available: none is registered and healthy, or the load balancer lacks capacity.',
      whose: 'operator',
      fix: fixOf(
        'Check which instances are in service, and whether their zones are enabled',
        'aws elb describe-instance-health --load-balancer-name NAME',
      ),
    });
  return status === 504 ? judgeTimeout(backend, backendS) : otherStatus(status);
}

/** This log has no time of the response. Only an instance that had begun to answer shows how long it took. */
function judgeTimeout(backend: string | null, backendS: number): Verdict {
  if (backendS >= 1)
    return failed('connection_read_timeout', {
      sentence: `${backend ?? 'The instance'} had not answered when the idle timeout ran out.`,
      fix: idleTimeout,
    });
  return unknownVerdict(
    'load-balancer',
    'The instance did not answer within the idle timeout, or it closed the connection; a Classic Load Balancer writes 504 for both.',
    fixOf(
      "Check whether the metric Latency reaches the idle timeout (then the instance is slow); if not, make the instances' keep-alive longer than the idle timeout",
      ...(idleTimeout.snippet === null ? [] : [idleTimeout.snippet]),
    ),
    'response',
  );
}

const idleTimeout = fixOf(
  'Make the application answer sooner, or raise the idle timeout (60 s unless changed)',
  'aws elb modify-load-balancer-attributes --load-balancer-name NAME --load-balancer-attributes \'{"ConnectionSettings":{"IdleTimeout":120}}\'',
);

function otherStatus(status: number): Verdict {
  return unknownVerdict(
    'load-balancer',
    `The load balancer answered ${status} itself; the line does not say why.`,
    fixOf("Read the instance's own log at that time"),
  );
}

function failed(type: Parameters<typeof failedWith>[1], words: FailureWords): Verdict {
  return failedWith('load-balancer', type, words);
}

const clbDialect = dialect('aws-clb', clbFormat, (line) => (clbBeginning.test(line) ? 2 : 0), readClb);

/** Access logs of Elastic Load Balancing: Application and Classic Load Balancers. */
export const awsDialects: readonly Dialect[] = [albDialect, clbDialect];
