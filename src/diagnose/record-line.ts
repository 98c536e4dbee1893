import { isPlainName } from '#failures/failure-texts.ts';
import { ownErrorText } from '../core/grpc-server-errors.ts';
import { outputStep } from '#failures/output-step.ts';
import { type ProxyErrorType, proxyErrors } from '#failures/proxy-error.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { expandedRecord } from '../core/record-defaults.ts';
import { shapes, whoses } from '#failures/shape.ts';
import { stages } from '#failures/stage.ts';
import type { Born, Finding, FindingShape, Fix } from '#explain/finding.ts';
import {
  isoTimeMs,
  type JsonLine,
  jsonLine,
  jsonNumber,
  jsonObject,
  jsonText,
  statusOf,
} from '#explain/json-fields.ts';
import { judgedText } from '#explain/line-text.ts';
import { findingOf, fixOf, type Verdict, harmlessVerdict } from '#explain/verdict.ts';
import { specOfRecord, stepAfterExit } from './record-spec.ts';

const format = 'Candor exchange log';

const beginning = /^\{"v":\d{1,4},(?:"kind":"(?:exchange|tunnel|lost|process)",|"id":")/;

export function recogniseRecordLine(line: string): 0 | 1 | 2 {
  return beginning.test(line) ? 2 : 0;
}

/** Reads a record of this version or a later one. Unknown members are ignored, as docs/record.md asks of readers. */
export function readRecordLine(line: string): Finding | null {
  const fields = jsonLine(judgedText(line));
  if (fields === null || jsonNumber(fields.v) === null || jsonText(fields.at) === null) return null;
  const { kind = 'exchange' } = fields;
  if (kind === 'lost' || kind === 'process') return eventFinding(fields, kind);
  return (kind === 'exchange' || kind === 'tunnel') && jsonText(fields.id) !== null ? exchangeFinding(fields) : null;
}

function exchangeFinding(line: JsonLine): Finding {
  const fields: JsonLine = expandedRecord(line);
  const verdict = judge(fields);
  const path = jsonText(fields.path);
  return findingOf(
    {
      gateway: 'candor',
      format,
      kind: 'access',
      atMs: isoTimeMs(fields.at),
      status: statusOf(fields.status),
      upstream: endpointOf(fields),
      request: path === null ? null : `${jsonText(fields.method) ?? 'GET'} ${path}`,
      durationMs: jsonNumber(fields.duration_ms),
      evidence: verdict.shape === 'none' ? [] : evidenceOf(line),
      joins: jsonText(fields.id),
    },
    verdict,
  );
}

/** The last endpoint that was tried; the upstream if none was. */
function endpointOf(fields: JsonLine): string | null {
  const attempts = Array.isArray(fields.attempts) ? fields.attempts : [];
  return jsonText(jsonObject(attempts.at(-1))?.endpoint) ?? jsonText(fields.upstream);
}

function judge(fields: JsonLine): Verdict {
  const shape = shapeOf(fields.shape);
  if (shape === 'none') return harmlessVerdict;
  const stage = stages.find((known) => known === fields.stage) ?? null;
  const whose = whoses.find((known) => known === fields.whose) ?? null;
  const cause = jsonText(fields.cause);
  return {
    shape,
    type: typeOf(fields.type),
    stage,
    born: bornOf(shape),
    whose,
    ...wordsOf(fields, shape, cause),
    isConsequence: cause === 'no_endpoint_ready',
  };
}

function grpcStatusOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) ? value : null;
}

/** The sentence and fix of the failure table, if the record is complete enough for them. */
function wordsOf(fields: JsonLine, shape: FindingShape, cause: string | null): { sentence: string; fix: Fix | null } {
  // Only a valid id may stand in a command that people copy.
  const id = /^\w[\w.-]{0,127}$/.exec(jsonText(fields.id) ?? '')?.[0] ?? 'REQUEST-ID';
  const explain = `candor explain ${id}`;
  const detail = jsonText(fields.detail);
  if (shape === 'app_error')
    return {
      sentence: `The application itself answered ${ownErrorText(statusOf(fields.received_status) ?? statusOf(fields.status), grpcStatusOf(fields.grpc_status))}; the gateway passed it on.`,
      fix: fixOf(
        isPlainName(fields.application)
          ? outputStep([fields.application], { of: 'request', id })
          : `Read the application's own log; the request has the X-Request-Id ${id}`,
        explain,
      ),
    };
  const causeText = causeTextOf(fields, cause);
  const sentence = detail ?? (causeText === null ? `The gateway recorded ${cause ?? shape}.` : `${causeText.title}.`);
  const step = causeText?.nextStep.replaceAll('REQUEST-ID', id) ?? `Run \`${explain}\``;
  return { sentence, fix: fixOf(step, explain) };
}

interface CauseText {
  readonly title: string;
  readonly nextStep: string;
}

/** Null if the table does not know the cause. The evidence may be anything, since it comes from a file. */
function causeTextOf(fields: JsonLine, cause: string | null): CauseText | null {
  if (cause === null) return null;
  const record = {
    cause,
    stage: fields.stage,
    application: fields.application,
    evidence: fields.evidence,
    attempts: Array.isArray(fields.attempts) ? fields.attempts : [],
  } as unknown as ExchangeRecord;
  try {
    const spec = specOfRecord(record);
    return spec === null ? null : { title: spec.title, nextStep: stepAfterExit(record) ?? spec.nextStep };
  } catch {
    const spec = specOfRecord({ cause: record.cause, attempts: [], stage: null, application: null });
    return spec === null ? null : { title: spec.title, nextStep: spec.nextStep };
  }
}

function shapeOf(value: unknown): FindingShape {
  return shapes.find((known) => known === value) ?? 'unknown';
}

function typeOf(value: unknown): ProxyErrorType | null {
  return typeof value === 'string' && Object.hasOwn(proxyErrors, value) ? (value as ProxyErrorType) : null;
}

function bornOf(shape: FindingShape): Born {
  return shape === 'app_error' ? 'application' : shape === 'client_abort' ? 'client' : 'reverse-proxy';
}

const deciding = ['shape', 'cause', 'type', 'stage', 'delivery', 'received_status'] as const;

/** The members that decide, in the line's own spelling, and the last attempt's evidence; the id where the record has none. */
function evidenceOf(fields: JsonLine): string[] {
  const evidence = deciding.flatMap((name) => {
    const value = fields[name];
    return typeof value === 'string' || typeof value === 'number' ? [`"${name}":${JSON.stringify(value)}`] : [];
  });
  const attempts = Array.isArray(fields.attempts) ? fields.attempts : [];
  const observed = jsonObject(jsonObject(attempts.at(-1))?.evidence);
  if (observed !== null) return [...evidence, `"evidence":${JSON.stringify(observed)}`.slice(0, 300)];
  return evidence.length === 0 ? [`"id":${JSON.stringify(fields.id)}`] : evidence;
}

/** A lost worker, whose requests in flight have no records of their own, or the beginning of a process. */
function eventFinding(fields: JsonLine, kind: string): Finding {
  const count = jsonNumber(fields.exchanges);
  const evidence = [`"kind":"${kind}"`, ...(count === null ? [] : [`"exchanges":${count}`])];
  return findingOf({ gateway: 'candor', format, kind: 'event', atMs: isoTimeMs(fields.at), evidence }, harmlessVerdict);
}
