import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { Instant } from '../core/time.ts';
import { WorkingClock } from '../testing/working-clock.test-support.ts';
import * as fc from '../../test/properties.ts';
import { ExchangeStore } from './exchange-store.ts';
import { matches } from './match.ts';
import { parseQuery } from './parse-query.ts';
import type { NewExchange } from './segment.ts';
import { divideLine, recordOf } from './stored-line.ts';
import { LineTerms, termsOfRecord } from './terms.ts';
import {
  clock,
  exchangeOf,
  golden,
  idsOf,
  numbered,
  open,
  outputOf,
  recordIn,
  search,
  searchOutput,
  specOf,
  store,
  storeForEachTest,
  use,
} from './exchange-store.test-support.ts';

storeForEachTest();

describe('a stored line', () => {
  for (const line of golden) {
    const record = recordIn(line);
    test(`of ${record.id.slice(-3)} (${record.cause ?? record.shape}, ${record.end}) gives the record of the log`, () => {
      assert.deepEqual(recordOf(exchangeOf(line).line), record);
    });
    test(`of ${record.id.slice(-3)} has the words of its record`, () => {
      const text = new LineTerms().of(exchangeOf(line).line, 7) ?? '';
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
  test('is counted by clients, paths and the like: the largest groups first, with what failed and what successes stand for', () => {
    store.append([{ ...exchangeOf(golden[0] ?? ''), standsFor: 5 }, ...golden.slice(1).map(exchangeOf)]);
    const records = golden.map(recordIn);
    for (const [by, valueOf] of [
      ['client', (one: ExchangeRecord) => one.client.address],
      ['path', (one: ExchangeRecord) => one.path],
      ['route', (one: ExchangeRecord) => one.route ?? ''],
      ['status', (one: ExchangeRecord) => String(one.status ?? '')],
      ['endpoint', (one: ExchangeRecord) => one.attempts.at(-1)?.endpoint ?? ''],
    ] as const) {
      const result = store.group({ query: '', by });
      assert.ok(result.kind === 'groups');
      assert.deepEqual([result.counted, result.isComplete], [records.length + 4, true]);
      const first = records[0] as ExchangeRecord;
      for (const { value, count, failed } of result.groups) {
        const same = records.filter((one) => valueOf(one) === value);
        const more = valueOf(first) === value ? 4 : 0;
        assert.equal(count, same.length + more, `${by} ${value}`);
        assert.equal(failed, same.filter(({ shape }) => shape !== 'none').length + (first.shape === 'none' ? 0 : more));
      }
      const counts = result.groups.map(({ count }) => count);
      assert.deepEqual(
        counts,
        counts.toSorted((a, b) => b - a),
      );
    }
    const some = store.group({ query: 'status:5xx', by: 'client' });
    assert.equal(
      some.kind === 'groups' && some.counted,
      records.filter((one) => (one.status ?? 0) >= 500).length + ((records[0]?.status ?? 0) >= 500 ? 4 : 0),
    );
    assert.equal(store.group({ query: 'statsu:1', by: 'client' }).kind, 'not_a_query');
  });

  test('finds what matches the query, and nothing else, whatever the query', () => {
    store.append(golden.map(exchangeOf));
    const records = golden.map(recordIn);
    const causes = fc.constantFrom(...new Set(records.flatMap(({ cause }) => cause ?? [])));
    const values = fc.constantFrom(
      ...new Set(records.flatMap((one) => [one.route, one.host, one.client.address].flatMap((v) => v ?? []))),
    );
    const clients = fc.constantFrom('198.51.100.1', ...new Set(records.map((one) => one.client.address)));
    const word = fc.constantFrom('products', '42', 'econnreset', 'page', 'heap', 'reset', 'nothing');
    const condition = fc.oneof(
      fc.tuple(fc.constantFrom('route', 'host', 'upstream', 'path'), values).map(([k, v]) => `${k}:"${v}"`),
      clients.map((address) => `client:"${address}"`),
      causes.map((cause) => `cause:${cause}`),
      fc.array(causes, { minLength: 2, maxLength: 3 }).map((all) => `cause:${all.join(',')}`),
      fc.constantFrom(
        'shape:reset,none',
        'shape:reset,app_error,garbage',
        'cause:connect_*,tls_*',
        'upstream:shop,app',
      ),
      fc.constantFrom('whose:application,network', 'end:generated,truncated', 'type:dns_error,connection_refused'),
      fc.constantFrom('client:192.0.2.0/24', 'client:10.0.0.0/8', 'client:::/0', 'id:019aa5d2', 'id:nothing'),
      fc.constantFrom('status:5xx', 'status:200', 'status:2xx', 'duration:>100ms', 'duration:<1s', 'shape:reset'),
      fc.constantFrom('grpc:14', 'grpc:0', 'grpc:missing'),
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

  test('by a host finds it with any port, and by a host and a port with that one', () => {
    const hosts = ['shop.test', 'shop.test:8443', 'shop.test:84', 'shop.test.other', '[::1]:80'];
    for (const [n, host] of hosts.entries())
      store.append([exchangeOf(numbered(golden[0] as string, n).replace(/"host":"[^"]*"/, `"host":"${host}"`))]);
    const found = (query: string) => search(query).exchanges.map(({ record }) => record.host ?? '');
    for (const [query, expected] of [
      ['host:shop.test', ['shop.test:84', 'shop.test:8443', 'shop.test']],
      ['host:Shop.Test:8443', ['shop.test:8443']],
      ['host:[::1]', ['[::1]:80']],
      ['-host:shop.test', ['[::1]:80', 'shop.test.other']],
    ] as const)
      assert.deepEqual(found(query), expected, query);
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
          use(open());
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

  for (const cursor of ['nonsense', '2-1', '999999999-1'])
    test(`the cursor ${cursor} of no file of the store is refused by every search`, () => {
      store.append([exchangeOf(numbered(golden[0] as string, 1))]);
      for (const position of [
        { cursor, after: null },
        { cursor: null, after: cursor },
      ]) {
        const request = { query: '', limit: 9, ...position };
        assert.equal(store.search(request).kind, 'unavailable');
        assert.equal(store.searchOutput(request).kind, 'unavailable');
      }
      assert.equal(store.searchEvents({ since: null, until: null, limit: 9, cursor }).kind, 'unavailable');
    });

  test('the end of a search in an empty store can be asked for', () => {
    assert.equal(store.search({ query: '', limit: 9, cursor: null, after: search('').end }).kind, 'page');
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
    use(
      new ExchangeStore(specOf(), new PassingClock(), {
        onCorrupt: () => undefined,
        onRemoved: () => undefined,
        onOtherVersion: () => undefined,
      }),
    );
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
