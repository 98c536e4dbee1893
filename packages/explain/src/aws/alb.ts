import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { isoTimeMs } from '../json-fields.ts';
import { judgedText, requestOf } from '../line-text.ts';
import { statusOf } from '../status-field.ts';
import { findingOf } from '../verdict.ts';
import { type AlbExchange, judgeAlb } from './alb-verdict.ts';
import { present, secondsOf, splitFields } from './fields.ts';

const format = 'AWS ALB access log';

const beginning = /^(?:https?|h2|grpcs?|wss?) \d{4}-\d\d-\d\dT[\d:.]{8,18}Z \S{1,300} /;

/** A line that ends before the request is too short to be recognised. */
const fieldsMin = 13;

function readAlb(line: string): Finding | null {
  const fields = splitFields(judgedText(line));
  if (fields.length < fieldsMin || !beginning.test(line)) return null;
  const exchange = exchangeOf(fields);
  const atMs = isoTimeMs(fields[1]);
  const verdict = judgeAlb(exchange);
  return findingOf(
    {
      gateway: 'aws-alb',
      format,
      kind: 'access',
      atMs,
      status: exchange.status,
      upstream: exchange.target ?? exchange.targetGroup,
      request: albRequest(fields[12] as string),
      durationMs: durationOf(exchange),
      evidence: verdict.shape === 'none' ? [] : evidenceOf(exchange, fields[8] as string),
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
export function albRequest(text: string): string | null {
  const [, method = '', target = ''] = /^(\S{1,40}) \S{1,20}:\/\/[^/\s]{0,300}(\/\S*)/.exec(text) ?? [];
  if (target !== '') return `${method} ${target}`;
  return text.startsWith('- ') ? null : requestOf(text);
}

function durationOf({ elapsedS, requestS, targetS, responseS }: AlbExchange): number | null {
  if (elapsedS !== null) return elapsedS * 1000;
  return requestS < 0 || targetS < 0 || responseS < 0 ? null : Math.round((requestS + targetS + responseS) * 1000);
}

/** The fields that decide, by their documented names. */
function evidenceOf(exchange: AlbExchange, statusField: string): string[] {
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

export const albDialect = dialect('aws-alb', format, (line) => (beginning.test(line) ? 2 : 0), readAlb);
