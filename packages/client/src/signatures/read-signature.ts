import type { ClassifyResponse, ResponseSignature } from '../response-facts.ts';
import { abbreviations, authors, failures, meanings } from './table.ts';

interface SignatureRow {
  readonly names: readonly string[];
  readonly pattern: RegExp;
}

let rows: { readonly authors: readonly SignatureRow[]; readonly failures: readonly SignatureRow[] } | null = null;

/** Fields and a pattern in a line. Patterns are compiled at the first failed response, so that a start costs nothing. */
function readRows(lines: string, fields: number): readonly SignatureRow[] {
  return lines.split('\n').map((line) => {
    const words = line.split(' ');
    let pattern = words.slice(fields).join(' ');
    for (const [letter, long] of abbreviations) pattern = pattern.replaceAll(letter, () => long);
    return { names: words.slice(0, fields), pattern: new RegExp(pattern) };
  });
}

/** The headers that signatures read, in their order. */
const read = ['server', 'via', 'date', 'x-envoy-upstream-service-time'];

/**
 * Who wrote a failed response, by the table of signatures. Null: the response does not show it, or only the full rules can tell.
 * Proxy-Status with an error and problem details come before it.
 */
export const readSignature: ClassifyResponse = (facts) => {
  const { status, bodyStart } = facts;
  rows ??= { authors: readRows(authors, 1), failures: readRows(failures, 3) };
  const proxyStatus = facts.header('proxy-status') ?? '';
  if (/;\s*error=/.test(proxyStatus)) return null;
  const [server, via, date, time] = read.map((name) =>
    (facts.header(name) ?? '').slice(0, 256).replace(/[|\f\n]/g, ' '),
  );
  const text = `${status}|${server}|${via}|${date && 1}|${time}\f${bodyStart}`;
  const author =
    rows.authors.find(({ pattern }) => pattern.test(text))?.names[0] ??
    (hasReceived(proxyStatus, status) || isOwnJson(bodyStart) ? 'application' : null);
  if (author === 'application') return status < 500 ? { ...nothing, writer: 'service' } : ownError;
  if (author === null) return null;
  const [, word = '', delivery = '-'] =
    rows.failures.find(({ names: [names = ''], pattern }) => names.split(',').includes(author) && pattern.test(text))
      ?.names ?? [];
  return {
    ...nothing,
    ...meaningOf(word),
    writer: 'gateway',
    gateway: author,
    // Envoy says that it has sent the request before; its last failure proves nothing of the earlier ones. Nor do words from behind an Envoy: an
    // application may pass on those of a service that it has asked.
    delivery: time !== '' || text.includes('retried and the latest') ? null : known(delivery),
  } as ResponseSignature;
};

const nothing: ResponseSignature = {
  writer: 'unknown',
  gateway: null,
  shape: null,
  cause: null,
  whose: null,
  delivery: null,
};

const ownError: ResponseSignature = {
  ...nothing,
  writer: 'service',
  shape: 'app_error',
  whose: 'application',
  delivery: 'response_started',
};

function meaningOf(word: string): { readonly [member in 'shape' | 'cause' | 'whose']: string | null } | null {
  const found = meanings.split('\n').find((line) => line.startsWith(`${word} `));
  if (found === undefined) return null;
  const [, shape = '-', cause, whose = '-'] = found.split(' ');
  return { shape: known(shape), cause: cause === '=' ? word : null, whose: known(whose) };
}

/** The table is written from the unions of these words. */
const known = (word: string): string | null => (word === '-' ? null : word);

/** The gateway nearest to the application received this status, and no error of its own (RFC 9209 §2.1.4). */
const hasReceived = (value: string, status: number): boolean =>
  !value.includes('error=') && new RegExp(`^[^,]*;\\s*received-status=${status}\\b`).test(value);

/** JSON with other members than gateways write in theirs. */
const isOwnJson = (body: string): boolean =>
  /^\s*(?:\{\s*"(?!message"|error|status"|code"|fault"|proxy_error"|detail|title"|type")|\[)/.test(body);
