// Starts processes: only `mkfifo` makes a FIFO.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import type { NewEvent } from '../core/event.ts';
import type { OutputSource } from '../core/output-line.ts';
import type { Clock, Instant, Timer } from '../core/time.ts';
import { TailedFiles } from './tailed-files.ts';

/** The looks at the files, one at a time: each ends by scheduling the next one. */
class Looks implements Clock {
  #scheduled = Promise.withResolvers<() => void>();
  canceled = 0;

  now(): Instant {
    return 0 as Instant;
  }

  wallTime(): number {
    return 0;
  }

  schedule<T>(_at: Instant, fire: (subject: T) => void, subject: T): Timer {
    this.#scheduled.resolve(() => fire(subject));
    return { cancel: () => (this.canceled += 1) };
  }

  /** Resolves when the present look has ended. */
  async ended(): Promise<void> {
    await this.#scheduled.promise;
  }

  /** Resolves when the next look has ended. */
  async next(): Promise<void> {
    const fire = await this.#scheduled.promise;
    this.#scheduled = Promise.withResolvers<() => void>();
    fire();
    await this.ended();
  }
}

let folder: string;
let looks: Looks;
let isWanted: boolean;
let lines: { readonly source: OutputSource; readonly text: string }[];
let events: NewEvent[];
let files: TailedFiles;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-tails-'));
  [looks, isWanted, lines, events] = [new Looks(), true, [], []];
  files = new TailedFiles({
    clock: looks,
    events: { emit: (event: NewEvent) => events.push(event) } as unknown as ConstructorParameters<
      typeof TailedFiles
    >[0]['events'],
    isWanted: () => isWanted,
    onLine: (source, text) => lines.push({ source, text }),
  });
});
afterEach(async () => {
  await files.close();
  rmSync(folder, { recursive: true });
});

const at = (name: string): string => join(folder, name);
const named = (id: string, logs: readonly string[], application: string | null = null): UpstreamSpec =>
  ({ id, application, logs }) as unknown as UpstreamSpec;
const texts = (): readonly string[] => lines.map(({ text }) => text);
const told = (): readonly string[] =>
  events.map(({ subject, to }) => `${subject.slice(subject.lastIndexOf('/') + 1)} ${to}`);

async function follow(...upstreams: readonly UpstreamSpec[]): Promise<void> {
  files.use(upstreams);
  await looks.ended();
}

describe('the logs that a configuration names', () => {
  test('are read with their owner: the application, or the upstream where the gateway runs none', async () => {
    for (const name of ['a.log', 'b.log']) writeFileSync(at(name), 'old\n');
    await follow(named('web', [at('a.log')], 'shop'), named('legacy', [at('b.log')]));
    appendFileSync(at('a.log'), 'one\n');
    appendFileSync(at('b.log'), Buffer.from([0xff, 0x62, 0x0a]));
    await looks.next();
    assert.deepEqual(lines, [
      {
        source: { application: 'shop', instance: null, pid: null, stream: 'file', path: at('a.log') },
        text: 'one',
      },
      {
        source: { application: 'legacy', instance: null, pid: null, stream: 'file', path: at('b.log') },
        text: '\ufffdb',
      },
    ]);
    assert.deepEqual(events, [], 'a file that is followed from the beginning is nothing to tell');
  });

  test('that a reload keeps are read on, and those that it no longer names are not', async () => {
    for (const name of ['kept.log', 'gone.log']) writeFileSync(at(name), '');
    await follow(named('shop', [at('kept.log'), at('gone.log')]));
    for (const name of ['kept.log', 'gone.log']) appendFileSync(at(name), `begun in ${name}, `);
    await looks.next();
    files.use([named('shop', [at('kept.log')])]);
    for (const name of ['kept.log', 'gone.log']) appendFileSync(at(name), 'ended\n');
    await looks.next();
    assert.deepEqual(texts(), ['begun in kept.log, ended']);
    assert.deepEqual(
      files.status.map(({ path }) => path),
      [at('kept.log')],
    );
  });

  test('are not read without a store', () => {
    isWanted = false;
    files.use([named('shop', [at('a.log')])]);
    assert.deepEqual(files.status, []);
  });

  test('are not looked at any more after the end', async () => {
    writeFileSync(at('a.log'), '');
    await follow(named('shop', [at('a.log')]));
    await files.close();
    assert.equal(looks.canceled, 1);
    appendFileSync(at('a.log'), 'late\n');
    files.use([named('shop', [at('a.log'), at('b.log')])]);
    assert.deepEqual([texts(), files.status.length], [[], 1]);
  });
});

describe('what happens to a log is told once', () => {
  test('a file that appears later', async () => {
    await follow(named('shop', [at('a.log')]));
    await looks.next();
    assert.deepEqual(told(), [], 'one that does not exist yet is nothing to tell');
    writeFileSync(at('a.log'), 'first\n');
    for (let look = 0; look < 3; look += 1) await looks.next();
    assert.deepEqual([texts(), told()], [['first'], ['a.log following']]);
  });

  const unreadable: Readonly<Record<string, (path: string) => void>> = {
    'a folder': (path) => mkdirSync(path),
    'a FIFO': (path) => execFileSync('mkfifo', [path]),
  };
  for (const [what, make] of Object.entries(unreadable))
    test(`${what}, which hinders no other file`, async () => {
      make(at('a.log'));
      writeFileSync(at('b.log'), '');
      await follow(named('shop', [at('a.log'), at('b.log')]));
      appendFileSync(at('b.log'), 'of b\n');
      for (let look = 0; look < 3; look += 1) await looks.next();
      assert.deepEqual([texts(), told()], [['of b'], ['a.log unreadable']]);
      assert.match(events[0]?.reason ?? '', /a\.log of shop cannot be followed: it is /);
    });

  test('a rate that is too high, with the bytes that were left out', async () => {
    writeFileSync(at('a.log'), '');
    await follow(named('shop', [at('a.log')]));
    for (let look = 0; look < 2; look += 1) {
      appendFileSync(at('a.log'), `${'x'.repeat(99)}\n`.repeat(50_000));
      await looks.next();
      await looks.next();
    }
    assert.deepEqual(told(), ['a.log skipped']);
    assert.ok((files.status[0]?.skippedBytes ?? 0) > 8e6, 'both times are counted');
  });

  test('rotation is nothing to tell, by whichever way', async () => {
    writeFileSync(at('a.log'), '');
    await follow(named('shop', [at('a.log')]));
    renameSync(at('a.log'), at('a.log.1'));
    await looks.next();
    writeFileSync(at('a.log'), 'after rename\n');
    await looks.next();
    truncateSync(at('a.log'));
    await looks.next();
    appendFileSync(at('a.log'), 'after truncation\n');
    await looks.next();
    assert.deepEqual([texts(), told()], [['after rename', 'after truncation'], []]);
  });
});
