import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'node:test';
import type { StoreSpec } from '../core/configuration.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { OutputLine, OutputSource } from '../core/output-line.ts';
import type { ProcessNote } from '#failures/process-note.ts';
import type { EventLine, EventSearchRequest, SearchRequest, SearchResult } from '../core/store-messages.ts';
import { parseRecord } from '../record/parse-record.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ExchangeStore } from './exchange-store.ts';
import type { NewExchange } from './segment.ts';
import { divideLine } from './stored-line.ts';

export const golden = readFileSync(new URL('../../test/golden/record-v1.ndjson', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => parseRecord(line).ok);

export function recordIn(line: string): ExchangeRecord {
  const parsed = parseRecord(line);
  assert.ok(parsed.ok);
  return parsed.record;
}

export function exchangeOf(line: string): NewExchange {
  const divided = divideLine(line, null);
  assert.ok(divided !== null);
  return { line: divided, standsFor: 1 };
}

/** The golden line with another id and path. */
export function numbered(line: string, number: number): string {
  const id = `019aa5d2-5f1c-7c3e-9f0b-${String(number).padStart(12, '0')}`;
  return JSON.stringify({ ...(JSON.parse(line) as object), id, path: `/orders/${number}` });
}

// Each test of a file that calls `storeForEachTest` has a folder, a clock and a store of its own.
export let folder: string;
export let clock: SimulatedClock;
export let store: ExchangeStore;
export const aside: string[] = [];
export const removed: string[] = [];
export const others: string[] = [];
export const specOf = (changes: Partial<StoreSpec> = {}): StoreSpec => ({
  ...{ path: folder, keepAgeMs: 7 * 86_400_000, keepBytes: 2 ** 30, successesPerSecond: 200, slowMs: 1000 },
  ...changes,
});
export const open = (changes: Partial<StoreSpec> = {}): ExchangeStore =>
  new ExchangeStore(specOf(changes), clock, {
    onCorrupt: (path) => aside.push(path),
    onRemoved: (path) => removed.push(path),
    onOtherVersion: (path) => others.push(path),
  });

/** The tests use this store from now on; it is closed after the test. */
export function use(next: ExchangeStore): void {
  store = next;
}

/** Called by the file, so that the hooks are its own where several files share a process. */
export function storeForEachTest(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'candor-store-'));
    clock = new SimulatedClock();
    aside.length = 0;
    removed.length = 0;
    others.length = 0;
    store = open();
  });
  afterEach(() => {
    store.close();
    rmSync(folder, { recursive: true });
  });
}

export function search(query: string, more: { limit?: number; cursor?: string | null; after?: string | null } = {}) {
  const result: SearchResult = store.search({ query, limit: 1000, cursor: null, after: null, ...more });
  assert.equal(result.kind, 'page', JSON.stringify(result));
  assert.ok(result.kind === 'page');
  return result;
}
export const idsOf = (query: string): string[] => search(query).exchanges.map(({ record }) => record.id);

export const outputOf = (text: string, more: Partial<OutputLine & OutputSource> = {}): OutputLine => {
  const { at = clock.wallTime(), leftOut = 0, ...source } = more;
  const usual = { application: 'shop', instance: 'shop/1', pid: 77, stream: 'stdout', path: null } as const;
  return { at, source: { ...usual, ...source }, text, leftOut };
};
export const searchOutput = (query: string, more: Partial<SearchRequest> = {}) => {
  const result = store.searchOutput({ query, limit: 1000, cursor: null, after: null, ...more });
  assert.ok(result.kind === 'page', JSON.stringify(result));
  return result;
};
export const textsOf = (query: string): string[] => searchOutput(query).lines.map(({ text }) => text);

/** A minute apart. */
export const eventAt = (minute: number): number => Date.UTC(2026, 0, 1, 12, minute);
export const eventOf = (seq: number, minute: number, kind = 'worker_started'): EventLine => {
  const at = eventAt(minute);
  return {
    seq,
    at,
    json: JSON.stringify({ epoch: 'run-1', seq, at: new Date(at).toISOString(), kind }),
  };
};
export const eventSeqs = (more: Partial<EventSearchRequest> = {}): number[] => {
  const result = store.searchEvents({ since: null, until: null, limit: 1000, cursor: null, ...more });
  assert.ok(result.kind === 'page');
  return result.events.map(({ seq }) => seq);
};

export const sampleAt = (at: number, instance = 'shop/1'): ProcessNote => ({
  ...{ kind: 'sample', at, instance, pid: 7, processes: 1, residentBytes: 9, threads: 1, restarts: 0, ageMs: 1 },
  ...{ openFiles: 1, openFilesMax: 9, cores: null, groupBytes: null, groupBytesMax: null },
});
/** When the notes around an attempt of shop/1 were taken that ended then. */
export const processesAt = (ended: number): readonly number[] =>
  store
    .context({
      ids: [],
      endedAt: ended,
      visits: [{ instance: 'shop/1', attempt: 1, since: ended, until: ended, ended }],
    })
    .processes.map(({ at }) => at)
    .toSorted((one, other) => one - other);
