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
