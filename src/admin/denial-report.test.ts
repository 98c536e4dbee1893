import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { EventKind, NewEvent } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { DenialReport } from './denial-report.ts';

let clock: SimulatedClock;
let told: { count: number; remote: string | null }[];
let report: DenialReport;

beforeEach(() => {
  clock = new SimulatedClock();
  told = [];
  const emit = <K extends EventKind>({ evidence }: NewEvent<K>): void =>
    void told.push(evidence as unknown as (typeof told)[number]);
  report = new DenialReport({ emit }, clock);
});

const visit = (remote: string, why: 'no_token' | 'wrong_session' = 'no_token'): void =>
  report.note({ why, operation: 'readSession', remote });
const counts = (): readonly number[] => told.map(({ count }) => count);

test('a visit without a session is told once per minute and address', async () => {
  for (let time = 0; time < 30; time++) {
    visit(`10.0.0.1:${4000 + time}`);
    visit('[2001:db8::1]:4000', 'wrong_session');
    await clock.advance(1000);
  }
  assert.deepEqual(counts(), [1, 1]);
  await clock.advance(60_000);
  assert.deepEqual(counts(), [1, 1, 29, 29]);
  assert.deepEqual([told[2]?.remote, told[3]?.remote], ['10.0.0.1:4029', '[2001:db8::1]:4000']);
  visit('10.0.0.2:4000');
  assert.deepEqual(counts(), [1, 1, 29, 29, 1]);
});

test('everything else is told once per ten seconds and reason', async () => {
  for (let time = 0; time < 5; time++)
    report.note({ why: 'no_token', operation: 'reload', remote: `10.0.0.${time}:1` });
  visit('10.0.0.9:1');
  await clock.advance(10_000);
  assert.deepEqual(counts(), [1, 1, 4]);
});

test('visits from very many addresses are told together, and no address is kept for long', async () => {
  for (let index = 0; index < 1000; index++) visit(`10.0.${index >> 8}.${index & 255}:1`);
  await clock.advance(60_000);
  assert.equal(
    counts().reduce((sum, count) => sum + count, 0),
    1000,
  );
  assert.ok(told.length <= 260, `${told.length}`);
  await clock.advance(60_000);
  visit('192.0.2.1:1');
  visit('192.0.2.1:2');
  assert.equal(told.at(-1)?.count, 1);
});
