import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimulatedClock } from '../../../testing/simulated-clock.ts';
import type { OidcSpec } from './settings.ts';
import { sessionOf } from './worker-session.ts';

const spec = { userClaim: 'email', groupsClaim: 'groups', sessionMs: 1000, logsOutAtProvider: false } as OidcSpec;

describe('a login', () => {
  for (const [what, claims, user] of [
    ['has the name of its claim', { email: 'ada@example.org' }, 'ada@example.org'],
    ['has a verified address', { email: 'ada@example.org', email_verified: 'true' }, 'ada@example.org'],
    ['has no address that is not verified', { email: 'ada@example.org', email_verified: false }, null],
    ['has no address that is not verified, as a text', { email: 'ada@example.org', email_verified: 'false' }, null],
    ['has no name of several', { email: ['ada@example.org'] }, null],
    ['has no empty name', { email: '' }, null],
    ['has no endless name', { email: 'a'.repeat(257) }, null],
    ['has no name that is no Unicode', { email: '\ud800' }, null],
  ] as const)
    it(what, () => {
      const tokens = { claims, idToken: null, refreshToken: null, expiresInS: null };
      const session = sessionOf('1', tokens, null, spec, new SimulatedClock());
      assert.equal('because' in session ? null : session.user, user);
    });
});
