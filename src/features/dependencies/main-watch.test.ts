import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { SeededRandom } from '../../testing/seeded-random.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { faulty, type DependencyFinding, up } from './finding.ts';
import { type DependencyChange, DependencyWatch } from './main-watch.ts';

let clock: SimulatedClock;
let seen: string[];
let checks: number;
let running: number;
/** What checks find, and how long they take. */
let finding: DependencyFinding | null;
let tookMs: number;

beforeEach(() => {
  clock = new SimulatedClock();
  seen = [];
  checks = 0;
  running = 0;
  finding = up('is ready');
  tookMs = 5;
});

function watch(intervalMs = 5000): DependencyWatch {
  const made = new DependencyWatch({
    ...{ clock, random: new SeededRandom(1), intervalMs },
    check(onResult) {
      checks++;
      assert.equal(++running, 1, 'one check at a time');
      const end = (): void => void running--;
      const timer = clock.schedule((clock.now() + tookMs) as never, () => (end(), onResult(finding)), null);
      return { cancel: () => (end(), timer.cancel()) };
    },
    onChange: ({ from, to, finding: found, sinceMs, otherMs }: DependencyChange) =>
      seen.push(
        `${from} → ${to} ${found.fault ?? ''} for ${Math.round(sinceMs / 100) / 10} s, before ${otherMs === null ? 'never' : `${Math.round(otherMs / 1000)} s ago`}`,
      ),
  });
  made.start();
  return made;
}

test('it is checked at once, and then each interval', async () => {
  watch();
  await clock.advance(200);
  assert.deepEqual([checks, seen], [1, ['unknown → up  for 0 s, before never']]);
  await clock.advance(50_000);
  assert.ok(checks >= 9 && checks <= 13, `${checks}`);
});

test('a refused connection is told with the first check, and the return within a second', async () => {
  watch();
  await clock.advance(200);
  finding = faulty('refused');
  await clock.advance(6000);
  assert.deepEqual(seen.slice(1), ['up → down refused for 0 s, before 5 s ago']);
  const before = checks;
  await clock.advance(10_000);
  assert.ok(checks - before >= 8, 'it is checked each second while its state is new');
  finding = up('is ready');
  await clock.advance(1200);
  assert.equal(seen.length, 3);
  assert.match(seen[2] ?? '', /^down → up/);
});

test('a silence is told when a second check has met it too, with the time of the first', async () => {
  watch();
  await clock.advance(200);
  [finding, tookMs] = [faulty('no_answer'), 2000];
  await clock.advance(5600 + 1000);
  assert.equal(seen.length, 1);
  await clock.advance(4000);
  assert.deepEqual(seen.slice(1), ['up → down no_answer for 4.1 s, before 9 s ago']);
});

test('another way to fail is told too, and not each time', async () => {
  watch();
  await clock.advance(200);
  finding = faulty('login');
  await clock.advance(20_000);
  finding = faulty('refused');
  await clock.advance(20_000);
  assert.deepEqual(
    seen.slice(1).map((one) => one.slice(0, 21).trim()),
    ['up → down login for 0', 'down → down refused f'],
  );
  const before = seen.length;
  for (let at = 0; at < 20; at++) {
    finding = faulty(at % 2 === 0 ? 'closed' : 'refused');
    await clock.advance(1000);
  }
  assert.ok(seen.length - before <= 5, `${seen.length - before}`);
});

test('a single silence is nothing', async () => {
  watch();
  await clock.advance(200);
  finding = faulty('no_answer');
  while (checks < 2) await clock.advance(1);
  await clock.advance(tookMs);
  finding = up('is ready');
  await clock.advance(20_000);
  assert.equal(seen.length, 1);
});

test('requests that fail ask for a check at once, and not more than two each second', async () => {
  const made = watch(60_000);
  await clock.advance(10_000);
  finding = faulty('full');
  made.checkSoon();
  await clock.advance(10);
  assert.match(seen[1] ?? '', /^up → down full/);
  const before = checks;
  for (let at = 0; at < 1000; at += 10) {
    made.checkSoon();
    await clock.advance(10);
  }
  assert.ok(checks - before <= 3, `${checks - before}`);
});

test("what the gateway's own shortage has kept from being checked stays as it was", async () => {
  const made = watch();
  await clock.advance(200);
  finding = null;
  await clock.advance(30_000);
  assert.deepEqual([made.state, seen.length], ['up', 1]);
});

test('after its stop nothing is left', async () => {
  const made = watch();
  await clock.advance(2);
  made.stop();
  await clock.advance(60_000);
  assert.deepEqual([clock.timersLive, running], [0, 0]);
});
