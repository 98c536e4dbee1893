import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { startSuccessor } from './start-successor.ts';

const bitOf = { SIGHUP: 1n << 0n, SIGUSR1: 1n << 9n, SIGUSR2: 1n << 11n };

let folder: string;
const { execPath, execArgv } = process;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-successor-'));
});

afterEach(() => {
  Object.assign(process, { execPath, execArgv });
  delete process.env['dotted.name'];
  rmSync(folder, { recursive: true, force: true });
});

/** Prints what a process started in place of Node sees: its status in /proc, its arguments and its environment. */
async function seenByNode(): Promise<{ status: string; words: string; environment: string }> {
  const file = (name: string): string => join(folder, name);
  // A shell leaves the signals as they are; Node changes them.
  const copies = ['status', 'cmdline', 'environ'].map((name) => `cat /proc/$$/${name} > ${file(name)}\n`);
  writeFileSync(file('asked'), `#!/bin/sh\n${copies.join('')}`);
  chmodSync(file('asked'), 0o755);
  process.execPath = file('asked');
  const facts = { pid: process.pid } as unknown as Parameters<typeof startSuccessor>[0];
  const child = startSuccessor(facts, [], []);
  await once(child, 'exit');
  const [status, words, environment] = ['status', 'cmdline', 'environ'].map((name) => readFileSync(file(name), 'utf8'));
  return { status: status ?? '', words: words ?? '', environment: environment ?? '' };
}

function isIgnored(status: string, signal: keyof typeof bitOf): boolean {
  const mask = BigInt(`0x${/^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return (mask & bitOf[signal]) !== 0n;
}

describe('a successor', { skip: existsSync('/proc/self/status') ? false : 'there is no /proc' }, () => {
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)
    test(`starts with ${signal} ignored, which would end it while Node is loaded`, async () => {
      assert.ok(isIgnored((await seenByNode()).status, signal));
    });

  test('gets the option that closes the inspector once, also from a successor', async () => {
    const option = '--inspect-port=192.0.2.1:9229';
    process.execArgv = [option, option, '--no-warnings'];
    const words = (await seenByNode()).words.split('\0');
    assert.equal(words.filter((word) => word === option).length, 1);
    assert.ok(words.includes('--no-warnings'));
  });

  test('gets the arguments and the environment of this process, including names that a shell would drop', async () => {
    const plain = await seenByNode();
    assert.ok(plain.words.includes('\0--inspect-port=192.0.2.1:9229\0'), plain.words);
    process.env['dotted.name'] = 'kept';
    const dotted = await seenByNode();
    assert.equal(dotted.words, plain.words);
    assert.ok(dotted.environment.includes('dotted.name=kept\0'), dotted.environment);
    assert.ok(!isIgnored(dotted.status, 'SIGHUP'), 'no shell was there');
  });
});
