// Starts processes: Node tells of a start without descriptors otherwise than a stand-in for it would.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { CommandChannel } from '../../src/alerts/create-channel.ts';
import { DnsHook } from '../../src/certificates/dns-hook.ts';
import { OrphanWatchdog } from '../../src/deploy/orphan-watchdog.ts';
import { checkProgram } from '../../src/deploy/program-check.ts';
import { runJob } from '../../src/deploy/release-job.ts';
import { systemClock } from '../../src/testing/system.ts';
import { alertSample } from '../../src/alerts/alert-samples.test-support.ts';

const skip = process.platform === 'linux' ? false : 'prlimit changes limits of a running process';
const command = [process.execPath, '-e', '0'];
const [directory, environment, limitMs, timeoutMs] = [tmpdir(), {}, 10_000, 10_000];
const never = new AbortController().signal;
const challenge = { kind: 'dns-01', domain: 'example.org', recordName: '_acme.example.org', value: 'v' } as const;

const starts: Readonly<Record<string, () => Promise<string>>> = {
  'a job, a build or a migration': async () =>
    (await runJob({ command, directory, environment, limitMs }, systemClock, () => {}, never)).failure ?? '',
  'the command of `ready`': async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const ready = { kind: 'command', command } as const;
    const watchdog = new OrphanWatchdog(systemClock);
    const asked = { ready, directory, environment, timeoutMs, writtenWithinMs: null };
    checkProgram(asked, systemClock, watchdog, (result) => resolve('text' in result ? result.text : ''));
    return promise.finally(() => watchdog.close());
  },
  'the hook of a certificate': async () => {
    const hook = new DnsHook({ command, timeoutMs, propagationMs: 0 }, systemClock, { wait: async () => '' });
    const shown = await hook.present(challenge);
    return shown.ok ? '' : shown.failure;
  },
  'the program of an alert': async () =>
    (await new CommandChannel(command).send({ alert: alertSample, link: null }, never)).reason ?? '',
};

describe('without a descriptor for its pipes', { skip }, () => {
  for (const [what, start] of Object.entries(starts))
    test(`${what} is told as not started, and nothing else ends`, async () => {
      assert.match(await withoutDescriptors(start), /could not be started|EMFILE|no descriptor/);
    });
});

async function withoutDescriptors<T>(run: () => Promise<T>): Promise<T> {
  const usual = /Max open files +(\d+)/.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? '1024';
  const limit = (soft: string): unknown =>
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${soft}:`], { stdio: 'ignore' });
  // They are given back before a process must be started again.
  const held = Array.from({ length: 40 }, () => openSync('/dev/null', 'r'));
  limit(String(Math.max(...readdirSync('/proc/self/fd').map(Number)) + 1));
  // Lower numbers may be free.
  try {
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch {
    // None is left.
  }
  try {
    return await run();
  } finally {
    for (const descriptor of held) closeSync(descriptor);
    limit(usual);
  }
}
