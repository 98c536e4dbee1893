import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { certificateTest } from './worker-certificates.ts';

const ada = { subject: 'CN=ada, OU=Machines, O=Example', issuer: 'CN=Example CA', fingerprint: 'ab'.repeat(32) };

describe('a rule about certificates', () => {
  for (const [what, rules, holds] of [
    ['holds for a part of the subject', [{ subject: '*OU=Machines*' }], true],
    ['does not hold for a part without stars', [{ subject: 'OU=Machines' }], false],
    ['does not hold for a name in other letters', [{ subject: '*ou=machines*' }], false],
    ['needs all that it says', [{ subject: 'CN=ada*', issuer: 'CN=Other CA' }], false],
    ['holds where all hold', [{ subject: 'CN=ada*', issuer: 'CN=Example CA', fingerprint: ada.fingerprint }], true],
    ['does not hold for another certificate of the same name', [{ subject: 'CN=ada*', fingerprint: '00' }], false],
    ['is one of several', [{ issuer: 'CN=Other CA' }, { issuer: '*Example*' }], true],
    ['is not there', [], false],
  ] as const)
    test(what, () => assert.equal(certificateTest(rules)(ada), holds));
});

describe('a type in a pattern is that of an attribute', () => {
  const holds = certificateTest([{ subject: '*OU=Machines*' }]);
  for (const [subject, expected] of [
    ['OU=Machines', true],
    ['O=Ex, OU=Machines, CN=m1', true],
    ['CN=m1 + OU=Machines', true],
    ['CN=x\\\\, OU=Machines', true],
    ['CN=x OU=Machines', false],
    ['CN=x\\, OU=Machines', false],
    ['CN=x\\\\\\, OU=Machines', false],
    ['CN=x \\+ OU=Machines', false],
    ['CN=*OU=Machines', false],
    ['CN=xOU=Machines', false],
  ] as const)
    test(`in ${subject}: ${expected}`, () => assert.equal(holds({ ...ada, subject }), expected));

  for (const [glob, subject] of [
    ['O=Ex, OU=*, CN=m*', 'O=Ex, OU=Machines, CN=m1'],
    ['*, CN=m1', 'O=Ex, CN=m1'],
    ['*Machines, CN=*', 'OU=Machines, CN=m1'],
    ['CN=\\*.example.org*', 'CN=\\*.example.org, O=Ex'],
    ['*achines*', 'OU=Machines'],
  ] as const)
    test(`${glob} holds for ${subject}`, () =>
      assert.equal(certificateTest([{ subject: glob }])({ ...ada, subject }), true));
});
