import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findApplication, type OverlayTargets } from './overlay-targets.ts';

const applications: OverlayTargets['applications'] = [
  { id: 'shop', command: ['node', 'server.js'], port: null },
  { id: 'shop.mail', of: 'shop', command: ['python3', 'mail.py'], port: null },
  { id: 'fixed', command: ['node', 'server.js'], port: 3000 },
  { id: 'queue', command: [], port: null },
  { id: 'queue.work', of: 'queue', command: ['node', 'work.js'], port: null },
  { id: 'site', command: [], port: null, answeredBy: 'files' },
];

describe('what can be stopped and scaled', () => {
  const cases: readonly [name: string, scaledTo: number | null, why: RegExp | null][] = [
    ['shop', null, null],
    ['shop.mail', null, null],
    ['queue', null, null],
    ['site', null, /^The application site has no program that could be stopped: .* `candor maintenance`/],
    ['shpo', null, /^There is no application or worker shpo: did you mean "shop"\?$/],
    ['mail', null, /^There is no application or worker mail: did you mean "shop\.mail"\?$/],
    ['nothing-like-it', null, /Known are shop, shop\.mail, fixed/],
    ['shop', 4, null],
    ['fixed', 1, null],
    ['fixed', 2, /has the fixed port 3000, on which one instance can listen/],
    ['queue', 2, /has no command that could run in instances\. Its workers are queue\.work\.$/],
    ['site', 2, /has no command that could run in instances\.$/],
  ];
  for (const [name, to, why] of cases)
    test(`${name}${to === null ? ' is stopped' : ` is scaled to ${to}`}${why === null ? '' : ': refused'}`, () => {
      const found = findApplication(name, { routes: [], upstreams: [], applications }, to === null ? null : { to });
      if (why === null) assert.deepEqual(found, { ok: true, target: name });
      else assert.match(found.ok ? '' : found.why, why);
    });
});
