import assert from 'node:assert/strict';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { judgeRequests, judgeResponses, type Slices, type Verdict } from '../conformance/judge.ts';
import { type ConformanceCase, loadCases } from '../conformance/load-cases.ts';
import { smallerList } from './smaller.ts';
import { snippetOf } from './snippet.ts';

/**
 * Mutates the conformance cases and checks the rules that hold for any bytes:
 * - nothing throws;
 * - the verdict does not depend on how the bytes are sliced;
 * - every block of the storage comes back;
 * - time grows with the length, not with its square.
 * A finding names its seed, and prints its bytes as a case of the documents.
 */
const cases = loadCases();

interface FuzzResult {
  readonly runs: number;
  readonly bytes: number;
}

/** Inserted at random: the words on which parsers have been known to differ. */
const words = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  ',',
  ';',
  '"',
  '\\',
  '0',
  '00',
  '\x0b',
  '\x85',
  '\xa0',
  '\xff',
  'Host: a\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'chunked',
  ', ',
  'Connection: close\r\n',
  'Connection: x-a, host\r\n',
  'Upgrade: websocket\r\n',
  'Expect: 100-continue\r\n',
  ' HTTP/1.1',
  'HTTP/1.0 ',
  'GET / HTTP/1.1\r\n',
  'HTTP/1.1 200 OK\r\n',
  '5\r\nhello\r\n',
  '0\r\n\r\n',
  '0\r\nX-T: 1\r\n\r\n',
  '7fffffffffffffff',
];

export function fuzzWire(seed: string, goesOn: () => boolean): FuzzResult {
  let runs = 0;
  let bytes = 0;
  while (goesOn()) bytes += judgeSeed(`${seed}/${runs++}`);
  return { runs, bytes };
}

/** Runs one mutated message, by its seed; a finding throws with the reduced message. */
export function judgeSeed(seed: string): number {
  const random = new SeededRandom(seed);
  const base = random.pick(cases);
  const bytes = mutated(base, cases, random);
  const cutBy = random.fork('pieces');
  const each = { ...base, bytes };
  try {
    check(each, cut(bytes, cutBy));
  } catch (error) {
    throw new Error(findingText(seed, each), { cause: error });
  }
  return bytes.length;
}

function findingText(seed: string, each: ConformanceCase): string {
  const fails = (bytes: readonly number[]): boolean => {
    const smaller = { ...each, bytes: Buffer.from(bytes) };
    try {
      // In many slicings: the failure may depend on the slices.
      for (let n = 0; n < 8; n++) check(smaller, cut(smaller.bytes, new SeededRandom(`${seed} ${n}`)));
      check(
        smaller,
        Array.from(smaller.bytes, (byte) => Uint8Array.of(byte)),
      );
      return false;
    } catch {
      return true;
    }
  };
  const all = [...each.bytes];
  const smaller = fails(all) ? smallerList(all, fails, 2000) : all;
  return [
    `again: npm run fuzz -- --again ${seed}`,
    `from ${each.name}`,
    snippetOf(Buffer.from(smaller), each.kind, each.method),
  ].join('\n\n');
}

function check(each: ConformanceCase, slices: Slices): void {
  const storage = new HeadStorage();
  const whole = verdictText(judgeIn(each, [each.bytes], storage));
  assert.deepEqual(verdictText(judgeIn(each, slices, storage)), whole);
  for (const line of whole) assert.ok(!line.includes('undefined') && !line.includes('NaN'), line.join(' · '));
  assert.ok(storage.keptBlocks <= 2);
}

/** The guess at the protocol of the bytes depends on how many had come at the refusal; nothing else may. */
function verdictText(verdict: readonly Verdict[]): readonly Verdict[] {
  return verdict.map((line) => (line.includes('response_not_http') ? line.slice(0, 3) : line));
}

function judgeIn(each: ConformanceCase, slices: Slices, storage: HeadStorage): readonly Verdict[] {
  return each.kind === 'request' ? judgeRequests(slices, storage) : judgeResponses(slices, each.method, storage);
}

function mutated(base: ConformanceCase, cases: readonly ConformanceCase[], random: SeededRandom): Buffer {
  let bytes = base.bytes.length < 4000 ? base.bytes : base.bytes.subarray(0, 4000);
  for (let change = random.integer(5); change > 0; change--) bytes = changed(bytes, cases, random);
  return bytes;
}

/** One random change. */
export function changed(bytes: Buffer, cases: readonly ConformanceCase[], random: SeededRandom): Buffer {
  const at = random.integer(bytes.length + 1);
  const end = Math.min(bytes.length, at + random.integer(12));
  const put = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat([bytes.subarray(0, at), ...parts]);
  switch (random.integer(6)) {
    case 0:
      return put(bytes.subarray(end)); // some bytes removed
    case 1:
      return put(Buffer.from(random.pick(words), 'latin1'), bytes.subarray(at));
    case 2:
      return put(Uint8Array.of(random.integer(256)), bytes.subarray(end)); // some bytes replaced by random ones
    case 3:
      return put(bytes.subarray(at, end), bytes.subarray(at)); // some bytes repeated
    case 4:
      return put(random.pick(cases).bytes.subarray(0, 2000).subarray(random.integer(40))); // the end of another case
    default:
      return put(bytes); // a second message after the first, truncated at random
  }
}

function cut(bytes: Uint8Array, random: SeededRandom): Slices {
  const largest = 1 + random.integer(random.pick([1, 3, 40, 600]));
  const slices: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + random.integer(largest));
    slices.push(bytes.subarray(at, end));
    at = end;
  }
  return slices;
}

/** Messages of any length, within and beyond the limits. */
export const growing: readonly (readonly [
  what: string,
  kind: 'request' | 'response',
  make: (bytes: number) => string,
])[] = [
  ['a target', 'request', (bytes) => `GET /${'a'.repeat(bytes)}`],
  ['a value', 'request', (bytes) => `GET / HTTP/1.1\r\nHost: a\r\nA: ${'a'.repeat(bytes)}`],
  ['white space before a value', 'request', (bytes) => `GET / HTTP/1.1\r\nHost: a\r\nA:${' '.repeat(bytes)}`],
  ['a name', 'request', (bytes) => `GET / HTTP/1.1\r\nHost: a\r\n${'a'.repeat(bytes)}`],
  ['nominations', 'request', (bytes) => `GET / HTTP/1.1\r\nHost: a\r\nConnection: ${'a,'.repeat(bytes / 2)}\r\n\r\n`],
  [
    'codings',
    'request',
    (bytes) => `GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${'a,'.repeat(bytes / 2)}\r\n\r\n`,
  ],
  ['a reason', 'response', (bytes) => `HTTP/1.1 200 ${'a'.repeat(bytes)}`],
  [
    'chunks',
    'response',
    (bytes) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\na\r\n'.repeat(bytes / 6)}`,
  ],
  [
    'trailers',
    'response',
    (bytes) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ${'a'.repeat(bytes)}`,
  ],
  [
    'trailer lines',
    'response',
    (bytes) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'A:\r\n'.repeat(bytes / 4)}`,
  ],
];

/** Nanoseconds for the one-byte slices of a growing message: the best of a few tries. */
export function timeOf(kind: 'request' | 'response', text: string): number {
  const slices = Array.from(Buffer.from(text, 'latin1'), (byte) => Uint8Array.of(byte));
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 15; round++) {
    const start = process.hrtime.bigint();
    if (kind === 'request') judgeRequests(slices);
    else judgeResponses(slices, 'GET');
    best = Math.min(best, Number(process.hrtime.bigint() - start));
  }
  return best;
}
