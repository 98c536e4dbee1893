import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AdminToken } from '../core/configuration.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { cookieValues, sessionCookie, Sessions, setSessionCookie } from './sessions.ts';

const hour = 3_600_000;
const deploy: AdminToken = { name: 'deploy', hash: `sha256:${'0'.repeat(64)}` };
const watch: AdminToken = { name: 'watch', hash: `sha256:${'1'.repeat(64)}`, role: 'read' };

function made(): { readonly clock: SimulatedClock; readonly sessions: Sessions } {
  const clock = new SimulatedClock();
  return { clock, sessions: new Sessions(clock, new SeededRandom('sessions')) };
}

describe('a session', () => {
  test('lasts 12 hours, and tells when it ends', () => {
    const { clock, sessions } = made();
    const ended: string[] = [];
    sessions.onEnd(({ id }) => ended.push(id));
    const { secret, session } = sessions.open({ token: deploy, role: 'operate' });
    clock.advanceSync(12 * hour - 1);
    assert.equal(sessions.find(secret, [deploy])?.id, session.id);
    clock.advanceSync(1);
    assert.equal(sessions.find(secret, [deploy]), null);
    assert.deepEqual(ended, [session.id]);
  });

  test('ends with its token, with a new secret of it, and with its new name', () => {
    const { sessions } = made();
    const { secret } = sessions.open({ token: deploy, role: 'operate' });
    for (const tokens of [[], [watch], [{ ...deploy, hash: watch.hash }], [{ ...deploy, name: 'other' }]]) {
      assert.equal(sessions.find(secret, tokens), null);
    }
    assert.notEqual(sessions.find(secret, [watch, deploy]), null);
  });

  test('has the role that its token has now', () => {
    const { sessions } = made();
    const { secret } = sessions.open({ token: deploy, role: 'operate' });
    assert.equal(sessions.find(secret, [{ ...deploy, role: 'read' }])?.role, 'read');
    assert.equal(sessions.find(secret, [{ ...deploy, role: 'deploy' }])?.role, 'operate', 'a browser brings no code');
  });

  test('that was opened without a token depends on none', () => {
    const { sessions } = made();
    const { secret } = sessions.open({ token: null, role: 'operate' });
    assert.equal(sessions.find(secret, [])?.role, 'operate');
  });

  test('ends by a logout, once', () => {
    const { sessions } = made();
    let ends = 0;
    sessions.onEnd(() => (ends += 1));
    const { secret, session } = sessions.open({ token: deploy, role: 'operate' });
    sessions.end(session);
    sessions.end(session);
    assert.equal(sessions.find(secret, [deploy]), null);
    assert.equal(ends, 1);
  });

  test('is the oldest that ends when there are too many', () => {
    const { sessions } = made();
    const first = sessions.open({ token: deploy, role: 'operate' });
    for (let count = 0; count < 256; count++) sessions.open({ token: deploy, role: 'operate' });
    assert.equal(sessions.isOpen(first.session.id, [deploy]), false);
  });

  test('is not found by another secret, or by one of any length', () => {
    const { sessions } = made();
    const { secret } = sessions.open({ token: deploy, role: 'operate' });
    for (const other of ['', 'x', secret.slice(1), `${secret}=`, 'x'.repeat(10_000)]) {
      assert.equal(sessions.find(other, [deploy]), null);
    }
  });
});

describe('a link', () => {
  test('opens one session', () => {
    const { sessions } = made();
    const link = sessions.makeLink({ token: watch, role: 'read' });
    assert.equal(sessions.useLink(link, [watch])?.session.role, 'read');
    assert.equal(sessions.useLink(link, [watch]), null);
  });

  test('is good for a minute', () => {
    const { clock, sessions } = made();
    const link = sessions.makeLink({ token: null, role: 'operate' });
    clock.advanceSync(60_000);
    assert.equal(sessions.useLink(link, []), null);
  });

  test('ends with the token that made it', () => {
    const { sessions } = made();
    const link = sessions.makeLink({ token: deploy, role: 'operate' });
    assert.equal(sessions.useLink(link, [watch]), null);
  });
});

describe('a session that the link of another session opened', () => {
  test('ends with the logout of that session, and so do those that it has opened itself', () => {
    const { sessions } = made();
    const parent = sessions.open({ token: deploy, role: 'operate' });
    const child = sessions.useLink(sessions.makeLink(parent.session, parent.session), [deploy]);
    assert.ok(child !== null);
    const grandchild = sessions.useLink(sessions.makeLink(child.session, child.session), [deploy]);
    assert.ok(grandchild !== null);
    const other = sessions.open({ token: deploy, role: 'operate' });
    const ended: string[] = [];
    sessions.onEnd(({ id }) => ended.push(id));
    sessions.end(parent.session);
    assert.deepEqual(new Set(ended), new Set([parent, child, grandchild].map(({ session }) => session.id)));
    for (const { secret } of [parent, child, grandchild]) assert.equal(sessions.find(secret, [deploy]), null);
    assert.notEqual(sessions.find(other.secret, [deploy]), null);
  });

  test('gets the rest of its time', () => {
    const { clock, sessions } = made();
    const parent = sessions.open({ token: deploy, role: 'operate' });
    clock.advanceSync(11 * hour);
    const child = sessions.useLink(sessions.makeLink(parent.session, parent.session), [deploy]);
    assert.equal(child?.session.endsAt, parent.session.endsAt);
    const ended: string[] = [];
    sessions.onEnd(({ id }) => ended.push(id));
    clock.advanceSync(hour);
    assert.equal(ended.length, 2);
  });

  test('cannot be opened after that session has ended', () => {
    const { sessions } = made();
    const { session } = sessions.open({ token: deploy, role: 'operate' });
    const link = sessions.makeLink(session, session);
    sessions.end(session);
    assert.equal(sessions.useLink(link, [deploy]), null);
  });
});

describe('the cookie of a session', () => {
  for (const [host, secure, name] of [
    ['127.0.0.1:9901', false, 'candor-session-9901'],
    ['[::1]:9901', false, 'candor-session-9901'],
    ['[::1]', false, 'candor-session-80'],
    ['gw.internal', true, '__Host-candor-session-443'],
    ['gw.internal:9901', true, '__Host-candor-session-9901'],
  ] as const) {
    test(`is named ${name} at ${secure ? 'https' : 'http'}://${host}`, () =>
      assert.equal(sessionCookie(host, secure), name));
  }

  test('can be read by no script, goes to no other site, and over TLS never in clear text', () => {
    const cookie = setSessionCookie('candor-session-80', 'secret', false);
    assert.equal(cookie, 'candor-session-80=secret; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict');
    assert.equal(setSessionCookie('a', 'b', true), 'a=b; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure');
    assert.match(setSessionCookie('a', null, false), /^a=; Path=\/; Max-Age=0;/);
  });

  for (const [header, values] of [
    [undefined, []],
    ['', []],
    ['other=1', []],
    ['mine=1', ['1']],
    ['other=2; mine=1;x=3', ['1']],
    ['not-mine=2', []],
    ['mine=evil; mine=2', ['evil', '2']],
  ] as const) {
    test(`is ${values.join(' or ') || 'absent'} in ${header}`, () =>
      assert.deepEqual(cookieValues(header, 'mine'), values));
  }

  test('that a page on another port has set locks nobody out; if two cookies open different sessions, neither counts', () => {
    const { sessions } = made();
    const { secret, session } = sessions.open({ token: deploy, role: 'operate' });
    const other = sessions.open({ token: deploy, role: 'operate' });
    for (const secrets of [
      ['evil', secret],
      [secret, 'evil'],
      [secret, secret],
      ['x'.repeat(1000), secret],
    ])
      assert.equal(sessions.findOne(secrets, [deploy])?.id, session.id);
    for (const secrets of [[], ['evil'], [secret, other.secret]])
      assert.equal(sessions.findOne(secrets, [deploy]), null);
  });
});
