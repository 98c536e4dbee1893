import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { StoreSpec } from '../core/configuration.ts';
import type { ExchangeRecord } from '../core/record.ts';
import type { OutputLine, OutputSource } from '../core/output-line.ts';
import type { ProcessNote } from '../core/process-note.ts';
import type {
  EventLine,
  EventSearchRequest,
  EventSearchResult,
  SearchRequest,
  SearchResult,
} from '../core/store-messages.ts';
import { parseRecord } from '../record/parse-record.ts';
import type { Instant } from '../core/time.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { WorkingClock } from '../testing/working-clock.test-support.ts';
import fc from '../testing/properties.test-support.ts';
import { openDatabase } from './database.ts';
import { ExchangeStore } from './exchange-store.ts';
import { matches, valuesOf } from './match.ts';
import { parseQuery } from './parse-query.ts';
import type { NewExchange } from './segment.ts';
import { divideLine, recordOf } from './stored-line.ts';
import { LineTerms, termsOfRecord } from './terms.ts';

const golden = readFileSync(new URL('../../test/golden/record-v3.ndjson', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => parseRecord(line).ok);

function recordIn(line: string): ExchangeRecord {
  const parsed = parseRecord(line);
  assert.ok(parsed.ok);
  return parsed.record;
}

function exchangeOf(line: string): NewExchange {
  const divided = divideLine(line, null);
  assert.ok(divided !== null);
  return { line: divided, standsFor: 1 };
}

/** The golden line with another id and path. */
function numbered(line: string, number: number): string {
  const id = `019aa5d2-5f1c-7c3e-9f0b-${String(number).padStart(12, '0')}`;
  return JSON.stringify({ ...(JSON.parse(line) as object), id, path: `/orders/${number}` });
}

let folder: string;
let clock: SimulatedClock;
let store: ExchangeStore;
const aside: string[] = [];
const removed: string[] = [];
const specOf = (changes: Partial<StoreSpec> = {}): StoreSpec => ({
  ...{ path: folder, keepAgeMs: 7 * 86_400_000, keepBytes: 2 ** 30, successesPerSecond: 200, slowMs: 1000 },
  ...changes,
});
const open = (changes: Partial<StoreSpec> = {}): ExchangeStore =>
  new ExchangeStore(specOf(changes), clock, {
    onCorrupt: (path) => aside.push(path),
    onRemoved: (path) => removed.push(path),
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-store-'));
  clock = new SimulatedClock();
  aside.length = 0;
  removed.length = 0;
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function search(query: string, more: { limit?: number; cursor?: string | null; after?: string | null } = {}) {
  const result: SearchResult = store.search({ query, limit: 1000, cursor: null, after: null, ...more });
  assert.equal(result.kind, 'page', JSON.stringify(result));
  assert.ok(result.kind === 'page');
  return result;
}
const idsOf = (query: string): string[] => search(query).exchanges.map(({ record }) => record.id);

describe('a stored line', () => {
  for (const line of golden) {
    const record = recordIn(line);
    test(`of ${record.id.slice(-3)} (${record.cause ?? record.shape}, ${record.end}) gives the record of the log`, () => {
      assert.deepEqual(recordOf(exchangeOf(line).line), record);
    });
    test(`of ${record.id.slice(-3)} has the words of its record`, () => {
      const text = new LineTerms().of(exchangeOf(line).line, 7, true) ?? '';
      // As SQLite's tokenizer `ascii` does.
      const terms = new Set(text.toLowerCase().match(/[a-z0-9\u0080-\uffff]+/g));
      const isWord = (term: string): boolean => !term.startsWith('§');
      assert.deepEqual([...terms].filter(isWord).toSorted(), [...termsOfRecord(record)].filter(isWord).toSorted());
    });
  }

  test('has the constants of its process, if it is of the process that runs', () => {
    const constants = { process: 'k3f9xa', deployment: 'edge', member: 'one', started_at: 'now', version: '1', pid: 1 };
    const line = golden.find((one) => recordIn(one).process === 'k3f9xa') ?? '';
    const stored = divideLine(line, constants);
    assert.ok(stored !== null);
    assert.equal(recordOf(stored)?.member, 'one');
  });
});

describe('a search', () => {
  test('finds what matches the query, and nothing else, whatever the query', () => {
    store.append(golden.map(exchangeOf));
    const records = golden.map(recordIn);
    const causes = fc.constantFrom(...new Set(records.flatMap(({ cause }) => cause ?? [])));
    const values = fc.constantFrom(
      ...new Set(records.flatMap((one) => [one.route, one.host, one.client.address].flatMap((v) => v ?? []))),
    );
    const word = fc.constantFrom('products', '42', 'econnreset', 'page', 'heap', 'reset', 'nothing');
    const condition = fc.oneof(
      fc.tuple(fc.constantFrom('route', 'host', 'client', 'upstream', 'path'), values).map(([k, v]) => `${k}:"${v}"`),
      causes.map((cause) => `cause:${cause}`),
      fc.constantFrom('client:192.0.2.0/24', 'client:10.0.0.0/8', 'client:::/0', 'id:019aa5d2', 'id:nothing'),
      fc.constantFrom('status:5xx', 'status:200', 'status:2xx', 'duration:>100ms', 'duration:<1s', 'shape:reset'),
      fc.constantFrom('whose:application', 'end:generated', 'path:/products/*', 'method:POST', 'shape:none'),
      word,
    );
    const term = fc.tuple(fc.boolean(), condition).map(([not, one]) => `${not ? '-' : ''}${one}`);
    fc.assert(
      fc.property(fc.array(term, { maxLength: 4 }), (terms) => {
        const parsed = parseQuery(terms.join(' '), clock.wallTime());
        assert.ok(parsed.ok);
        const expected = records.filter((record) => matches(parsed.query, record)).map(({ id }) => id);
        assert.deepEqual(idsOf(terms.join(' ')), expected.toReversed());
      }),
    );
  });

  test('by a whole id or a beginning of it finds the exchange', () => {
    store.append(golden.map(exchangeOf));
    const { id } = recordIn(golden[0] as string);
    assert.equal(store.find(id)?.id, id);
    assert.equal(store.find('019aa5d2-5f1c'), null, 'several begin so');
    store.append([exchangeOf(numbered(golden[0] as string, 7))]);
    assert.equal(store.find('019aa5d2-5f1c-7c3e-9f0b')?.path, '/orders/7');
    assert.equal(store.find('nothing'), null);
  });

  describe('by id finds the exchange', () => {
    const base = JSON.parse(golden[0] as string) as object;
    const at = Date.UTC(2026, 0, 1);
    const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');
    const timed = (ms: number, n: number): string =>
      `${hex(ms, 12).replace(/^(.{8})/, '$1-')}-7000-8000-${hex(n * 7919, 12)}`;
    const withId = (id: string, path: string, began = at): NewExchange =>
      exchangeOf(JSON.stringify({ ...base, id, path, at: new Date(began).toISOString() }));
    /** Rows before and behind those that are looked for: some spans. */
    const others = (first: number): NewExchange[] =>
      Array.from({ length: 3000 }, (_, n) => withId(timed(at + first + n, first + n), '/other', at + first + n));
    const looked: Readonly<Record<string, NewExchange>> = {
      'that the gateway has made': withId(timed(at + 10_000, 10_000), '/own', at + 10_000),
      'of a request that took an hour': withId(timed(at - 3_600_000, 3), '/long', at - 3_600_000),
      'that another gateway has made, whose clock is wrong': withId(timed(at + 86_400_000, 5), '/skewed'),
      'that is random': withId('6f1c9e5a-3b1d-4c3e-9f0b-0123456789ab', '/random'),
      'that is no UUID': withId('order 7/ä', '/text'),
      'in capitals': withId('6F1C9E5B-3B1D-4C3E-9F0B-0123456789AB', '/capitals'),
    };
    for (const [where, fill] of [
      ['in a full span', () => store.append(others(50_000))],
      ['in the newest span', () => undefined],
      [
        'of a process that was killed, in a span that was never full',
        () => {
          // Files that were not closed.
          store = open();
          store.append(others(50_000));
        },
      ],
    ] as const)
      test(where, () => {
        store.append(others(0));
        store.append(Object.values(looked));
        fill();
        for (const [what, { line }] of Object.entries(looked)) {
          assert.equal(store.find(line.id)?.path, line.path, what);
          assert.deepEqual(idsOf(`id:"${line.id}"`), [line.id], what);
        }
        const own = looked['that the gateway has made']?.line.id ?? '';
        assert.equal(store.find(own.slice(0, -1))?.path, '/own', 'all but a digit');
        assert.equal(store.find('6f1c9e5a')?.path, '/random');
        assert.equal(store.find('6f1c9e5a-3b1d')?.path, '/random');
        assert.equal(store.find(timed(at + 10_001, 10_000)), null);
        assert.equal(store.find(own.slice(0, 8)), null, 'several begin so');
      });

    test('by its trace too, in each span, and none without one', () => {
      const traced = (n: number, trace: string | null): NewExchange => {
        const { trace_id: _, ...untraced } = base as { trace_id?: string };
        const line = { ...untraced, ...(trace === null ? {} : { trace_id: trace }), path: `/${n}`, id: timed(at, n) };
        return exchangeOf(JSON.stringify(line));
      };
      const wanted = '0123456789abcdef0123456789abcdef';
      for (let n = 0; n < 3; n += 1) {
        store.append([traced(10 * n, null), traced(10 * n + 1, wanted), traced(10 * n + 2, `f${wanted.slice(1)}`)]);
        store.append(others(3000 * n));
      }
      const pathsOf = (query: string, more = {}): string[] =>
        search(query, more).exchanges.map(({ record }) => record.path);
      assert.deepEqual(pathsOf(`trace:${wanted}`), ['/21', '/11', '/1']);
      assert.deepEqual(pathsOf(`trace:${wanted} path:/11`), ['/11']);
      assert.deepEqual(pathsOf('trace:0123456789abcdef'), []);
      const { end } = search(`trace:${wanted}`);
      store.append([traced(31, wanted), traced(32, null), traced(41, wanted)]);
      assert.deepEqual(pathsOf(`trace:${wanted}`, { after: end }), ['/31', '/41']);
    });

    test('each time, if several requests had the same id', () => {
      const id = '6f1c9e5a-3b1d-4c3e-9f0b-0123456789ab';
      store.append([withId(id, '/1'), ...others(0), withId(id, '/2'), ...others(3000), withId(id, '/3')]);
      const paths = search(`id:${id}`).exchanges.map(({ record }) => record.path);
      assert.deepEqual(paths, ['/3', '/2', '/1']);
      const { end } = search(`id:${id}`);
      store.append([withId(id, '/4'), withId(id, '/5')]);
      const later = search(`id:${id}`, { after: end }).exchanges.map(({ record }) => record.path);
      assert.deepEqual(later, ['/4', '/5']);
    });
  });

  test('by time finds all of that time, although the clock has jumped', () => {
    const line = JSON.parse(golden[0] as string) as object;
    const now = clock.wallTime();
    const ages = [0, 60, 7200, -86_400, 30, 3500, 90_000, 5].map((seconds) => seconds * 1000);
    for (const [number, age] of ages.entries()) {
      const at = new Date(now - age).toISOString();
      store.append([exchangeOf(numbered(JSON.stringify({ ...line, at }), number))]);
    }
    const bounds = ['1h', '2h', '1m', '10s', '2d'];
    for (const query of bounds.flatMap((bound) => [`since:${bound}`, `until:${bound}`, `since:2h until:${bound}`])) {
      const parsed = parseQuery(query, now);
      if (!parsed.ok) {
        assert.equal(query, 'since:2h until:2d');
        continue;
      }
      const { since, until } = parsed.query;
      const expected = ages.flatMap((age, n) =>
        (since === null || now - age >= since) && (until === null || now - age <= until) ? [`/orders/${n}`] : [],
      );
      assert.deepEqual(
        search(query).exchanges.map(({ record }) => record.path),
        expected.toReversed(),
        query,
      );
    }
  });

  test('by time looks past thousands of other exchanges', () => {
    const line = JSON.parse(golden[0] as string) as object;
    const atAge = (ms: number): string =>
      JSON.stringify({ ...line, at: new Date(clock.wallTime() - ms).toISOString() });
    store.append(Array.from({ length: 2500 }, (_, n) => exchangeOf(numbered(atAge(86_400_000), n))));
    store.append([exchangeOf(numbered(atAge(1000), 9000))]);
    store.append(Array.from({ length: 2500 }, (_, n) => exchangeOf(numbered(atAge(172_800_000), 3000 + n))));
    const paths = (query: string): string[] => search(query).exchanges.map(({ record }) => record.path);
    assert.deepEqual(paths('since:1h'), ['/orders/9000']);
    assert.deepEqual(paths('since:25h until:23h').slice(0, 2), ['/orders/2499', '/orders/2498']);
    assert.deepEqual(paths('until:47h').at(0), '/orders/5499');
    assert.deepEqual(paths('until:3d'), []);
  });

  test('goes on by pages without a gap or a repetition, while more is stored', () => {
    const line = golden[0] as string;
    store.append(Array.from({ length: 25 }, (_, n) => exchangeOf(numbered(line, n))));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = search('', { limit: 10, cursor });
      seen.push(...page.exchanges.map(({ record }) => record.path));
      ({ cursor } = page);
      store.append([exchangeOf(numbered(line, 100))]);
    } while (cursor !== null);
    assert.deepEqual(
      seen,
      Array.from({ length: 25 }, (_, n) => `/orders/${24 - n}`),
    );
  });

  test('after the end of an earlier one finds what was stored since', () => {
    const line = golden[0] as string;
    store.append([exchangeOf(numbered(line, 1))]);
    const { end } = search('');
    store.append([exchangeOf(numbered(line, 2)), exchangeOf(numbered(line, 3))]);
    const later = search('', { after: end });
    assert.deepEqual(
      later.exchanges.map(({ record }) => record.path),
      ['/orders/2', '/orders/3'],
    );
    assert.deepEqual(search('', { after: later.end }).exchanges, []);
  });
});

describe('a search whose time is over', () => {
  /** Each look at it passes 150 ms. */
  class PassingClock extends WorkingClock {
    override now(): Instant {
      this.advanceSync(150);
      return super.now();
    }
  }

  test('says so, and goes on where it has ended without a gap or a repetition', () => {
    const line = golden[0] as string;
    store.close();
    store = new ExchangeStore(specOf(), new PassingClock(), { onCorrupt: () => undefined, onRemoved: () => undefined });
    const lines = Array.from({ length: 9000 }, (_, n) => outputOf(n % 3000 === 0 ? `rare ${n}` : 'usual', { at: n }));
    store.append(
      Array.from({ length: 600 }, (_, n) => exchangeOf(numbered(line, n))),
      [],
      lines,
    );
    const exchanges = pagesOf((cursor) => {
      const { exchanges: found, ...page } = search('', { limit: 500, cursor });
      return { ...page, found: found.map(({ record }) => record.path) };
    });
    assert.deepEqual(
      exchanges.found,
      Array.from({ length: 600 }, (_, n) => `/orders/${599 - n}`),
    );
    assert.ok(exchanges.timedOut.length > 1 && exchanges.timedOut.slice(0, -1).every(Boolean));
    assert.equal(exchanges.timedOut.at(-1), false);
    const output = pagesOf((cursor) => {
      const { lines: found, ...page } = searchOutput('rare', { cursor });
      return { ...page, found: found.map(({ text }) => text) };
    });
    assert.deepEqual(output.found, ['rare 6000', 'rare 3000', 'rare 0']);
    assert.ok(output.timedOut.length > 1 && output.timedOut.slice(0, -1).every(Boolean));
    const texts: string[] = [];
    for (let [after, timedOut] = ['0-0', true]; timedOut; ) {
      const page = searchOutput('rare', { after });
      texts.push(...page.lines.map(({ text }) => text));
      [after, timedOut] = [page.end, page.timedOut];
    }
    assert.deepEqual(texts, ['rare 0', 'rare 3000', 'rare 6000']);
  });

  interface Page {
    readonly found: readonly string[];
    readonly cursor: string | null;
    readonly timedOut: boolean;
  }

  function pagesOf(pageAt: (cursor: string | null) => Page): { found: string[]; timedOut: boolean[] } {
    const all = { found: [] as string[], timedOut: [] as boolean[] };
    let cursor: string | null = null;
    do {
      const page = pageAt(cursor);
      all.found.push(...page.found);
      all.timedOut.push(page.timedOut);
      ({ cursor } = page);
    } while (cursor !== null);
    return all;
  }
});

describe('the times of responses', () => {
  const lineOf = (number: number, more: object, attempt: object): NewExchange => {
    const id = `019aa5d2-5f1c-7c3e-9f0b-${String(number).padStart(12, '0')}`;
    const at = new Date(clock.wallTime() - number * 1000).toISOString();
    const client = { address: '192.0.2.7', port: 1 };
    const line = {
      v: 3,
      id,
      at,
      process: 'k3f9xa',
      revision: 3,
      client,
      host: 'a',
      path: '/',
      attempts: [attempt],
      ...more,
    };
    return exchangeOf(JSON.stringify(line));
  };
  const answered = (number: number, headMs: number, standsFor: number, more: object = {}): NewExchange => ({
    ...lineOf(
      number,
      { status: 200, duration_ms: headMs + 500, ...more },
      { endpoint: 'shop/[::1]:1', sent_ms: 2, head_ms: headMs + 2 },
    ),
    standsFor,
  });

  test('are of each route those that 999 of 1,000 exchanges did not exceed, those included that a stored one stands for', () => {
    store.append([
      answered(1, 20, 600),
      answered(2, 30, 399),
      answered(3, 4000, 1),
      answered(4, 7, 50, { route: '/api' }),
      lineOf(
        5,
        {
          status: 504,
          shape: 'too_slow',
          cause: 'response_head_timeout',
          duration_ms: 5000,
          end: 'generated',
          delivery: 'sent_unknown',
        },
        { endpoint: 'shop/[::1]:1', cause: 'response_head_timeout', ended_ms: 5000 },
      ),
      lineOf(
        6,
        {
          status: 502,
          shape: 'reset',
          cause: 'connect_refused',
          duration_ms: 1,
          end: 'generated',
          delivery: 'not_sent',
        },
        { endpoint: 'shop/[::1]:1' },
      ),
    ]);
    const since = (number: number): number => clock.wallTime() - number * 1000;
    assert.deepEqual(store.responseTimes(), [
      { route: 'shop', answered: 1000, since: since(5), p999Ms: 30, longestMs: 4000, samples: 3, timedOut: 1 },
      { route: '/api', answered: 50, since: since(4), p999Ms: 7, longestMs: 7, samples: 1, timedOut: 0 },
    ]);
    store.append([answered(7, 4000, 1)]);
    assert.equal(store.responseTimes()[0]?.p999Ms, 4000);
  });

  test('are those of all files, whose templates have other numbers', () => {
    store.close();
    store = open({ keepAgeMs: 8 });
    for (const [number, route] of ['/a', '/b', '/a'].entries()) {
      store.append([answered(number, 10, 10, { route }), answered(number + 10, 10, 1, { route: '/c' })]);
      clock.advanceSync(11_000);
      store.maintain();
    }
    assert.deepEqual(Object.fromEntries(store.responseTimes().map((one) => [one.route, one.answered])), {
      '/a': 20,
      '/b': 10,
      '/c': 3,
    });
  });
});

/** A minute apart. */
const eventAt = (minute: number): number => Date.UTC(2026, 0, 1, 12, minute);
const eventOf = (seq: number, minute: number, kind = 'worker_started'): EventLine => {
  const at = eventAt(minute);
  return {
    seq,
    at,
    json: JSON.stringify({ epoch: 'run-1', seq, at: new Date(at).toISOString(), kind }),
  };
};
const eventSeqs = (more: Partial<EventSearchRequest> = {}): number[] => {
  const result = store.searchEvents({ since: null, until: null, limit: 1000, cursor: null, ...more });
  assert.ok(result.kind === 'page');
  return result.events.map(({ seq }) => seq);
};

describe('stored events', () => {
  test('are found by time, the newest first, although the clock has jumped', () => {
    store.append([], [eventOf(1, 0), eventOf(2, 5), eventOf(3, 2)]);
    store.append([exchangeOf(golden[0] as string)], [eventOf(4, 9)]);
    assert.deepEqual(eventSeqs(), [4, 3, 2, 1]);
    assert.deepEqual(eventSeqs({ since: eventAt(2), until: eventAt(5) }), [3, 2]);
    assert.deepEqual(eventSeqs({ since: eventAt(10) }), []);
    assert.equal(search('').exchanges.length, 1);
  });

  test('are found by their kinds', () => {
    store.append([], [eventOf(1, 0, 'admin_action'), eventOf(2, 1), eventOf(3, 2, 'overlay_changed')]);
    assert.deepEqual(eventSeqs({ kinds: ['admin_action', 'overlay_changed'] }), [3, 1]);
    assert.deepEqual(eventSeqs({ kinds: ['admin_action'], since: eventAt(1) }), []);
    assert.deepEqual(eventSeqs({ kinds: [] }), []);
  });

  test('are paged without a gap or a repetition over all files, also those of an earlier process', () => {
    store.close();
    store = open({ keepAgeMs: 88_000 });
    for (let seq = 1; seq <= 7; seq += 1) {
      store.append([], [{ ...eventOf(seq, seq), at: clock.wallTime() }]);
      clock.advanceSync(11_000);
      store.maintain();
    }
    store.close();
    assert.equal(readdirSync(folder).filter((name) => name.endsWith('.sqlite')).length, 7);
    store = open();
    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const page: EventSearchResult = store.searchEvents({ since: null, until: null, limit: 2, cursor });
      assert.ok(page.kind === 'page');
      assert.ok(page.events.length <= 2);
      seen.push(...page.events.map(({ seq }) => seq));
      ({ cursor } = page);
    } while (cursor !== null);
    assert.deepEqual(seen, [7, 6, 5, 4, 3, 2, 1]);
  });
});

const outputOf = (text: string, more: Partial<OutputLine & OutputSource> = {}): OutputLine => {
  const { at = clock.wallTime(), leftOut = 0, ...source } = more;
  const usual = { application: 'shop', instance: 'shop/1', pid: 77, stream: 'stdout', path: null } as const;
  return { at, source: { ...usual, ...source }, text, leftOut };
};
const searchOutput = (query: string, more: Partial<SearchRequest> = {}) => {
  const result = store.searchOutput({ query, limit: 1000, cursor: null, after: null, ...more });
  assert.ok(result.kind === 'page', JSON.stringify(result));
  return result;
};
const textsOf = (query: string): string[] => searchOutput(query).lines.map(({ text }) => text);

describe('stored output of applications', () => {
  const id = '019aa5d2-5f1c-7c3e-9f0a-000000000006';
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

  test('is found by every condition that a line can fulfil, and by none that only exchanges have', () => {
    store.append(
      [exchangeOf(golden[0] as string)],
      [],
      [
        outputOf(`{"level":"error","request_id":"${id}","msg":"No heap left"}`, { stream: 'stderr' }),
        outputOf(`traceparent=00-${trace}-00f067aa0ba902b7-01 paid`, { application: 'pay', instance: 'pay/2' }),
        outputOf('an hour ago', { at: clock.wallTime() - 3_600_000 }),
      ],
    );
    const [heap = '', paid = '', ago = ''] = textsOf('').toReversed();
    for (const [query, expected] of [
      [`id:${id}`, [heap]],
      [`id:${id.toUpperCase()}`, [heap]],
      ['id:019aa5d2*', [heap]],
      [`trace:${trace}`, [paid]],
      [`-trace:${trace}`, [ago, heap]],
      ['application:pay', [paid]],
      ['instance:shop/1', [ago, heap]],
      ['stream:stderr', [heap]],
      ['HEAP left', [heap]],
      ['-heap since:10m', [paid]],
      ['ea', []],
      ['kind:output', [ago, paid, heap]],
      ['kind:exchange', []],
      ['-kind:output', []],
      ['status:5xx', []],
      ['duration:>1ms', []],
      ['route:shop', []],
    ] as const)
      assert.deepEqual(textsOf(query), expected, query);
    assert.equal(search('kind:output').exchanges.length, 0);
    assert.equal(search('stream:stderr').exchanges.length, 0);
    assert.equal(search('kind:exchange').exchanges.length + search('kind:tunnel').exchanges.length, 1);
  });

  test('is found by time at both ends, whatever the order of the clock', () => {
    const ages = [0, 60, 7200, -86_400, 30, 3500, 90_000, 5, 7200].map((seconds) => seconds * 1000);
    const now = clock.wallTime();
    store.append(
      [],
      [],
      ages.map((age, n) => outputOf(`line ${n}`, { at: now - age })),
    );
    for (const bounds of [
      'since:2h until:2h',
      'since:1h',
      'until:1h',
      'since:3h until:1m',
      'since:40h until:30h',
      '',
    ]) {
      const parsed = parseQuery(bounds, now);
      assert.ok(parsed.ok);
      const { since, until } = parsed.query;
      const expected = ages.flatMap((age, n) =>
        now - age >= (since ?? -Infinity) && now - age <= (until ?? Infinity) ? [`line ${n}`] : [],
      );
      assert.deepEqual(textsOf(bounds), expected.toReversed(), bounds);
      assert.deepEqual(textsOf(`${bounds} line`), expected.toReversed(), bounds);
    }
  });

  test('of an earlier or a later time than most is found without a look at the others', () => {
    store.close();
    // After five looks at the clock the time of a search is over.
    class PassingClock extends WorkingClock {
      override now(): Instant {
        this.advanceSync(45);
        return super.now();
      }
    }
    const passing = new PassingClock();
    passing.advanceSync(1_000_000_000);
    store = new ExchangeStore(specOf(), passing, { onCorrupt: () => undefined, onRemoved: () => undefined });
    const at = 1_000_000_000;
    const others = (from: number): OutputLine[] =>
      Array.from({ length: 10_000 }, (_, n) => outputOf('-', { at: from + n }));
    store.append([], [], others(at - 800_000_000));
    store.append([], [], [outputOf('wanted', { at: at - 400_000_000 })]);
    store.append([], [], others(at - 100_000_000));
    const page = searchOutput('since:5d until:4d', { limit: 10 });
    assert.deepEqual([page.lines.map(({ text }) => text), page.timedOut], [['wanted'], false]);
  });

  test('goes on by pages and after the end of an earlier search, without a gap or a repetition', () => {
    store.append(
      [],
      [],
      Array.from({ length: 25 }, (_, n) => outputOf(`line ${n}`)),
    );
    const { end } = searchOutput('');
    const seen: string[] = [];
    for (let cursor: string | null = null; ; ) {
      const page = searchOutput('', { limit: 10, cursor });
      seen.push(...page.lines.map(({ text }) => text));
      ({ cursor } = page);
      if (cursor === null) break;
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 25 }, (_, n) => `line ${24 - n}`),
    );
    store.append([], [], [outputOf('new'), outputOf('newer', { leftOut: 3 })]);
    const later = searchOutput('', { after: end });
    assert.deepEqual(
      later.lines.map(({ text, leftOut }) => [text, leftOut]),
      [
        ['new', 0],
        ['newer', 3],
      ],
    );
  });

  test('belongs to a request by an id, or by its instance and time without an id', () => {
    const at = clock.wallTime();
    store.append(
      [],
      [],
      [
        outputOf('before', { at: at - 1000 }),
        outputOf(`begins ${id}`, { at }),
        outputOf('    at stack', { at: at + 5 }),
        outputOf('of another instance', { at: at + 5, instance: 'shop/2' }),
        outputOf(`of another request ${id.replace('6', '7')}`, { at: at + 6 }),
        outputOf('after', { at: at + 1000 }),
      ],
    );
    const { lines, nearby } = store.context({
      ids: [id],
      endedAt: at + 10,
      visits: [{ instance: 'shop/1', since: at, until: at + 10, ended: at + 10 }],
    });
    assert.deepEqual(
      lines.map(({ text }) => text),
      [`begins ${id}`],
    );
    assert.deepEqual(
      nearby.map(({ text }) => text),
      ['    at stack'],
    );
  });

  test('takes its part of a file at most: the oldest lines are deleted, and no exchange', () => {
    store.close();
    store = open({ keepBytes: 2 ** 21 });
    store.append(golden.map(exchangeOf));
    for (let round = 0; round < 40; round += 1)
      store.append(
        [],
        [],
        Array.from({ length: 10 }, (_, n) => outputOf(`${round * 10 + n} ${'x'.repeat(500)}`)),
      );
    const kept = textsOf('');
    assert.match(kept[0] ?? '', /^399 /);
    assert.ok(kept.length * 564 <= 2 ** 21 / 32 && kept.length > 50, `${kept.length}`);
    assert.equal(search('').exchanges.length, golden.length);
  });
});

const sampleAt = (at: number, instance = 'shop/1'): ProcessNote => ({
  ...{ kind: 'sample', at, instance, pid: 7, processes: 1, residentBytes: 9, threads: 1, restarts: 0, ageMs: 1 },
  ...{ openFiles: 1, openFilesMax: 9, cores: null, groupBytes: null, groupBytesMax: null },
});
/** When the notes around an attempt of shop/1 were taken that ended then. */
const processesAt = (ended: number): readonly number[] =>
  store
    .context({ ids: [], endedAt: ended, visits: [{ instance: 'shop/1', since: ended, until: ended, ended }] })
    .processes.map(({ at }) => at)
    .toSorted((one, other) => one - other);

describe('notes about processes', () => {
  test('are found by the instance, from ten minutes before the end of an attempt to one after it', () => {
    const minute = 60_000;
    const ended = 100 * minute;
    const exit: ProcessNote = {
      ...{ kind: 'exit', at: ended + 1, instance: 'shop/1', pid: 7 },
      ...{ code: 1, signal: null, outOfMemory: false },
    };
    const times = [ended - 11 * minute, ended - 9 * minute, ended, ended + 2 * minute];
    store.append([], [], [], [...times.map((at) => sampleAt(at)), sampleAt(ended, 'shop/2'), exit]);
    assert.deepEqual(processesAt(ended), [ended - 9 * minute, ended, ended + 1]);
  });
});

describe('the files of the store', () => {
  const line = golden[0] as string;
  const names = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.sqlite'));
  const many = (first: number): NewExchange[] =>
    Array.from({ length: 400 }, (_, n) => exchangeOf(numbered(line, first + n)));

  test('stay below their size: the oldest exchanges are deleted, the newest are found', () => {
    store.close();
    const keepBytes = 2 ** 21;
    store = open({ keepBytes });
    for (let round = 0; round < 60; round += 1) {
      store.append(many(round * 400));
      clock.advanceSync(11_000);
      store.maintain();
    }
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    assert.ok(bytes <= keepBytes * 1.2, `${bytes}`);
    assert.equal(search('path:/orders/23999').exchanges.length, 1);
    assert.equal(search('path:/orders/0').exchanges.length, 0);
  });

  test('are deleted when they are too old', () => {
    store.close();
    store = open({ keepBytes: 8 * 30_000, keepAgeMs: 1 });
    store.append(many(0));
    store.maintain();
    clock.advanceSync(20_000);
    store.append(many(400));
    store.maintain();
    assert.deepEqual(names(), ['exchanges-000002.sqlite']);
  });

  test('comprise an eighth of the age that is kept: what is too old goes, although a file is never full', () => {
    const hour = 3_600_000;
    store.close();
    store = open({ keepAgeMs: 8 * hour });
    const lineNow = (number: number): NewExchange => {
      const at = new Date(clock.wallTime()).toISOString();
      return exchangeOf(numbered(JSON.stringify({ ...(JSON.parse(line) as object), at }), number));
    };
    for (let number = 0; number < 5; number += 1) {
      store.append([lineNow(number)]);
      clock.advanceSync(hour / 2 + 1);
      store.maintain();
    }
    assert.deepEqual(names(), ['exchanges-000001.sqlite', 'exchanges-000002.sqlite', 'exchanges-000003.sqlite']);
  });

  test('are not deleted for their age when the clock is set forward, until it has been so for ten minutes', () => {
    store.close();
    store = open({ keepBytes: 8 * 100_000, keepAgeMs: 3_600_000 });
    store.append(many(0));
    store.maintain();
    store.append(many(400));
    clock.setWallTime(Math.max(clock.wallTime(), Date.now()) + 7_200_000);
    clock.advanceSync(11_000);
    store.maintain();
    assert.deepEqual(names(), ['exchanges-000001.sqlite', 'exchanges-000002.sqlite']);
    clock.advanceSync(601_000);
    store.maintain();
    assert.deepEqual(names(), ['exchanges-000002.sqlite']);
  });

  /** The files were made before the last golden line was. */
  const migrated = golden.slice(0, 13);

  for (const version of [1, 2, 3, 4])
    test(`of version ${version} are migrated: their exchanges are found, and events, output and processes are stored in them`, () => {
      store.close();
      const before = gunzipSync(readFileSync(new URL(`../../test/golden/store-${version}.sqlite.gz`, import.meta.url)));
      writeFileSync(join(folder, 'exchanges-000001.sqlite'), before);
      store = open();
      assert.deepEqual(
        search('').exchanges.map(({ record }) => record),
        migrated.map(recordIn).toReversed(),
      );
      assert.deepEqual(
        idsOf('status:502'),
        migrated
          .map(recordIn)
          .filter(({ status }) => status === 502)
          .map(({ id }) => id)
          .toReversed(),
      );
      store.append([], [eventOf(1, 0)], [outputOf('begun')], [sampleAt(1000)]);
      assert.deepEqual(processesAt(2000), [1000]);
      assert.deepEqual(textsOf(''), ['begun']);
      assert.deepEqual(eventSeqs(), [1]);
      assert.deepEqual(names(), ['exchanges-000001.sqlite']);
      for (const { id } of migrated.map(recordIn)) {
        assert.equal(store.find(id)?.id, id);
        assert.deepEqual(idsOf(`id:${id}`), [id]);
      }
      // The index had other terms of them.
      store.append(migrated.map((line, number) => exchangeOf(numbered(line, number))));
      for (const key of ['route', 'upstream', 'endpoint', 'trace'] as const) {
        const known = migrated.map(recordIn).flatMap((record) => valuesOf(record, key));
        for (const value of new Set(known)) {
          const having = migrated.map(recordIn).filter((record) => valuesOf(record, key).includes(value));
          assert.equal(idsOf(`${key}:"${value}"`).length, 2 * having.length, `${key}:${value}`);
        }
      }
    });

  test('can be read by their user alone', () => {
    store.append(many(0));
    const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);
    assert.deepEqual(new Set(modes), new Set([0o600]));
  });

  test('are read again by a later process', () => {
    store.append(many(0));
    store.close();
    store = open();
    store.append(many(400));
    assert.equal(search('').exchanges.length, 800);
  });

  test('that are damaged are moved aside, and a new one is begun', () => {
    store.append(many(0));
    store.close();
    writeFileSync(join(folder, 'exchanges-000001.sqlite'), Buffer.alloc(8192, 'x'));
    store = open();
    store.append(many(400));
    assert.equal(aside.length, 1);
    assert.equal(search('').exchanges.length, 400);
    assert.ok(readdirSync(folder).includes('exchanges-000001.sqlite.corrupt'));
  });

  for (const [what, remove] of [
    ['the file', (path: string) => rmSync(path)],
    ['what SQLite keeps beside it', (path: string) => rmSync(`${path}-wal`)],
    ['the folder', () => rmSync(folder, { recursive: true })],
  ] as const)
    test(`are opened anew if ${what} was removed, and what comes then is found by another process`, () => {
      store.append(many(0));
      remove(join(folder, 'exchanges-000001.sqlite'));
      store.append(many(400));
      assert.equal(removed.length, 1);
      const other = open();
      const result = other.search({ query: '', limit: 1000, cursor: null, after: null });
      other.close();
      assert.equal(result.kind === 'page' && result.exchanges[0]?.record.path, '/orders/799');
      store.append(many(800));
      assert.equal(removed.length, 1, 'once');
    });

  test('are opened anew if they are removed while records are written to them, and none of those is lost', () => {
    store.append(many(0));
    const records = many(400);
    const [first] = records;
    let isThere = true;
    const one = () => {
      if (isThere) rmSync(folder, { recursive: true });
      isThere = false;
      return first;
    };
    store.append(Object.defineProperty([...records], 0, { get: one, enumerable: true }));
    assert.equal(removed.length, 1);
    assert.equal(search('').exchanges.length, 400);
  });

  test('of a later version are left alone', () => {
    store.append(many(0));
    store.close();
    const database = openDatabase(join(folder, 'exchanges-000001.sqlite'));
    database.execute('PRAGMA user_version = 99');
    database.close();
    store = open();
    store.append(many(400));
    assert.equal(search('').exchanges.length, 400);
  });

  test('take the exchanges of two processes during an upgrade', () => {
    const other = open();
    for (let round = 0; round < 4; round += 1) {
      store.append([exchangeOf(numbered(line, 2 * round))]);
      other.append([exchangeOf(numbered(line, 2 * round + 1))]);
    }
    other.close();
    assert.deepEqual(
      new Set(search('').exchanges.map(({ record }) => record.path)),
      new Set(Array.from({ length: 8 }, (_, n) => `/orders/${n}`)),
    );
  });

  test('that another program has locked lose nothing that the caller keeps', () => {
    store.append(many(0));
    const database = openDatabase(join(folder, 'exchanges-000001.sqlite'));
    database.execute('BEGIN IMMEDIATE');
    assert.throws(() => store.append(many(400)));
    database.execute('COMMIT');
    database.close();
    store.append(many(400));
    assert.equal(search('').exchanges.length, 800);
  });
});
