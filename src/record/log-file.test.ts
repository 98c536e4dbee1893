import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { EventSink, NewEvent } from '../core/event.ts';
import type { Result } from '#failures/result.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { type LogFile, type LogFileOptions, openLogFile } from './log-file.ts';
import type { LogOutput } from './log-output.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

interface Told {
  readonly count: number;
  readonly errno: string | null;
  readonly to: string | null;
  readonly reason: string;
}

/** Hears `log_dropped`, the only event of a log. */
class Ear implements EventSink {
  readonly told: Told[] = [];
  readonly emit: EventSink['emit'] = (event) => {
    const { evidence, to, reason } = event as NewEvent<'log_dropped'>;
    this.told.push({ count: evidence.count, errno: evidence.errno, to: to ?? null, reason });
  };
}

type Answer = number | 'all' | 'ENOSPC' | 'EIO' | 'EAGAIN' | 'EPIPE' | 'never';

/** An output that gives the scripted answers in turn, then accepts every write. */
class ScriptedOutput implements LogOutput {
  text = '';
  writes = 0;
  closes = 0;
  readonly #answers: Answer[];

  constructor(...answers: Answer[]) {
    this.#answers = answers;
  }

  async write(source: Uint8Array, from: number): Promise<Result<number, string>> {
    this.writes += 1;
    const answer = this.#answers.shift() ?? 'all';
    if (answer === 'never') return new Promise(() => undefined);
    if (typeof answer === 'string' && answer !== 'all') return { ok: false, failure: answer };
    const count = answer === 'all' ? source.length - from : Math.min(answer, source.length - from);
    this.text += Buffer.from(source).toString('latin1', from, from + count);
    return { ok: true, value: count };
  }

  async close(): Promise<void> {
    this.closes += 1;
  }
}

/** A log over outputs that are opened one after the other. `lost`: how many lines it has counted as dropped. */
async function scripted(outputs: readonly (ScriptedOutput | 'EACCES')[], limits: Partial<LogFileOptions> = {}) {
  const clock = new SimulatedClock();
  const ear = new Ear();
  const coming = [...outputs];
  const open: LogFileOptions['open'] = async () => {
    const next = coming.shift() ?? 'EACCES';
    return typeof next === 'string' ? { ok: false, failure: { errno: next, reason: 'no' } } : { ok: true, value: next };
  };
  let lines = 0;
  const onLost = (more: number): void => {
    lines += more;
  };
  const opened = await openLogFile('log', { clock, events: ear, open, onLost, ...limits });
  assert.ok(opened.ok);
  return { clock, ear, log: opened.value, lost: () => lines };
}

describe('a log', () => {
  test('writes everything in order, one write at a time, partial ones continued', async () => {
    const output = new ScriptedOutput(1, 2, 'all', 1);
    const { clock, log, ear, lost } = await scripted([output]);
    for (const text of ['first\n', 'second\n', 'third\n']) log.append(bytes(text));
    assert.equal(output.writes, 0, 'append itself does nothing but queue');
    await clock.advance(0);
    assert.equal(output.text, 'first\nsecond\nthird\n');
    assert.deepEqual([lost(), ear.told], [0, []]);
    log.append(bytes('fourth\n'));
    await log.close();
    assert.deepEqual([output.text.endsWith('fourth\n'), output.closes], [true, 1]);
  });

  const ends: readonly { how: string; answers: Answer[]; doneOf: readonly string[] }[] = [
    { how: 'written in pieces', answers: [1, 2, 'all'], doneOf: ['first', 'second', 'none'] },
    { how: 'written after a full disk', answers: ['ENOSPC', 'all'], doneOf: ['first', 'second', 'none'] },
    { how: 'dropped with a pipe that has no reader', answers: ['EPIPE'], doneOf: ['first', 'second', 'none'] },
    { how: 'dropped at the end beside a write that hangs', answers: ['never'], doneOf: ['second', 'none'] },
  ];
  for (const { how, answers, doneOf } of ends) {
    test(`calls done once, and never while the bytes are being written: ${how}`, async () => {
      const { clock, log } = await scripted([new ScriptedOutput(...answers)]);
      const done: string[] = [];
      log.append(bytes('first\n'), () => done.push('first'));
      log.append(bytes('second\n'), () => done.push('second'));
      log.append(bytes(''), () => done.push('none'));
      assert.deepEqual(done, ['none'], 'nothing has been written yet');
      await clock.advance(2000);
      const closing = log.close();
      await clock.advance(5000);
      await closing;
      assert.deepEqual(done.toSorted(), [...doneOf].toSorted());
      log.append(bytes('late\n'), () => done.push('late'));
      assert.equal(done.at(-1), 'late', 'done is called for dropped bytes too');
    });
  }

  test('reports lines that had to be dropped because it is written too slowly, once per 10 s', async () => {
    const { clock, log, ear, lost } = await scripted([new ScriptedOutput('never')]);
    log.append(bytes('five5\n'));
    for (let n = 0; n < 3; n++) log.lost(1);
    assert.equal(lost(), 0, 'the caller counts them');
    assert.deepEqual(
      ear.told.map((told) => [told.count, told.errno, told.to]),
      [[1, null, 'failing']],
    );
    await clock.advance(9999);
    assert.equal(ear.told.length, 1);
    await clock.advance(1);
    assert.deepEqual(
      ear.told.map((told) => told.count),
      [1, 2],
    );
    await clock.advance(60_000);
    assert.equal(ear.told.length, 2, 'no report without new losses');
  });

  test('retries after a full disk, and loses no line', async () => {
    const output = new ScriptedOutput(3, 'ENOSPC', 'ENOSPC', 'all');
    const { clock, log, ear, lost } = await scripted([output]);
    for (const text of ['first\n', 'second\n', 'third\n']) log.append(bytes(text));
    await clock.advance(0);
    log.append(bytes('fourth\n'));
    log.lost(1);
    assert.equal(output.text, 'fir');
    await clock.advance(2000);
    assert.equal(output.text, 'first\nsecond\nthird\nfourth\n');
    assert.equal(lost(), 0);
    await clock.advance(10_000);
    // Reported at once; then, after 10 s, that the log is written again.
    assert.deepEqual(
      ear.told.map((told) => [told.to, told.count]),
      [
        ['failing', 0],
        ['writing', 1],
      ],
    );
    assert.match(ear.told[1]?.reason ?? '', /again/);
    assert.equal(clock.timersLive, 0);
  });

  test('reports that it cannot write before any line is lost', async () => {
    const { clock, log, ear } = await scripted([new ScriptedOutput('ENOSPC')]);
    log.append(bytes('a\n'));
    await clock.advance(0);
    assert.deepEqual(
      ear.told.map((told) => [told.to, told.count, told.errno]),
      [['failing', 0, 'ENOSPC']],
    );
  });

  test('reopens its path if the file cannot be written any more, and writes the interrupted line again', async () => {
    const old = new ScriptedOutput(8, 'EIO');
    const fresh = new ScriptedOutput();
    const { clock, log } = await scripted([old, fresh]);
    log.append(bytes('first\nsecond\n'));
    await clock.advance(1000);
    assert.deepEqual([old.text, old.closes, fresh.text], ['first\nse', 1, '\nsecond\n']);
  });

  test('keeps the old file while its path cannot be opened', async () => {
    const old = new ScriptedOutput('EIO', 'EIO');
    const { clock, log, lost } = await scripted([old, 'EACCES', 'EACCES']);
    log.append(bytes('a\n'));
    await clock.advance(2000);
    assert.deepEqual([old.text, old.closes, lost()], ['a\n', 0, 0]);
  });

  test('a full pipe is retried soon, without a report', async () => {
    const output = new ScriptedOutput('EAGAIN');
    const { clock, log, ear } = await scripted([output]);
    log.append(bytes('a\n'));
    await clock.advance(10);
    assert.deepEqual([output.text, ear.told], ['a\n', []]);
  });

  test('a pipe without a reader is given up, its lines are counted, and it is reported once', async () => {
    const output = new ScriptedOutput('EPIPE');
    const { clock, log, ear, lost } = await scripted([output]);
    for (let n = 0; n < 3; n++) log.append(bytes('a\n'));
    await clock.advance(0);
    log.append(bytes('a\n'));
    await clock.advance(60_000);
    assert.deepEqual([lost(), output.writes], [4, 1]);
    assert.deepEqual(
      ear.told.map((told) => [told.count, told.errno]),
      [
        [1, 'EPIPE'],
        [3, 'EPIPE'],
      ],
    );
  });

  test('is reopened between two writes; the old file gets its line whole', async () => {
    const old = new ScriptedOutput(3);
    const fresh = new ScriptedOutput();
    const { clock, log } = await scripted([old, fresh]);
    log.append(bytes('first\n'));
    await clock.advance(0);
    assert.deepEqual(await log.reopen(), { ok: true, value: null });
    log.append(bytes('second\n'));
    await clock.advance(0);
    assert.deepEqual([old.text, old.closes, fresh.text], ['first\n', 1, 'second\n']);
    assert.deepEqual(await log.reopen(), { ok: false, failure: { errno: 'EACCES', reason: 'no' } });
    log.append(bytes('third\n'));
    await clock.advance(0);
    assert.equal(fresh.text, 'second\nthird\n');
  });

  test('a listener that gets the report of a loss may write to the same log', async () => {
    const output = new ScriptedOutput('ENOSPC');
    let log: LogFile | null = null;
    const events: EventSink = { emit: () => log?.append(bytes('told\n')) };
    const scene = await scripted([output], { events });
    log = scene.log;
    log.append(bytes('a\n'));
    await scene.clock.advance(30_000);
    assert.equal(output.text, 'a\ntold\ntold\n');
  });

  test('closing waits for a write in progress, but not forever', async () => {
    const { clock, log, ear, lost } = await scripted([new ScriptedOutput('never')]);
    log.append(bytes('a\n'));
    await clock.advance(0);
    let isClosed = false;
    const closing = log.close().then(() => {
      isClosed = true;
    });
    await clock.advance(1999);
    assert.equal(isClosed, false);
    await clock.advance(1);
    await closing;
    assert.deepEqual([lost(), ear.told.length, clock.timersLive], [1, 1, 0]);
    assert.match(ear.told[0]?.reason ?? '', /was closed before everything was written/);
    log.append(bytes('late\n'));
    assert.equal(lost(), 2);
    await log.close();
  });

  test('counts only missing lines, not the lines of a batch that were written completely', async () => {
    const { clock, log, lost } = await scripted([new ScriptedOutput(8, 'ENOSPC', 'ENOSPC')]);
    log.append(bytes('first\nsecond\nthird\n'));
    await clock.advance(0);
    await log.close();
    assert.equal(lost(), 2);
  });

  test('counts only missing lines if another file has replaced the log in the middle of a batch', async () => {
    const [old, fresh] = [new ScriptedOutput(8, 'EIO'), new ScriptedOutput('all', 'ENOSPC', 'ENOSPC')];
    const { clock, log, lost } = await scripted([old, fresh]);
    log.append(bytes('first\nsecond\nthird\n'));
    await clock.advance(1000);
    await log.close();
    assert.deepEqual([old.text, fresh.text, lost()], ['first\nse', '\n', 2]);
  });

  test('closing retries a failing output once, then counts the rest', async () => {
    const output = new ScriptedOutput('ENOSPC', 'ENOSPC');
    const { clock, log, lost, ear } = await scripted([output]);
    log.append(bytes('a\nb\n'));
    await clock.advance(0);
    await log.close();
    assert.deepEqual([output.writes, output.closes, lost(), clock.timersLive], [2, 1, 2, 0]);
    assert.equal(ear.told.at(-1)?.errno, 'ENOSPC');
  });

  test('closing waits for the reader of a full pipe', async () => {
    const output = new ScriptedOutput('EAGAIN', 'EAGAIN', 'EAGAIN', 'EAGAIN');
    const { clock, log, lost } = await scripted([output]);
    log.append(bytes('a\nb\n'));
    await clock.advance(0);
    const closing = log.close();
    await clock.advance(1000);
    await closing;
    assert.deepEqual([output.text, output.closes, lost(), clock.timersLive], ['a\nb\n', 1, 0, 0]);
  });

  test('closing does not wait forever for the reader of a full pipe, and counts the lines that it has not read', async () => {
    const output = new ScriptedOutput(...Array.from({ length: 1000 }, (): Answer => 'EAGAIN'));
    const { clock, log, lost, ear } = await scripted([output]);
    const done: string[] = [];
    log.append(bytes('a\nb\n'), () => done.push('ab'));
    const closing = log.close();
    await clock.advance(1999);
    assert.deepEqual([output.closes, lost()], [0, 0]);
    await clock.advance(1);
    await closing;
    await clock.advance(10);
    assert.deepEqual([output.closes, lost(), clock.timersLive], [1, 2, 0]);
    assert.match(ear.told.at(-1)?.reason ?? '', /a pipe that its reader does not read fast enough; 2 lines were lost/);
  });

  test('a header that is repeated while a line is written in part stands behind that line', async () => {
    const output = new ScriptedOutput('all', 3, 'ENOSPC');
    const { clock, log } = await scripted([output], { header: () => bytes('header\n') });
    log.append(bytes('first\n'));
    await clock.advance(0);
    log.repeatHeader();
    log.append(bytes('second\n'));
    await clock.advance(1000);
    assert.equal(output.text, 'header\nfirst\nheader\nsecond\n');
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    assert.ok(tries < 10_000, 'it does not come about');
    await new Promise(setImmediate);
  }
}

describe('a log in a file', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'candor-log-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function openIn(path: string) {
    return openLogFile(path, { clock: new SimulatedClock(), events: new Ear() });
  }

  test('appends to an existing file, and creates a file that not every user may read', async () => {
    const path = join(folder, 'a.ndjson');
    const opened = await openIn(path);
    assert.ok(opened.ok);
    assert.equal((await stat(path)).mode & 0o027, 0);
    opened.value.append(bytes('first\n'));
    await opened.value.close();
    const again = await openIn(path);
    assert.ok(again.ok);
    again.value.append(bytes('second\n'));
    await again.value.close();
    assert.equal(await readFile(path, 'utf8'), 'first\nsecond\n');
  });

  test('begins a new line if the last line of the file is incomplete', async () => {
    const cut = '{"v":1,"kind":"exchange","id":"cut';
    const path = join(folder, 'cut.ndjson');
    await writeFile(path, cut);
    const opened = await openIn(path);
    assert.ok(opened.ok);
    opened.value.append(bytes('first\n'));
    opened.value.append(bytes('second\n'));
    await opened.value.close();
    assert.equal(await readFile(path, 'utf8'), `${cut}\nfirst\nsecond\n`);
  });

  test('begins a new line in a replacement file whose last line is incomplete', async () => {
    const path = join(folder, 'cut-next.ndjson');
    const opened = await openIn(path);
    assert.ok(opened.ok);
    opened.value.append(bytes('first\n'));
    await until(async () => (await readFile(path, 'utf8')) === 'first\n');
    await rename(path, `${path}.1`);
    await writeFile(path, 'cut');
    await opened.value.reopen();
    opened.value.append(bytes('second\n'));
    await opened.value.close();
    assert.deepEqual([await readFile(`${path}.1`, 'utf8'), await readFile(path, 'utf8')], ['first\n', 'cut\nsecond\n']);
  });

  test('goes on under its name after a rotation', async () => {
    const path = join(folder, 'b.ndjson');
    const opened = await openIn(path);
    assert.ok(opened.ok);
    opened.value.append(bytes('first\n'));
    await rename(path, `${path}.1`);
    await opened.value.reopen();
    opened.value.append(bytes('second\n'));
    await opened.value.close();
    const whole = (await readFile(`${path}.1`, 'utf8')) + (await readFile(path, 'utf8'));
    assert.equal(whole, 'first\nsecond\n');
  });

  test('says why a path cannot be opened', async () => {
    await mkdir(join(folder, 'directory'));
    await writeFile(join(folder, 'file'), '');
    await mkdir(join(folder, 'locked'));
    await chmod(join(folder, 'locked'), 0o500);
    const cases: readonly (readonly [path: string, errno: string, says: RegExp])[] = [
      ['missing/log', 'ENOENT', /directory .*missing does not exist/],
      ['directory', 'EISDIR', /is a directory/],
      ['file/log', 'ENOTDIR', /is a file/],
      // Root may write anywhere.
      ...(process.getuid?.() === 0 ? [] : ([['locked/log', 'EACCES', /may not write/]] as const)),
    ];
    for (const [name, errno, says] of cases) {
      const opened = await openIn(join(folder, name));
      assert.ok(!opened.ok);
      assert.equal(opened.failure.errno, errno);
      assert.match(opened.failure.reason, says);
    }
  });

  test('a real full disk is survived', { skip: process.platform === 'linux' ? false : 'needs /dev/full' }, async () => {
    const ear = new Ear();
    const opened = await openLogFile('/dev/full', { clock: new SimulatedClock(), events: ear });
    assert.ok(opened.ok);
    opened.value.append(bytes('a\n'));
    await opened.value.close();
    assert.deepEqual([ear.told.at(-1)?.errno, ear.told.at(-1)?.count], ['ENOSPC', 1]);
  });

  test('standard output without a reader is survived', async () => {
    const program = fileURLToPath(new URL('./fixtures/log-to-closed-pipe.ts', import.meta.url));
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdout.once('data', () => {
      child.stdout.destroy();
      child.stdin.end();
    });
    let complaint = '';
    child.stderr.setEncoding('latin1').on('data', (text: string) => {
      complaint += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    assert.deepEqual([code, complaint], [0, 'EPIPE 1\n']);
  });
});

test('concurrent reopenings close every output, and leave none to the garbage collector', async () => {
  const outputs: ScriptedOutput[] = [];
  const open: LogFileOptions['open'] = async () => {
    const output = new ScriptedOutput();
    outputs.push(output);
    return { ok: true, value: output };
  };
  const opened = await openLogFile('log', { clock: new SimulatedClock(), events: new Ear(), open });
  assert.ok(opened.ok);
  const log = opened.value;
  await Promise.all([log.reopen(), log.reopen(), log.reopen(), log.reopen()]);
  await log.close();
  assert.deepEqual(
    outputs.map(({ closes }) => closes),
    [1, 1, 1, 1, 1],
  );
});
