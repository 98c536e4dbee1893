import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Result } from '#failures/result.ts';
import { systemClock } from '../system/system.ts';
import { prepareChallenge } from './challenges.ts';
import { DnsHook } from './dns-hook.ts';

const challenge = prepareChallenge('dns-01', 'example.org', 'token', 'token.thumbprint', 0);

const neverAsked = { wait: () => assert.fail('it is not looked for') };

function present(command: readonly string[], timeoutMs = 20_000): Promise<Result<string | null, string>> {
  return new DnsHook({ command, timeoutMs, propagationMs: 0 }, systemClock, neverAsked).present(challenge);
}

const shell = (script: string) => ['/bin/sh', '-c', script, 'hook'];

test('a hook gets what to do and the record, and what it prints is in its failure', async () => {
  const shown = await present(shell('echo "$1 $CANDOR_ACME_DOMAIN $CANDOR_ACME_NAME $CANDOR_ACME_VALUE"; exit 3'));
  assert.ok(!shown.ok && challenge.kind === 'dns-01');
  assert.match(shown.failure, /ended with exit code 3: present example\.org _acme-challenge\.example\.org [\w-]{43}$/);
  assert.ok(shown.failure.endsWith(challenge.value));
});

test('a hook that ends well has shown the record', async () => {
  assert.deepEqual(await present(shell('echo done')), { ok: true, value: null });
});

test('a hook that does not end is ended, with what it has started, and its failure has no secret', async () => {
  const command = [...shell('echo waiting token=c4naryprinted; sleep 600 & wait'), '--token', 'c4naryargument'];
  const shown = await present(command, 300);
  assert.ok(!shown.ok);
  assert.match(shown.failure, /--token … present` did not end within 0\.3 s: waiting token=…$/);
  assert.doesNotMatch(shown.failure, /c4nary/);
});

test('a hook that is not there is a failure that names it', async () => {
  const shown = await present(['/nowhere/hook']);
  assert.ok(!shown.ok);
  assert.equal(shown.failure, '`/nowhere/hook present` could not be started (ENOENT)');
});
