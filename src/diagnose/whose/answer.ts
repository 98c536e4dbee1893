import type { AnsweredResponse } from './authorship.ts';

/** A page that says who wrote it says so at its beginning; what comes after 64 KiB is an application's. */
const bodyCharactersMax = 65_536;
/** More than any server sends; what goes beyond it is somebody's attempt to keep us busy. */
const fieldsMax = 1_000;
const valuesMax = 100;
const valueCharactersMax = 8_192;
/** All lines of one field: twice what one line may have. */
const fieldCharactersMax = 16_384;

/** A response made safe to look at: names in lower case, values and content of bounded length, nothing missing. */
export interface ParsedAnswer {
  readonly status: number;
  /** The field's values, joined as RFC 9110 §5.3 has it; null without the field. */
  field(name: string): string | null;
  /** Its lines, one by one. */
  lines(name: string): readonly string[];
  /** False: nobody kept its head, so that a field that is missing says nothing. */
  readonly hasHead: boolean;
  /** Names in lower case, in the order in which they came. */
  readonly names: readonly string[];
  /** The beginning of the content, or the words of gRPC; empty where there is none or nobody kept it. */
  readonly body: string;
  /** True: there was none. Null: nobody kept it, and no field says. */
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
    hasHead: given.bodyAlone !== true,
    names: [...fields.keys()],
    lines,
    field: (name) => (fields.has(name) ? lines(name).join(', ').slice(0, fieldCharactersMax) : null),
    body: body === null || body === '' ? grpcWords(lines('grpc-message')) : body,
    isEmpty: isEmpty(body, lines('content-length')),
  };
}

/** gRPC has its words in a field, percent-encoded, and a status of 200: what a gateway says of itself stands there. */
function grpcWords(lines: readonly string[]): string {
  const [words = ''] = lines;
  return words.replace(/%([2-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** 0: it has none that HTTP knows. */
function statusOf(given: unknown): number {
  return typeof given === 'number' && Number.isInteger(given) && given >= 100 && given <= 999 ? given : 0;
}

function isEmpty(body: string | null, contentLength: readonly string[]): boolean | null {
  if (body !== null) return body.trim() === '';
  if (contentLength.length === 1) return contentLength[0]?.trim() === '0';
  return null;
}

/** Whoever calls from JavaScript may give anything: what is no text is read as if it were not there. */
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

/** One piece of evidence: `name: value`, visible and never longer than a line. */
export function quoteField(name: string, value: string): string {
  return quote(`${name}: ${value}`);
}

/** What a response says, fit to be shown: without controls, and never longer than a line. */
export function quote(text: string): string {
  const visible = text
    .slice(0, 400)
    .replace(/\s+/g, ' ')
    .replace(/[^\x20-\x7e\xa0-￿]/g, '?');
  return visible.length > 160 ? `${visible.slice(0, 159)}…` : visible;
}
