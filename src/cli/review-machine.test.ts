import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { type Machine, reviewMachine, thisMachine } from './review-machine.ts';

const listeners = [{ id: 'http', host: '127.0.0.1', port: 80, proxyProtocol: false }];

function configured(count: number | null, listening = listeners): Configuration {
  return { workers: { count, memoryOctetsMax: 0 }, listeners: listening } as unknown as Configuration;
}

function machine(value: string | null, platform = 'linux'): Machine {
  return { platform, kernelSetting: (name) => (name === 'net.ipv4.tcp_migrate_req' ? value : null) };
}

describe('a machine that resets connections when a worker ends', () => {
  const cases = [
    ['0', 4, /tcp_migrate_req is 0: a worker that ends within half a second of its start, [^]* resets/],
    [null, null, /tcp_migrate_req cannot be read; where it is not 1, /],
  ] as const;
  for (const [value, workers, says] of cases) {
    test(`is told with ${value} and ${workers ?? 'as many workers as cores'}`, () => {
      const [warning, ...more] = reviewMachine(configured(workers), machine(value));
      assert.match(warning?.message ?? '', says);
      assert.match(warning?.suggestion ?? '', /sysctl -w net\.ipv4\.tcp_migrate_req=1/);
      assert.equal(warning?.value, value);
      assert.deepEqual(more, []);
    });
  }
});

describe('nothing is told', () => {
  test('where connections go on to other listeners', () => {
    assert.deepEqual(reviewMachine(configured(4), machine('1')), []);
  });

  test('where there is one worker, whose place nobody else can take', () => {
    assert.deepEqual(reviewMachine(configured(1), machine('0')), []);
  });

  test('where the system has no such setting', () => {
    assert.deepEqual(reviewMachine(configured(4), machine(null, 'darwin')), []);
  });

  test('where nothing listens', () => {
    assert.deepEqual(reviewMachine(configured(4, []), machine('0')), []);
  });
});

test('the machine itself is asked', { skip: process.platform !== 'linux' }, () => {
  assert.equal(thisMachine.kernelSetting('kernel.ostype'), 'Linux');
  assert.equal(thisMachine.kernelSetting('kernel.there_is_none'), null);
});
