import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { Release } from '../core/release.ts';
import { systemClock } from '../testing/system.ts';
import { faultyFiles } from './faulty-files.test-support.ts';
import { compactLines, historyOf } from './release-history.ts';
import { ReleaseJournal } from './release-journal.ts';
import { lineText, readReleaseLines, type ReleaseFact, type ReleaseLine } from './release-line.ts';
import { ReleaseRefused } from './release-refusal.ts';

const release = (number: number): Release => ({
  number,
  name: `r${number}`,
  digest: `${number}`.repeat(64),
  tree: `${number}`.repeat(64),
  command: ['node', 'server.js'],
  directory: '.',
  environment: { PASSWORD: `gehëim ${number}` },
  from: { kind: 'folder', text: '/srv/shop' },
  createdAt: '2026-01-02T03:04:05.000Z',
  actor: 'ann',
  configuration: 7,
});

const created = (number: number): ReleaseFact => ({ kind: 'created', release: release(number), bytes: 10 });
const began = (rollout: number, from: number | null, to: number): ReleaseFact => ({
  kind: 'began',
  rollout,
  from,
  to,
  strategy: 'canary',
  actor: 'ann',
});
const promoted = (rollout: number, to: number): ReleaseFact => ({ kind: 'promoted', rollout, release: to });

/** A rollout of a release that is made for it; `end` null: it is promoted. */
function rolloutOf(number: number, end: 'aborted' | 'refused' | null): readonly ReleaseFact[] {
  const before = number === 1 ? null : number - 1;
  const step = (state: 'starting' | 'shifting', share: number): ReleaseFact => ({
    kind: 'step',
    rollout: number,
    state,
    share,
  });
  const last: readonly ReleaseFact[] =
    end === null
      ? [
          promoted(number, number),
          { kind: 'ended', rollout: number, state: 'promoted', verdict: 'good', reason: '0 of 900 failed' },
        ]
      : [{ kind: 'ended', rollout: number, state: end, verdict: 'bad', reason: '9 of 12 failed' }];
  return [created(number), began(number, before, number), step('starting', 0), step('shifting', 0.05), ...last];
}

const numbered = (facts: readonly ReleaseFact[]): readonly ReleaseLine[] =>
  facts.map((fact, at) => ({
    v: 1,
    seq: at + 1,
    at: `2026-01-02T03:04:${String(at % 60).padStart(2, '0')}.000Z`,
    ...fact,
  }));

const textOf = (facts: readonly ReleaseFact[]): string => numbered(facts).map(lineText).join('');

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-journal-'));
  path = join(folder, 'journal');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function opened(files?: Parameters<typeof ReleaseJournal.open>[2]) {
  const result = await ReleaseJournal.open(path, systemClock, files);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

const refusedWhy = async (): Promise<string> => {
  const result = await ReleaseJournal.open(path, systemClock);
  return result.ok ? 'it was opened' : `${result.failure.reason} ${result.failure.step}`;
};

describe('a journal of releases', () => {
  it('is found as it was written, in a file for its owner alone', async () => {
    const { journal } = await opened();
    assert.deepEqual(readdirSync(folder), [], 'no file before the first line');
    await Promise.all([...rolloutOf(1, null), ...rolloutOf(2, 'aborted')].map((fact) => journal.append(fact)));
    assert.equal((lstatSync(path).mode & 0o777).toString(8), '600');
    const { inForce, previous, releases, rollouts, open, nextRelease, nextRollout } = (await opened()).journal.history;
    assert.deepEqual(inForce, release(1));
    assert.deepEqual([previous, open, nextRelease, nextRollout], [null, null, 3, 3]);
    assert.deepEqual(
      releases.map((one) => [one.release.number, one.bytes]),
      [
        [2, 10],
        [1, 10],
      ],
    );
    const [newest] = rollouts;
    assert.ok(newest !== undefined);
    const { beganAt, endedAt, ...rest } = newest;
    assert.ok(beganAt <= (endedAt ?? ''));
    assert.deepEqual(rest, {
      rollout: 2,
      from: 1,
      to: 2,
      fromName: 'r1',
      toName: 'r2',
      source: { kind: 'folder', text: '/srv/shop' },
      strategy: 'canary',
      actor: 'ann',
      state: 'aborted',
      share: 0.05,
      verdict: 'bad',
      reason: '9 of 12 failed',
    });
  });

  it('loses a line that a crash has torn, says so, and goes on', async () => {
    const whole = textOf([...rolloutOf(1, null), created(2)]);
    for (const cut of [1, 2, 40]) {
      writeFileSync(path, whole.slice(0, -cut));
      const { journal, tornBytes } = await opened();
      assert.ok(tornBytes > 0);
      assert.equal(journal.history.nextRelease, 2);
      await journal.append(created(2));
      assert.equal((await opened()).tornBytes, 0);
    }
    // A file system that has the length of the file, but not its end.
    writeFileSync(path, `${whole}${'\0'.repeat(100)}`);
    assert.equal((await opened()).tornBytes, 100);
    writeFileSync(path, `${whole}${'\0'.repeat(10)}"share":1}\n`);
    assert.equal((await opened()).tornBytes, 21);
    assert.equal(readFileSync(path, 'utf8'), whole);
  });

  it('keeps what a later version has written', async () => {
    const [first, ...others] = numbered([created(1), promoted(1, 1)]);
    const later = '{"v":1,"seq":2,"at":"2026-01-02T03:04:05Z","kind":"paused","new":[1]}\n';
    const more = lineText({ ...first, extra: { deep: 1 } } as unknown as ReleaseLine);
    writeFileSync(path, `${more}${later}${lineText({ ...(others[0] as ReleaseLine), seq: 3 })}`);
    const read = readReleaseLines(readFileSync(path, 'utf8'));
    assert.ok('lines' in read);
    assert.equal(historyOf(read.lines).inForce?.number, 1);
    assert.equal(
      compactLines(read.lines).map(lineText).join(''),
      `${more}${later}${lineText(read.lines[2] as ReleaseLine)}`,
    );
  });

  const damages: readonly (readonly [what: string, line: (text: string) => string, why: RegExp])[] = [
    ['no JSON', (text) => text.slice(3), /is no JSON/],
    ['no object', () => '7', /is no JSON object/],
    ['another version', (text) => text.replace('"v":1', '"v":2'), /another version of Candor/],
    ['a missing field', (text) => text.replace('"command"', '"commando"'), /has no valid release/],
    ['a seq that is not above', (text) => text.replace('"seq":2', '"seq":1'), /has the seq 1/],
    ['zeros', (text) => `\0\0${text.slice(2)}`, /has zero bytes/],
  ];
  for (const [what, damage, why] of damages)
    it(`is refused with the number of a line in its middle that has ${what}`, async () => {
      const lines = textOf([began(1, null, 1), created(1), promoted(1, 1)]).split('\n');
      const damaged = [lines[0], damage(lines[1] ?? ''), ...lines.slice(2)].join('\n');
      writeFileSync(path, damaged);
      const text = await refusedWhy();
      assert.match(text, /^Line 2 of the journal of releases \S+journal /);
      assert.match(text, why);
      assert.match(text, /Restore the file from a backup/);
      assert.doesNotMatch(text, /geh/);
      assert.equal(readFileSync(path, 'utf8'), damaged, 'nothing was changed');
    });

  it('never throws for any text', () => {
    const lines = textOf([created(1), began(1, null, 1), promoted(1, 1)]);
    const damagedAt = fc
      .tuple(fc.nat(lines.length), fc.string({ unit: 'binary' }))
      .map(([at, text]) => lines.slice(0, at) + text + lines.slice(at + text.length));
    fc.assert(
      fc.property(damagedAt, (text) => void readReleaseLines(text)),
      { numRuns: 600 },
    );
  });
});

const facts = fc
  .array(fc.constantFrom('aborted' as const, 'refused' as const, null), { minLength: 1, maxLength: 8 })
  .map((ends) => ends.flatMap((end, at) => rolloutOf(at + 1, end)));

describe('a history', () => {
  it('of any part of a journal is one of its lines so far: in force is the old release or the new one', () => {
    fc.assert(
      fc.property(facts, fc.double({ min: 0, max: 1, noNaN: true }), (all, part) => {
        const whole = Buffer.from(textOf(all));
        const lines = numbered(all);
        const read = readReleaseLines(whole.subarray(0, Math.floor(part * whole.length)).toString('utf8'));
        assert.ok('lines' in read);
        assert.deepEqual(read.lines, lines.slice(0, read.lines.length));
        const promotions = all.slice(0, read.lines.length).filter((fact) => fact.kind === 'promoted');
        assert.equal(historyOf(read.lines).inForce?.number ?? null, promotions.at(-1)?.release ?? null);
      }),
      { numRuns: 600 },
    );
  });

  it('has the release before, also after a rollback, and an open rollout', () => {
    const twice = [...rolloutOf(1, null), ...rolloutOf(2, null)];
    const ended: ReleaseFact = { kind: 'ended', rollout: 3, state: 'promoted', verdict: null, reason: 'by ann' };
    const back = [...twice, began(3, 2, 1), promoted(3, 1), ended];
    const numbers = (all: readonly ReleaseFact[]) => {
      const { inForce, previous, open } = historyOf(numbered(all));
      return [inForce?.number, previous?.number, open?.rollout];
    };
    assert.deepEqual(numbers(twice), [2, 1, undefined]);
    assert.deepEqual(numbers(back), [1, 2, undefined]);
    assert.deepEqual(numbers([...back, created(3), began(4, 1, 3)]), [1, 2, 4]);
    assert.deepEqual(numbers([...back, { kind: 'removed', release: 2 }]), [1, undefined, undefined]);
    assert.deepEqual(numbers([...back, { kind: 'removed', release: 1 }]), [1, 2, undefined], 'the one in force stays');
    const interrupted = historyOf(numbered([...twice, began(3, 2, 1), began(4, 2, 1)])).rollouts[1];
    assert.deepEqual([interrupted?.state, interrupted?.endedAt !== null], ['interrupted', true]);
  });

  it('is the same of compacted lines, which have no secrets of removed releases', () => {
    fc.assert(
      fc.property(facts, fc.array(fc.nat(9)), fc.nat(99), (all, removed, more) => {
        const rollbacks = Array.from({ length: more }, (_, at) => [
          began(100 + at, 1, 1),
          promoted(100 + at, 1 + (at % 2)),
        ]).flat();
        const removals = removed.map((number): ReleaseFact => ({ kind: 'removed', release: number }));
        const lines = numbered([...all, ...removals, ...rollbacks]);
        const compacted = compactLines(lines);
        assert.deepEqual(historyOf(compacted), historyOf(lines));
        assert.deepEqual(compactLines(compacted), compacted);
        const read = readReleaseLines(compacted.map(lineText).join(''));
        assert.ok('lines' in read);
        assert.deepEqual(read.lines, compacted);
        const text = compacted.map(lineText).join('');
        const live = historyOf(lines).releases.map((one) => one.release.number);
        for (const number of removed) if (!live.includes(number)) assert.ok(!text.includes(`gehëim ${number}`));
      }),
      { numRuns: 300 },
    );
  });

  it('has no release to go back to that was taken back when it had all requests', () => {
    const takenBack: readonly ReleaseFact[] = [
      ...[created(3), began(3, 2, 3), promoted(3, 3), promoted(3, 2)],
      { kind: 'ended', rollout: 3, state: 'aborted', verdict: 'bad', reason: '9 of 12 failed' },
    ];
    const lines = numbered([...rolloutOf(1, null), ...rolloutOf(2, null), ...takenBack]);
    for (const known of [lines, compactLines(lines), lines.slice(0, -1)])
      assert.deepEqual([historyOf(known).inForce?.name, historyOf(known).previous?.name], ['r2', 'r1']);
  });

  it('has no release to go back to that was taken back after its rollout', () => {
    const late = [...rolloutOf(1, null), ...rolloutOf(2, null), began(3, 1, 2), promoted(3, 1)];
    for (const known of [numbered(late), compactLines(numbered(late))])
      assert.deepEqual([historyOf(known).inForce?.name, historyOf(known).previous], ['r1', null]);
  });

  it('has a rollout that is open until its end is known, also when its release has all requests', () => {
    const lines = numbered([...rolloutOf(1, null), created(2), began(2, 1, 2), promoted(2, 2)]);
    const { open, inForce } = historyOf(lines);
    assert.deepEqual([open?.rollout, open?.state, inForce?.name], [2, 'promoted', 'r2']);
  });
});

describe('a journal that becomes long', () => {
  const rollback = (at: number): readonly ReleaseFact[] => [began(at, 1, 2), promoted(at, 1 + (at % 2))];
  const long = [
    ...rolloutOf(1, null),
    ...rolloutOf(2, null),
    ...Array.from({ length: 495 }, (_, at) => rollback(at + 3)).flat(),
  ];

  it('is written again with the same history', async () => {
    assert.equal(long.length, 1002);
    writeFileSync(path, textOf(long));
    chmodSync(path, 0o600);
    const { journal } = await opened();
    await journal.append({ kind: 'removed', release: 9 });
    const lines = readFileSync(path, 'utf8').split('\n').length;
    assert.ok(lines < 130, `${lines} lines`);
    assert.equal((lstatSync(path).mode & 0o777).toString(8), '600');
    assert.deepEqual((await opened()).journal.history, historyOf(numbered(long)));
    await journal.append(created(3));
    assert.equal((await opened()).journal.history.nextRelease, 4);
  });

  it('survives a failure and a crash at each call: a line is there, or was refused', async () => {
    const last = rollback(498);
    for (const isCrash of [false, true])
      for (let at = 0; ; at++) {
        writeFileSync(path, textOf(long));
        const { files, calls } = faultyFiles(at, 'ENOSPC', isCrash);
        const faulty = (await opened(files)).journal;
        let written = 0;
        try {
          for (; written < last.length; written++) await faulty.append(last[written] as ReleaseFact);
        } catch (error) {
          assert.ok(error instanceof ReleaseRefused);
        }
        // Of a crash, the line may be there that was not reported as written.
        const expected = [written, isCrash ? written + 1 : written].map((count) => shortOf(last.slice(0, count)));
        const { inForce, nextRollout } = (await opened()).journal.history;
        const found = JSON.stringify([inForce?.number, nextRollout]);
        assert.ok(expected.includes(found), `call ${at}: ${found}, not ${expected.join(' or ')}`);
        if (at >= calls.length) break;
      }
  });

  const shortOf = (more: readonly ReleaseFact[]): string => {
    const { inForce, nextRollout } = historyOf(numbered([...long, ...more]));
    return JSON.stringify([inForce?.number, nextRollout]);
  };
});

describe('a line that cannot be written', () => {
  it('is refused in words, leaves nothing, and the next one is written', async () => {
    writeFileSync(path, textOf([created(1)]));
    const { size } = statSync(path);
    const names = ['open', 'stat', 'writeFile', 'sync'];
    for (let at = 0; at < names.length; at++) {
      const { files, calls } = faultyFiles(at, 'ENOSPC');
      const { journal } = await opened(files);
      await assert.rejects(journal.append(promoted(1, 1)), (error) => {
        assert.ok(error instanceof ReleaseRefused);
        assert.equal(error.refusal.kind, 'disk_full');
        assert.match(
          error.refusal.reason,
          /^The journal of releases \S+journal was not written: .*the disk is full\.$/,
        );
        return true;
      });
      assert.equal(calls[at], names[at]);
      assert.equal(journal.history.inForce, null);
      assert.equal(statSync(path).size, size);
      await journal.append(promoted(1, 1));
      assert.equal((await opened()).journal.history.inForce?.number, 1);
      truncateSync(path, size);
    }
  });

  it('lets no further one follow where a part of it cannot be taken back, until the journal is opened again', async () => {
    writeFileSync(path, textOf([created(1)]));
    const { journal } = await opened(faultyFiles(2, 'EIO', true).files);
    await assert.rejects(journal.append(promoted(1, 1)));
    await assert.rejects(journal.append(promoted(1, 1)), /restart Candor/);
    const again = await opened();
    assert.equal(again.tornBytes, 20);
    await again.journal.append(promoted(1, 1));
  });

  it('is refused where the file was changed, or has gone with its folder', async () => {
    writeFileSync(path, textOf([created(1)]));
    const { journal } = await opened();
    appendFileSync(path, '{}\n');
    await assert.rejects(journal.append(created(2)), /was changed by another program/);
    rmSync(folder, { recursive: true });
    await assert.rejects(journal.append(created(2)), /journal is not there/);
  });
});
