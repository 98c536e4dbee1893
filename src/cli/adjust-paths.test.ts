import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { reviewMachine, reviewPaths } from './adjust-paths.ts';
import { type Machine, thisMachine } from './process-context.ts';

const listeners = [{ id: 'http', host: '127.0.0.1', port: 80, proxyProtocol: false, http2: false, tls: null }];

function configured(count: number | null, listening = listeners): Configuration {
  return { workers: { count, memoryBytesMax: 0 }, listeners: listening } as unknown as Configuration;
}

function machine(value: string | null, platform = 'linux', cores = 4): Machine {
  return { platform, cores, kernelSetting: (name) => (name === 'net.ipv4.tcp_migrate_req' ? value : null) };
}

describe('on a machine that resets connections when a worker ends, a warning', () => {
  for (const workers of [4, null]) {
    test(`is one line, with ${workers ?? 'as many workers as cores'}`, () => {
      const [warning, ...more] = reviewMachine(configured(workers), machine('0'));
      const line = `This machine: ${warning?.message}: ${warning?.suggestion}`;
      assert.match(line, /resets waiting connections.*tcp_migrate_req is 0: sysctl -w net\.ipv4\.tcp_migrate_req=1$/);
      assert.doesNotMatch(line, /\n/);
      assert.equal(warning?.value, '0');
      assert.deepEqual(more, []);
    });
  }
});

describe('there is no warning', () => {
  test('if the kernel moves waiting connections to other listeners', () => {
    assert.deepEqual(reviewMachine(configured(4), machine('1')), []);
  });

  test('with one worker, which shares its port with no other', () => {
    assert.deepEqual(reviewMachine(configured(1), machine('0')), []);
  });

  test('with one core, and so one worker', () => {
    assert.deepEqual(reviewMachine(configured(null), machine('0', 'linux', 1)), []);
  });

  test('if the system has no such setting', () => {
    assert.deepEqual(reviewMachine(configured(4), machine(null)), []);
    assert.deepEqual(reviewMachine(configured(4), machine(null, 'darwin')), []);
  });

  test('without listeners', () => {
    assert.deepEqual(reviewMachine(configured(4, []), machine('0')), []);
  });
});

test('thisMachine reads the settings of the kernel', { skip: process.platform !== 'linux' }, () => {
  assert.equal(thisMachine.kernelSetting('kernel.ostype'), 'Linux');
  assert.equal(thisMachine.kernelSetting('kernel.there_is_none'), null);
});

describe('a state folder that cannot be written', () => {
  const leftOpen = { log: false, state: false, socket: false };
  const file = import.meta.filename;
  const with_ = (more: object): Configuration =>
    ({
      ...{ stateFolder: `${file}/state`, log: { path: null }, admin: { socket: null }, store: null, listeners: [] },
      ...{ applications: [{ id: 'shop' }], ...more },
    }) as unknown as Configuration;

  for (const [what, more, said] of [
    ['with applications', {}, /^state: \S+ is a file, .*: no job runs, and no release or secret can be kept$/],
    [
      'with automatic certificates',
      { listeners: [{ tls: { automatic: {} } }] },
      /: the gateway keeps its certificates there/,
    ],
    ['without both', { applications: [] }, null],
  ] as const)
    test(`is told ${said === null ? 'not at all ' : ''}${what}`, () => {
      const [warning] = reviewPaths(with_(more), leftOpen, {});
      if (said === null) assert.equal(warning, undefined);
      else assert.match(warning?.message ?? '', said);
    });
});
