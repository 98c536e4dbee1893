import { visibleLine } from '#failures/invisible-characters.ts';
import type { OtlpSignal } from '../core/otlp-counts.ts';
import { parseRetryAfter } from '../policy/retry-backoff.ts';
import { decodeFields } from './protobuf.ts';

export interface CollectorResponse {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | null;
  readonly date: string | null;
  readonly body: Uint8Array;
}

/** What has become of a batch, by the response of the collector (OTLP 1.x, section "OTLP/HTTP Response"). */
export type ExportVerdict =
  /** `rejected`: so many of its items the collector did not take, and will not take. */
  | { readonly kind: 'accepted'; readonly rejected: number; readonly message: string }
  /** It may be sent once more, after `afterMs` if the collector said so. */
  | { readonly kind: 'retry'; readonly afterMs: number | null; readonly why: string }
  /** Sending it once more would not help. */
  | { readonly kind: 'refused'; readonly why: string };

/** The only statuses after which OTLP allows another try. */
const retriable = new Set([429, 502, 503, 504]);

export function judgeResponse(response: CollectorResponse, signal: OtlpSignal, wallMs: number): ExportVerdict {
  const { status, retryAfter, date } = response;
  if (status === 200) return judgeSuccess(response, signal);
  const why = `it answered ${status}${messageOf(response)}`;
  if (!retriable.has(status)) return { kind: 'refused', why };
  return { kind: 'retry', afterMs: parseRetryAfter(retryAfter, date, wallMs), why };
}

/** A 200 with another content than OTLP's comes from something else than a collector, which has not kept what was sent. */
function judgeSuccess(response: CollectorResponse, signal: OtlpSignal): ExportVerdict {
  const success = response.body.length === 0 ? nothingRejected : partialSuccessOf(response, signal);
  if (success !== null) return { kind: 'accepted', ...success };
  return {
    kind: 'refused',
    why: `it answered 200 with ${mediaType(response) || 'something'} that is no answer of OTLP`,
  };
}

interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

const nothingRejected: PartialSuccess = { rejected: 0, message: '' };

const rejectedNames = { traces: 'rejectedSpans', logs: 'rejectedLogRecords', metrics: 'rejectedDataPoints' } as const;

function partialSuccessOf(response: CollectorResponse, signal: OtlpSignal): PartialSuccess | null {
  const type = mediaType(response);
  if (type === 'application/json') return ofJson(response.body, signal);
  return type === 'application/x-protobuf' ? ofProtobuf(response.body) : null;
}

function ofJson(body: Uint8Array, signal: OtlpSignal): PartialSuccess | null {
  const answer = parsed(body);
  if (answer === null) return null;
  // In the JSON of Protocol Buffers, null is a field that is not set.
  const partialSuccess = answer['partialSuccess'] ?? {};
  if (!isRecord(partialSuccess)) return null;
  const { [rejectedNames[signal]]: rejected, errorMessage } = partialSuccess;
  return { rejected: countOf(rejected), message: shortened(errorMessage) };
}

function ofProtobuf(body: Uint8Array): PartialSuccess | null {
  const answer = decodeFields(body);
  if (answer === null) return null;
  const partial = answer.get(1);
  if (partial === undefined) return nothingRejected;
  const fields = partial instanceof Uint8Array ? decodeFields(partial) : null;
  if (fields === null) return null;
  return { rejected: countOf(String(fields.get(1) ?? 0n)), message: shortened(textOf(fields.get(2))) };
}

/** The message of the `Status` that a collector answers failures with. */
function messageOf(response: CollectorResponse): string {
  const type = mediaType(response);
  const message =
    type === 'application/json'
      ? parsed(response.body)?.['message']
      : type === 'application/x-protobuf'
        ? textOf(decodeFields(response.body)?.get(2))
        : '';
  const text = shortened(message);
  return text === '' ? '' : `: ${text}`;
}

function parsed(body: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : '';
}

/** A number in JSON, or a 64-bit one as text. */
function countOf(value: unknown): number {
  const count = typeof value === 'string' || typeof value === 'number' ? Number(value) : 0;
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

/** Texts of a collector go into a sentence for people. */
function shortened(text: unknown): string {
  return typeof text === 'string' ? visibleLine(text).slice(0, 200) : '';
}

function mediaType({ contentType }: CollectorResponse): string {
  return contentType.split(';')[0]?.trim().toLowerCase() ?? '';
}
