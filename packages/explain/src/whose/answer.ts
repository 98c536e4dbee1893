import type { AnsweredResponse } from './authorship.ts';

/** An error page names its author near its beginning. Text after 64 KiB is an application's. */
const bodyCharactersMax = 65_536;
/** More headers than any server sends; further ones are ignored, so that a hostile response takes no time. */
const fieldsMax = 1_000;
const valuesMax = 100;
const valueCharactersMax = 8_192;
/** All lines of one header together: twice the limit of one line. */
const fieldCharactersMax = 16_384;

/** A response that is safe to inspect: names in lower case, values and body of bounded length, no member missing. */
export interface ParsedAnswer {
  readonly status: number;
  /** The values of a header, joined as in RFC 9110 §5.3; null without the header. */
  field(name: string): string | null;
  /** The lines of a header, one by one. */
  lines(name: string): readonly string[];
  /** False: the head was not kept, so that a missing header means nothing. */
  readonly hasHead: boolean;
  /** Names in lower case, in the order of the response. */
  readonly names: readonly string[];
  /** The beginning of the body, or the gRPC message; empty if there is none or it was not kept. */
  readonly body: string;
  /** True: there was no body. Null: the body was not kept, and no header shows its length. */
  readonly isEmpty: boolean | null;
}

export function readAnswer(response: AnsweredResponse): ParsedAnswer {
  const given: { readonly [member in keyof AnsweredResponse]?: unknown } =
    typeof response === 'object' && response !== null ? response : {};
  const fields = readFields(given.headers);
  const body = typeof given.body === 'string' ? given.body.slice(0, bodyCharactersMax) : null;
  const lines = (name: string): readonly string[] => fields.get(name) ?? [];
  return {
    status: statusOf(given.status),
    hasHead: given.bodyAlone !== true && fields.size > 0,
    names: [...fields.keys()],
    lines,
    field: (name) => (fields.has(name) ? lines(name).join(', ').slice(0, fieldCharactersMax) : null),
    body: body === null || body === '' ? grpcWords(lines('grpc-message')) : body,
    isEmpty: isEmpty(body, lines('content-length')),
  };
}

/** gRPC has its message in a header, percent-encoded, with status 200. Gateways write their errors there. */
function grpcWords(lines: readonly string[]): string {
  const [words = ''] = lines;
  return words.replace(/%([2-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** 0 if the response has no valid HTTP status. */
function statusOf(given: unknown): number {
  return typeof given === 'number' && Number.isInteger(given) && given >= 100 && given <= 999 ? given : 0;
}

function isEmpty(body: string | null, contentLength: readonly string[]): boolean | null {
  if (body !== null) return body.trim() === '';
  if (contentLength.length === 1) return contentLength[0]?.trim() === '0';
  return null;
}

/** A caller in JavaScript may pass any value. Values of a wrong type count as missing. */
function readFields(headers: unknown): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  if (typeof headers !== 'object' || headers === null) return fields;
  for (const [name, value] of Object.entries(headers).slice(0, fieldsMax)) {
    const key = name.slice(0, 256).toLowerCase();
    const values = fields.get(key) ?? [];
    for (const line of (Array.isArray(value) ? value : [value]).slice(0, valuesMax)) {
      const text = typeof line === 'number' ? String(line) : line;
      if (typeof text === 'string' && values.length < valuesMax) values.push(text.slice(0, valueCharactersMax).trim());
    }
    if (values.length > 0) fields.set(key, values);
  }
  return fields;
}

/** One piece of evidence: `name: value`, printable and at most one line long. */
export function quoteField(name: string, value: string): string {
  return quote(`${name}: ${value}`);
}

/** Text of a response, safe to show: without control characters, and at most one line long. */
export function quote(text: string): string {
  const visible = text
    .slice(0, 400)
    .replace(/\s+/g, ' ')
    .replace(/[^\x20-\x7e\xa0-￿]/g, '?');
  return visible.length > 160 ? `${visible.slice(0, 159)}…` : visible;
}
