// Starts processes: the output is the standard input of a program, and its end is what is tested.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { syslogFacilities, type SyslogSpec } from '../core/syslog-spec.ts';
import { logLinesIn } from '../record/log-lines.ts';
import { systemClock } from '../system/system.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { LoggerOutput } from './logger-output.ts';
import { Syslog } from './syslog.ts';

const root = mkdtempSync(join(tmpdir(), 'candor-logger-'));
const path = process.env['PATH'] ?? '';
const output = join(root, 'output');
const socket = join(root, 'log');

beforeEach(() => writeFileSync(socket, ''));
afterEach(() => {
  process.env['PATH'] = path;
  rmSync(output, { force: true });
});
after(() => rmSync(root, { recursive: true }));

const spec: SyslogSpec = {
  ...{ kind: 'logger', name: 'logger', host: socket, port: 0, facility: syslogFacilities.indexOf('local1') },
  ...{ tag: 'edge', authorities: [] },
};

/** Puts a program in the place of `logger`. `help`: what it says of its options. */
function install(body: string, help = '--size --socket-errors'): void {
  const script = `#!/bin/sh\nif [ "$1" = --help ]; then echo "${help}" >&2; exit 1; fi\n${body}\n`;
  writeFileSync(join(root, 'logger'), script);
  chmodSync(join(root, 'logger'), 0o755);
  process.env['PATH'] = `${root}:${path}`;
}

const isUtilLinux =
  existsSync('/usr/bin/logger') && /util-linux/.test(spawnSync('/usr/bin/logger', ['--version']).stdout.toString());
const busyBox = ['/bin/busybox', '/usr/bin/busybox'].find((one) => existsSync(one)) ?? null;

const written = (): string => (existsSync(output) ? readFileSync(output, 'utf8') : '');

async function writeWhole(to: LoggerOutput, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; ) {
    const wrote = await to.write(bytes, from);
    assert.ok(wrote.ok, JSON.stringify(wrote));
    from += wrote.value;
  }
}

const until = async (met: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await met())) await new Promise((resolve) => setTimeout(resolve, 2));
};

/** Appends its arguments and what it reads. */
const recording = `echo "$*" >>${output}; exec cat >>${output}`;

describe('lines for the syslogd of this machine', () => {
  test('go to a program for each severity, which has written the rest when the log is closed', async () => {
    install(recording);
    const to = new LoggerOutput(spec, systemClock);
    const many = `<6>${'x'.repeat(500)}\n`.repeat(4000);
    await writeWhole(to, `<6>/a\n<6>/b\n<4>/c\n<6>/d\n${many}`);
    await to.close();
    const lines = written().split('\n');
    const size = '--size 8448 --socket-errors=on';
    for (const line of [`-t edge -p local1.info ${size}`, `-t edge -p local1.warning ${size}`, '/a', '/b', '/c', '/d'])
      assert.equal(lines.filter((one) => one === line).length, 1, line);
    assert.equal(lines.filter((one) => one === 'x'.repeat(500)).length, 4000);
  });

  const long = `<6>${'y'.repeat(9000)}\n`;
  const cuts = [
    ['is longer than util-linux takes is cut at 8 KiB', '--size', 8192],
    ['is longer than BusyBox takes is cut, and is one message', 'BusyBox', 1000],
  ] as const;
  for (const [what, help, length] of cuts)
    test(`one that ${what}`, async () => {
      install(recording, help);
      const to = new LoggerOutput(spec, systemClock);
      await writeWhole(to, long);
      await to.close();
      assert.deepEqual(
        written()
          .match(/y+/g)
          ?.map((all) => all.length),
        [length],
      );
    });

  const lines = `<6>{"path":"/a %s $HOME"}\n${long}<4>{"path":"/b"}\n`;

  test('are messages of the one of util-linux', { skip: isUtilLinux ? false : 'it is not here' }, async (context) => {
    const messages: string[] = [];
    const receiver = createSocket('udp4', (bytes) => void messages.push(bytes.toString()));
    receiver.bind(0, '127.0.0.1');
    await once(receiver, 'listening');
    context.after(() => receiver.close());
    // Node cannot receive on a socket of the kind of /dev/log.
    install(`exec /usr/bin/logger --rfc3164 -d -n 127.0.0.1 -P ${receiver.address().port} "$@"`);
    const to = new LoggerOutput(spec, systemClock);
    await writeWhole(to, lines);
    await to.close();
    await until(() => messages.length === 3);
    const [a = '', y = '', b = ''] = ['/a', 'yyy', '/b'].map((part) => messages.find((one) => one.includes(part)));
    assert.match(a, /^<142>.* edge: \{"path":"\/a %s \$HOME"\}$/);
    assert.match(y, /^<142>.* edge: y{8192}$/);
    assert.match(b, /^<140>.* edge: \{"path":"\/b"\}$/);
  });

  test('are messages of the one of BusyBox', { skip: busyBox === null && 'it is not here' }, async () => {
    install(`exec ${busyBox} logger -s "$@" 2>>${output}`, 'BusyBox');
    const to = new LoggerOutput(spec, systemClock);
    await writeWhole(to, lines);
    await to.close();
    const expected = ['edge: {"path":"/a %s $HOME"}', 'edge: {"path":"/b"}', `edge: ${'y'.repeat(1000)}`];
    assert.deepEqual(written().trim().split('\n').toSorted(), expected.toSorted());
  });

  test('wait while the program or its socket is missing, and no program is started', async () => {
    install(`echo started >>${output}`);
    rmSync(socket);
    const to = new LoggerOutput(spec, systemClock);
    assert.deepEqual(await to.write(Buffer.from('<6>/a\n'), 0), { ok: false, failure: 'ENOENT' });
    assert.equal(written(), '');
    writeFileSync(socket, '');
    process.env['PATH'] = '/nowhere';
    assert.deepEqual(await to.write(Buffer.from('<6>/a\n'), 0), { ok: false, failure: 'ENOENT' });
    assert.equal(written(), '');
  });

  test('wait longer and longer for a program that ends, until it runs for half a minute', {
    timeout: 9000,
  }, async () => {
    install(`read line; echo "$line by $$" >>${output}; [ "$line" = stay ] && exec cat >>${output}`);
    const clock = new SimulatedClock();
    const to = new LoggerOutput(spec, clock);
    const write = (text: string) => to.write(Buffer.from(`<6>${text}\n`), 0);
    const fails = async (): Promise<boolean> => !(await write('lost')).ok;
    for (const pauseMs of [500, 1500, 3500, 7500]) {
      assert.ok((await write(`before ${pauseMs}`)).ok);
      const ended = new RegExp(`^before ${pauseMs} by (\\d+)$`, 'm');
      await until(() => !isRunning(Number(ended.exec(written())?.[1] ?? process.pid)));
      await clock.advance(pauseMs - 1);
      assert.deepEqual(await write('early'), { ok: false, failure: 'ECONNRESET' });
      await clock.advance(1);
    }
    await write('stay');
    await clock.advance(31_000);
    await write('kept');
    await until(() => written().includes('kept'));
    assert.doesNotMatch(written(), /early/);
    await to.close();
    install('exit 1');
    await until(fails);
    await clock.advance(500);
    install(recording);
    assert.ok((await write('again')).ok);
    await to.close();
    assert.match(written(), /^again$/m);
  });

  test('that a program does not read are dropped beyond 4 MiB, and all are counted', { timeout: 9000 }, async () => {
    install(`echo $$ >>${output}; exec sleep 60`);
    const clock = new SimulatedClock();
    const lost = { lines: 0 };
    const syslog = await Syslog.open(spec, {
      ...{ clock, lines: logLinesIn('json'), hostname: 'box', processId: 7 },
      events: { emit: () => {} },
      onLost: (lines) => (lost.lines += lines),
    });
    const megabyte = Buffer.from(`${'z'.repeat(1020)}\n`.repeat(1024));
    for (let count = 0; count < 6; count++) syslog.append(megabyte);
    assert.equal(lost.lines, 2 * 1024);
    await until(() => written() !== '');
    const closing = syslog.close();
    await until(async () => {
      await clock.advance(1000);
      return lost.lines === 6 * 1024;
    });
    await closing;
    await until(async () => {
      await clock.advance(1000);
      return !isRunning(Number(written()));
    });
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
