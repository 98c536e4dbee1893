import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayStatus } from '../core/schemas/status.ts';
import { whyNotRestarted } from './restart-refusal.ts';

const applications = [
  { id: 'shop', command: ['node', 'server.js'], instances: [] },
  { id: 'shop.mail', of: 'shop', command: ['python3', 'mail.py'], instances: [] },
  { id: 'site', command: [], answeredBy: 'files', instances: [] },
];

const statusWith = (...stopped: readonly string[]): Pick<GatewayStatus, 'applications' | 'overlay'> => {
  const entries = stopped.map((target) => ({ kind: 'stop', target }));
  return { applications, overlay: { entries } } as unknown as GatewayStatus;
};

const cases: readonly [name: string, stopped: readonly string[], status: number, why: RegExp][] = [
  ['shop', ['shop'], 409, /^shop is stopped\. Start it first: candor app start shop\.$/],
  ['shop.mail', ['shop'], 409, /^shop\.mail is stopped\. Start it first: candor app start shop\.$/],
  ['shop.mail', ['shop.mail'], 409, /candor app start shop\.mail\.$/],
  ['shop', ['shop.mail'], 404, /^No instance shop runs that could be restarted\.$/],
  ['shop/9', [], 404, /^No instance shop\/9 runs that could be restarted\.$/],
  ['site', [], 404, /^The application site has no command that could run in instances\.$/],
  ['mail', [], 404, /^There is no application or worker mail: did you mean "shop\.mail"\?$/],
];

for (const [name, stopped, status, why] of cases)
  test(`why ${name} is not restarted${stopped.length > 0 ? ` while ${stopped.join(', ')} is stopped` : ''}`, () => {
    const refused = whyNotRestarted(name, statusWith(...stopped));
    assert.equal(refused.status, status);
    assert.match(refused.why, why);
  });
