import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientRules } from './client-rules.ts';
import type { StatusJson } from './model.ts';

const limit: StatusJson['rate_limits'][number] = {
  ...{ kind: 'route', id: '/', name: 'all', by: 'address', rate: '10/s', burst: 10, at_once: 5, dry_run: false },
  ...{ admitted: 2000, refused: 30, would_refuse: 0, top_keys: [{ key: '203.0.113.7', count: 20 }] },
};
const none = { access: [], signed_links: [], authentication: [], rate_limits: [] };

test('each rule about clients is a row: what it let pass, what it refused, and whom or why most', () => {
  const rows = clientRules({
    access: [{ route: '/', dry_run: true, refused: [{ rule: 'user_agents', count: 4 }] }],
    signed_links: [{ route: '/get', admitted: 1, refused: [] }],
    authentication: [
      {
        ...{ route: '/in', schemes: ['basic', 'jwt'], admitted: 7, keys: [] },
        refused: [
          { scheme: 'basic', fault: 'wrong_password', count: 3 },
          { scheme: 'jwt', fault: 'expired', count: 2 },
        ],
      },
    ],
    rate_limits: [limit],
  });
  assert.deepEqual(
    rows.map(({ route, rule, admitted, refused, most }) => [route, rule, admitted, refused, most]),
    [
      ['/', 'access, dry run', null, 4, 'user_agents (4)'],
      ['/', 'all 10/s 5 at once by address', 2000, 30, '203.0.113.7 (20)'],
      ['/in', 'basic or jwt', 7, 5, 'basic wrong_password (3), jwt expired (2)'],
      ['/get', 'signed links', 1, 0, ''],
    ],
  );
});

test('a limit refuses now if it has keys of the last two minutes; a dry run shows what it would refuse', () => {
  const now = (change: Partial<typeof limit>): readonly unknown[] =>
    clientRules({ ...none, rate_limits: [{ ...limit, ...change }] }).map(({ isRefusing, refused }) => [
      isRefusing,
      refused,
    ]);
  assert.deepEqual(now({}), [[true, 30]]);
  assert.deepEqual(now({ top_keys: [] }), [[false, 30]]);
  assert.deepEqual(now({ dry_run: true, refused: 0, would_refuse: 9 }), [[true, 9]]);
});
