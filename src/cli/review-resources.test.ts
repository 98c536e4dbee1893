import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { ResourceMachine } from '../features/resources/machine.ts';
import type { ResourceSpec } from '../features/resources/settings.ts';
import { reviewResources } from './review-resources.ts';

const why = { why: 'this user may make no control groups in /sys/fs/cgroup' };
const machine: ResourceMachine = {
  isRoot: false,
  uid: 900,
  ownName: 'candor',
  niceness: 0,
  descriptorsMax: 4096,
  tool: (name) => `/usr/bin/${name}`,
  groups: () => ({ memory: why, cpu: why, pids: why, io: why }),
  sandboxProblem: () => null,
  readText: (path) => (path === '/etc/passwd' ? 'www-data:x:33:33::/var/www:/bin/false\n' : null),
  mayWrite: () => false,
  lookUp: () => null,
  stat: () => null,
  deviceNumber: () => null,
};

const application = (id: string, spec: Partial<ResourceSpec>): ApplicationSpec =>
  ({ id, features: { resources: { limits: {}, user: null, isolation: 'none', persistent: [], ...spec } } }) as never;

test('the check says what this machine holds, what it does not, and the same remedy once', () => {
  const { held, warnings, isRefused } = reviewResources(
    {
      applications: [
        application('shop', { limits: { cpus: 2, descriptors: 1024 } }),
        application('site', { limits: { cpus: 1 } }),
        { id: 'plain' } as never,
        { ...application('shop.mail', { limits: { cpus: 2 } }), of: 'shop' } as never,
      ],
    },
    machine,
  );
  assert.deepEqual(held, ['shop: descriptors 1024 (prlimit --nofile)']);
  assert.deepEqual(
    warnings.map(({ setting, message }) => [setting, message]),
    [
      ['applications.shop.limits.cpu', `applications.shop.limits.cpu 2 is not held: ${why.why}`],
      ['applications.site.limits.cpu', `applications.site.limits.cpu 1 is not held: ${why.why}`],
    ],
  );
  assert.match(warnings[0]?.suggestion ?? '', /Delegate=cpu io memory pids/);
  assert.equal(warnings[1]?.suggestion, null);
  assert.equal(isRefused, false);
});

test('an application that would not be started here is a problem of this machine', () => {
  const user = { name: 'www-data', group: null };
  const { warnings, isRefused } = reviewResources({ applications: [application('shop', { user })] }, machine);
  assert.equal(isRefused, true);
  assert.match(
    warnings[0]?.message ?? '',
    /^applications\.shop\.user www-data cannot be had, and nothing of shop would be started: the gateway runs as candor/,
  );
});
