import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApplicationStatus, InstanceStatus } from '../core/schemas/status.ts';
import { failedReplacements } from './replacements.ts';

function instance(id: string, phase: InstanceStatus['phase'], isEarlier = false): InstanceStatus {
  return {
    ...{
      id,
      phase,
      restarts: 0,
      pid: 1,
      port: 1,
      reason: `starting: ${id} answers 500`,
      usage: null,
      exposedAt: null,
      release: null,
      late: false,
    },
    ...{ earlierCommand: isEarlier ? ['old'] : null, lastLines: [] },
  };
}

const application = (...instances: InstanceStatus[]): ApplicationStatus => ({
  id: 'web',
  command: ['node'],
  instances,
});
const earlier = instance('web/1', 'ready', true);
const starting = [instance('web/2', 'starting'), instance('web/3', 'starting')];

for (const troubled of ['web/2', 'web/3'])
  test(`of two new instances that are not ready yet the one that was reported is named: ${troubled}`, () => {
    assert.deepEqual(
      failedReplacements([application(earlier, ...starting)], (id) => id === troubled),
      [
        {
          application: 'web',
          instance: troubled,
          reason: `web: the new instance ${troubled} is not ready yet: ${troubled} answers 500; web/1 of the earlier configuration serves.`,
        },
      ],
    );
  });

test('new instances that start are no problem while none was reported, or while no earlier one serves', () => {
  assert.deepEqual(
    failedReplacements([application(earlier, ...starting)], () => false),
    [],
  );
  assert.deepEqual(
    failedReplacements([application(...starting)], () => true),
    [],
  );
});
