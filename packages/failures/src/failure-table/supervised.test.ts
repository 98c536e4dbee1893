import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shapeOfType, specOf, whoseOf } from '../failure-texts.ts';
import { failureTable } from '../failure-table.ts';
import { type Cause, type Failure, fail } from '../failure.ts';
import { stepFromOutput } from '../output-step.ts';

/** What Candor knows of a process that it runs: its port, its exit, its output. */
const askedInVain =
  /openssl s_client|ss -ltnp|ss -lxp|journalctl|dmesg|whether it restarted|application's (?:own )?log|log of the application|machine whose processes|owns that port|binds 127/;

const address = '127.0.0.1:4000';
const evidence = {
  address,
  idleMs: 9,
  limitMs: 100,
  errno: 'ECONNRESET',
  bytesReceived: 4,
  guess: 'text',
  firstBytes: '',
};
const variants: readonly object[] = [
  { reused: false },
  { reused: true },
  { reused: false, stream: 'INTERNAL_ERROR' },
  { reused: false, ping: 'answered' },
  { reused: false, silent: 'application' },
];

// Certificates, names and routes are set in the configuration, also for an application that Candor runs.
const ofItsProcess = (Object.keys(failureTable) as Cause[]).filter(
  (cause) =>
    !/^(?:dns|tls)_|socket_missing|not_permitted|unroutable/.test(cause) &&
    ['unreachable', 'too_slow', 'reset', 'garbage'].includes(shapeOfType(failureTable[cause].type)),
);

describe('the advice for an application that Candor runs', () => {
  for (const cause of ofItsProcess)
    it(`asks for nothing that Candor knows, after ${cause}`, () => {
      for (const variant of variants) {
        const failure = { cause, stage: 'response', evidence: { ...evidence, ...variant } } as unknown as Failure;
        const { nextStep, usualCauses } = specOf(failure, 'shop');
        assert.doesNotMatch([nextStep, ...usualCauses].join('\n'), askedInVain);
      }
    });

  const closed = fail('closed_before_response', 'response', { address, reused: false, idleMs: 0 });

  it('leads to what the application printed', () => {
    assert.match(specOf(closed, 'shop').nextStep, /^Read what shop printed while it had the request: `candor explain/);
  });

  it('marks each step that begins with reading the output, with what follows, and no other', () => {
    const marked = new Set<Cause>();
    for (const cause of ofItsProcess)
      for (const variant of variants) {
        const failure = { cause, stage: 'response', evidence: { ...evidence, ...variant } } as unknown as Failure;
        const { nextStep, readsOutput } = specOf(failure, 'shop');
        if (readsOutput !== undefined) marked.add(cause);
        assert.equal(nextStep.startsWith('Read what shop printed'), readsOutput !== undefined, cause);
        if (readsOutput === undefined) continue;
        assert.equal(nextStep, stepFromOutput('shop', { of: 'request', id: 'REQUEST-ID' }, readsOutput));
      }
    assert.ok(marked.size >= 8, [...marked].join());
  });

  for (const name of [null, '', 'a`b', '-x'])
    it(`is the one for a foreign application where the name is ${JSON.stringify(name)}`, () => {
      assert.equal(specOf(closed, name).nextStep, specOf(closed).nextStep);
      assert.match(specOf(closed, name).nextStep, /openssl s_client/);
    });

  it('blames the application, and not the network, for a connection that its listener did not accept', () => {
    const reset = fail('connect_reset', 'connect', { address, errno: 'ECONNRESET' });
    assert.deepEqual([whoseOf(reset), whoseOf(reset, 'shop')], ['network', 'application']);
  });

  it('blames the application, and not the configuration, for bytes on a port that passed its readiness check', () => {
    const garbage = fail('response_not_http', 'response', { address, guess: 'text', firstBytes: '6f6f7073' });
    assert.equal(whoseOf(garbage), 'operator');
    assert.equal(whoseOf(garbage, 'shop'), 'application');
  });
});
