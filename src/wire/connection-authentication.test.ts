import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { challengeKind, areBoundCredentials } from './connection-authentication.ts';

describe('authentication of a connection', () => {
  const credentials: readonly (readonly [value: string, isBound: boolean])[] = [
    ['NTLM TlRMTVNTUAABAAAA', true],
    ['ntlm TlRMTVNTUAABAAAA', true],
    ['Negotiate YIIJ', true],
    ['Negotiate', true],
    ['NEGOTIATE\tYIIJ', true],
    ['Nego2 YIIJ', true],
    ['Kerberos YIIJ', true],
    ['Negotiate:Kerberos YIIJ', true],
    ['Basic dXNlcjpwYXNz', false],
    ['Bearer eyJhbGciOi.J9.x', false],
    ['Bearer NTLM', false],
    ['Ntlmish=x', false],
    ['', false],
    ['Digest username="NTLM x", realm="a, Negotiate", nonce="n"', false],
    ['Digest username="x", ntlm="y"', false],
    // Two lines, of which the server may take either.
    ['Basic dXNlcjpwYXNz, Negotiate YIIJ', true],
  ];
  for (const [value, isBound] of credentials) {
    it(`${isBound ? 'is' : 'is not'} asked for by Authorization: ${value}`, () => {
      assert.equal(areBoundCredentials(value), isBound);
    });
  }

  const challenges: readonly (readonly [value: string | null, kind: ReturnType<typeof challengeKind>])[] = [
    [null, 'unbound'],
    ['', 'unbound'],
    ['NTLM', 'bound'],
    ['NTLM TlRMTVNTUAACAAAA', 'bound'],
    ['Negotiate, NTLM', 'bound'],
    ['Negotiate,NTLM, Nego2', 'bound'],
    ['Basic realm="intranet"', 'unbound'],
    ['Basic realm="Negotiate, NTLM"', 'unbound'],
    ['Basic realm="a \\", NTLM"', 'unbound'],
    ['Negotiate, Basic realm="intranet"', 'either'],
    ['Basic realm="intranet", Negotiate', 'either'],
    ['Basic realm="intranet", charset="UTF-8", NTLM', 'either'],
    ['Bearer, Negotiate', 'either'],
    ['Digest realm="x", nonce="n", qop="auth, auth-int", Kerberos', 'either'],
    ['Custom dG9rZW4, Negotiate', 'either'],
    ['NTLM, error="x"', 'bound'],
  ];
  for (const [value, kind] of challenges) {
    it(`is ${kind === 'either' ? 'one choice' : kind === 'bound' ? 'the only choice' : 'no choice'} of WWW-Authenticate: ${value}`, () => {
      assert.equal(challengeKind(value), kind);
    });
  }
});
