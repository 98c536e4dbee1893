import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OutputLine } from '../core/output-line.ts';
import type { ProcessNote } from '#failures/process-note.ts';
import type { Instant } from '../core/time.ts';
import { WorkingClock } from '../testing/working-clock.test-support.ts';
import { ExchangeStore } from './exchange-store.ts';
import { parseQuery } from './parse-query.ts';
import {
  clock,
  exchangeOf,
  golden,
  open,
  outputOf,
  processesAt,
  sampleAt,
  search,
  searchOutput,
  specOf,
  store,
  storeForEachTest,
  textsOf,
  use,
} from './exchange-store.test-support.ts';

storeForEachTest();

describe('stored output of applications', () => {
  const id = '019aa5d2-5f1c-7c3e-9f0a-000000000006';
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

  test('says why lines before it were left out', () => {
    store.append(
      [],
      [],
      [
        { ...outputOf('first'), leftOut: 3 },
        { ...outputOf(''), leftOut: 7, leftOutWhy: 'store_failed' },
        outputOf('last'),
      ],
    );
    const { lines } = searchOutput('') as { lines: readonly OutputLine[] };
    assert.deepEqual(
      lines.toReversed().map(({ leftOut, leftOutWhy, source }) => [leftOut, leftOutWhy, 'leftOutWhy' in source]),
      [
        [3, undefined, false],
        [7, 'store_failed', false],
        [0, undefined, false],
      ],
    );
  });

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
    use(
      new ExchangeStore(specOf(), passing, {
        onCorrupt: () => undefined,
        onRemoved: () => undefined,
        onOtherVersion: () => undefined,
      }),
    );
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
        outputOf('    at its stack', { at: at + 6 }),
        outputOf('checkout-42 paid', { at: at + 7 }),
        outputOf('after', { at: at + 1000 }),
      ],
    );
    const { lines, nearby } = store.context({
      ids: [id, 'checkout-42'],
      endedAt: at + 10,
      visits: [
        { instance: 'shop/1', attempt: 1, since: at, until: at + 8, ended: at + 3 },
        { instance: 'shop/1', attempt: 2, since: at + 4, until: at + 10, ended: at + 10 },
      ],
    });
    assert.deepEqual(
      lines.map(({ text }) => text),
      [`begins ${id}`, 'checkout-42 paid'],
    );
    assert.deepEqual(
      nearby.map(({ text }) => text),
      ['    at stack'],
    );
  });

  test('takes its part of a file at most: the oldest lines are deleted, and no exchange', () => {
    store.close();
    use(open({ keepBytes: 2 ** 21 }));
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

describe('notes about processes', () => {
  test('are found by the instance, from ten minutes before the end of an attempt to one after it', () => {
    const minute = 60_000;
    const ended = 100 * minute;
    const exit: ProcessNote = {
      ...{ kind: 'exit', at: ended + 1, instance: 'shop/1', pid: 7 },
      ...{ code: 1, signal: null, outOfMemory: false, ranMs: 1 },
    };
    const times = [ended - 11 * minute, ended - 9 * minute, ended, ended + 2 * minute];
    store.append([], [], [], [...times.map((at) => sampleAt(at)), sampleAt(ended, 'shop/2'), exit]);
    assert.deepEqual(processesAt(ended), [ended - 9 * minute, ended, ended + 1]);
  });
});
