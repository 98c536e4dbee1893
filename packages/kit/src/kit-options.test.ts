import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkNames,
  connectionTimeouts,
  documentPaths,
  drainSignals,
  drainTimes,
  listenAddress,
} from './kit-options.ts';

test('without Candor gateways have five seconds to find out that an instance leaves', () => {
  assert.deepEqual(drainTimes({}, {}), { noticeMs: 5000, idleMs: 1000, timeoutMs: 9000 });
});

test('Candor has stopped sending requests to an instance that it ends', () => {
  assert.equal(drainTimes({}, { CANDOR_START: 'x' }).noticeMs, 0);
  assert.equal(drainTimes({ noticeMs: 300 }, { CANDOR_START: 'x' }).noticeMs, 300);
});

const wrong: readonly (readonly [what: string, read: () => unknown, message: RegExp])[] = [
  ['a notice below 0', () => drainTimes({ noticeMs: -1 }), /^drain\.noticeMs is -1: write a number of milliseconds/],
  ['a time that is no number', () => drainTimes({ timeoutMs: Number('x') }), /^drain\.timeoutMs is NaN/],
  [
    'times that leave none for requests',
    () => drainTimes({ noticeMs: 9000, timeoutMs: 9000 }, {}),
    /^drain\.timeoutMs \(9000\) is less than noticeMs \(9000\) and idleMs \(1000\) together: .*stop_timeout of Candor/,
  ],
  ['a PORT that is no port', () => listenAddress({}, { PORT: 'http' }), /^the port is PORT=http: write a number/],
  ['a port beyond 65535', () => listenAddress({ port: 70_000 }, {}), /^the port is 70000/],
  ['a time that is a text', () => drainTimes({ noticeMs: '100' as never }), /^drain\.noticeMs is 100: write a number/],
  ['a path without a slash', () => documentPaths({ health: 'healthz' }), /^paths\.health is "healthz": write a path/],
  ['a signal that no program gets', () => drainSignals(['SIGKILL']), /^signals has "SIGKILL": write a list/],
  ['a misspelled signal', () => drainSignals(['SIGTREM' as never]), /^signals has "SIGTREM"/],
  ['a signal that is no list', () => drainSignals('SIGTERM' as never), /^signals has "S"/],
  ['an idle timeout below 0', () => connectionTimeouts(-5), /^gatewayIdleMs is -5/],
];

for (const [what, read, message] of wrong)
  test(`refuses ${what}`, () => assert.throws(read, { name: 'RangeError', message }));

for (const [options, message] of [
  [{ check: {} }, /^the kit has no option "check": it has port, host, name/],
  [{ drain: { notice: 5 } }, /^drain has no option "notice": it has noticeMs, idleMs, timeoutMs/],
] as const)
  test(`refuses the misspelled option ${JSON.stringify(options)}`, () => {
    assert.throws(() => checkNames(options as never), { name: 'TypeError', message });
  });

test('listens where the environment says, and elsewhere where the options say so', () => {
  const environment = { PORT: '4000', HOST: '127.0.0.1' };
  assert.deepEqual(listenAddress({}, environment), { port: 4000, host: '127.0.0.1' });
  assert.deepEqual(listenAddress({ port: 0, host: '::1' }, environment), { port: 0, host: '::1' });
  assert.deepEqual(listenAddress({}, { PORT: '' }), { port: 3000 });
});

test('keeps idle connections longer than every gateway does by default', () => {
  const gatewayIdleMs = { candor: 4000, haproxy: 5000, nginx: 60_000, alb: 60_000 };
  const { keepAliveTimeout, headersTimeout } = connectionTimeouts();
  for (const idleMs of Object.values(gatewayIdleMs)) assert.ok(keepAliveTimeout > idleMs);
  assert.ok(headersTimeout > keepAliveTimeout);
});
