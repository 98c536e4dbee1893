import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { SessionTokens } from './session-tokens.ts';

const hour = 3_600_000;
const now = 1_790_000_000_000;

function tokensOf(key: string, lifetimeMs = hour): SessionTokens {
  return new SessionTokens((text) => createHmac('sha256', key).update(text).digest('base64url'), lifetimeMs);
}

describe('a session token', () => {
  it('is read back with the tag of its endpoint and its age', () => {
    const tokens = tokensOf('key');
    const token = tokens.issue(tokens.tagOf('app/10.0.0.1:80'), now);
    const read = tokens.read(token, now + 60_000);
    assert.equal(read?.tag, tokens.tagOf('app/10.0.0.1:80'));
    assert.equal(read?.ageMs, 60_000);
    assert.notEqual(read?.tag, tokens.tagOf('app/10.0.0.2:80'));
  });

  it('says nothing about the address, and is made of characters that cookies have', () => {
    const tokens = tokensOf('key');
    const token = tokens.issue(tokens.tagOf('app/10.0.0.1:8080'), now);
    assert.match(token, /^[\w.-]{42,60}$/);
    for (const word of ['app', '10.0', '8080']) assert.equal(token.includes(word), false);
  });

  it('is worth nothing after its lifetime, before its time, or with another key', () => {
    const tokens = tokensOf('key');
    const token = tokens.issue(tokens.tagOf('a'), now);
    assert.equal(tokens.read(token, now + hour + 1), null);
    assert.notEqual(tokens.read(token, now + hour), null);
    assert.equal(tokens.read(token, now - 120_000), null);
    assert.notEqual(tokens.read(token, now - 30_000), null, 'clocks differ a little');
    assert.equal(tokensOf('other').read(token, now), null);
  });

  it('is due for another one after half of its lifetime', () => {
    const tokens = tokensOf('key');
    assert.equal(tokens.isDue({ tag: '', ageMs: hour / 2 }), false);
    assert.equal(tokens.isDue({ tag: '', ageMs: hour / 2 + 1 }), true);
  });

  it('is refused with any change', () => {
    const tokens = tokensOf('key');
    const token = tokens.issue(tokens.tagOf('a'), now);
    const at = fc.nat(token.length - 1);
    fc.assert(
      fc.property(at, fc.constantFrom(...'aZ0_-.;= '), (index, character) => {
        if (token[index] === character) return;
        const changed = token.slice(0, index) + character + token.slice(index + 1);
        assert.equal(tokens.read(changed, now), null, changed);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => assert.equal(tokens.read(text, now), null)));
    for (const changed of [`${token}a`, `${token} `, ` ${token}`, token.slice(1), token.slice(0, -1), '', '1...'])
      assert.equal(tokens.read(changed, now), null, changed);
  });
});
