import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimulatedClock } from '../../../testing/simulated-clock.ts';
import { type OidcSpec, refreshCells } from './settings.ts';
import type { Asker, Provider, ProviderResult, Tokens } from './worker-provider.ts';
import { SessionRefresher } from './worker-refresher.ts';
import { Refreshes } from './worker-refreshes.ts';
import { graceMs, type LoginSession, sessionOf } from './worker-session.ts';

const asker = {} as Asker;
const spec = { userClaim: 'email', groupsClaim: 'roles', sessionMs: 12 * 3_600_000 } as OidcSpec;
const tokensOf = (more: Partial<Tokens> = {}): Tokens => ({
  claims: { sub: '1', email: 'ada@example.org', email_verified: true, roles: ['admin'], nonce: 'x' },
  ...{ idToken: null, refreshToken: 'first', expiresInS: 300 },
  ...more,
});
const unavailable = { ok: false, fault: { kind: 'unavailable', service: 'id', reason: 'it is not there' } } as const;
const refused = { ok: false, fault: { kind: 'refused', reason: 'invalid_grant' } } as const;

/** Workers of a gateway, and a provider that answers when it is told to. */
class World {
  readonly clock = new SimulatedClock();
  readonly asked: string[] = [];
  readonly #shared = new SharedArrayBuffer(refreshCells * 4);
  readonly #waiting: ((result: ProviderResult<Tokens>) => void)[] = [];
  readonly provider = {
    refresh: (token: string) => {
      this.asked.push(token);
      return new Promise((resolve) => this.#waiting.push(resolve));
    },
  } as unknown as Provider;

  worker(): SessionRefresher {
    return new SessionRefresher(spec, this.provider, new Refreshes(this.#shared), this.clock);
  }

  session(tokens = tokensOf()): LoginSession {
    const made = sessionOf('id', tokens, null, spec, this.clock);
    assert.ok(!('because' in made));
    return made;
  }

  answer(result: ProviderResult<Tokens>): void {
    for (const resolve of this.#waiting.splice(0)) resolve(result);
  }
}

describe('a session', () => {
  it('has the claims of the user, and not those of the protocol', () => {
    assert.deepEqual(new World().session().claims, {
      ...{ sub: '1', email: 'ada@example.org', email_verified: true },
      ...{ roles: ['admin'], groups: ['admin'] },
    });
  });

  it('has the groups of the claim that the configuration names, and no others', () => {
    const claims = { sub: '1', email: 'ada@example.org', groups: ['root'] };
    assert.deepEqual(new World().session(tokensOf({ claims })).claims, { sub: '1', email: 'ada@example.org' });
  });

  for (const claims of [
    { sub: '1' },
    { sub: '1', email: '' },
    { sub: '1', email: 5 },
    { sub: '1', email: 'a@b', email_verified: false },
  ])
    it(`is none for a user with ${JSON.stringify(claims)}`, () => {
      assert.ok('because' in sessionOf('id', tokensOf({ claims }), null, spec, new SimulatedClock()));
    });
});

describe('the tokens of a session', () => {
  it('are left alone until they are about to end, and where there is no refresh token', () => {
    const world = new World();
    const [worker, session] = [world.worker(), world.session()];
    world.clock.advanceSync(269_000);
    assert.equal(worker.refresh(session, asker), null);
    assert.equal(worker.refresh({ ...session, refreshAt: 0, refreshToken: null }, asker), null);
    world.clock.advanceSync(1000);
    assert.ok(worker.refresh(session, asker) instanceof Promise);
  });

  it('are refreshed by one worker, while requests at the others pass', async () => {
    const world = new World();
    const [one, other, session] = [world.worker(), world.worker(), world.session()];
    world.clock.advanceSync(270_000);
    const results = [one.refresh(session, asker), one.refresh(session, asker)];
    assert.equal(other.refresh(session, asker), null, 'with what it has');
    world.answer({ ok: true, value: tokensOf({ refreshToken: 'second' }) });
    for (const result of await Promise.all(results.map((one) => Promise.resolve(one)))) {
      assert.ok(result !== null && 'kind' in result && result.kind === 'session');
      assert.deepEqual([result.isNew, result.session.turn, result.session.refreshToken], [true, 1, 'second']);
      assert.equal(result.session.endsAt, session.endsAt, 'the login does not last longer');
    }
    const late = one.refresh(session, asker);
    assert.ok(late !== null && !(late instanceof Promise) && late.turn === 1, 'a request with the old cookie');
    assert.deepEqual(world.asked, ['first']);
    world.clock.advanceSync(graceMs);
    assert.deepEqual(await other.refresh(session, asker), {
      kind: 'over',
      because: 'its login was continued elsewhere',
    });
  });

  it('that the provider does not continue end the session everywhere', async () => {
    const world = new World();
    const [one, other, session] = [world.worker(), world.worker(), world.session()];
    world.clock.advanceSync(270_000);
    const result = one.refresh(session, asker);
    world.answer(refused);
    assert.deepEqual(await result, { kind: 'over', because: 'the provider does not continue its login' });
    for (const worker of [one, other]) assert.equal(worker.hasEnded(session), true);
  });

  it('are tried again while the provider is out: requests pass for a while, and then fail', async () => {
    const world = new World();
    const [worker, session] = [world.worker(), world.session()];
    const kinds: string[] = [];
    for (const waitMs of [270_000, 1000, graceMs, 1000]) {
      world.clock.advanceSync(waitMs);
      const result = worker.refresh(session, asker);
      world.answer(unavailable);
      kinds.push((await (result as Promise<{ kind: string }>)).kind);
    }
    assert.deepEqual(kinds, ['session', 'session', 'unavailable', 'unavailable']);
    const result = worker.refresh(session, asker);
    world.answer({ ok: true, value: tokensOf() });
    assert.equal((await (result as Promise<{ kind: string }>)).kind, 'session');
  });

  it('of a user who has got another name are those of the new name, and of one who has lost it, of nobody', async () => {
    const world = new World();
    const [worker, session] = [world.worker(), world.session()];
    world.clock.advanceSync(270_000);
    const result = worker.refresh(session, asker);
    world.answer({ ok: true, value: tokensOf({ claims: { sub: '1' } }) });
    assert.equal((await (result as Promise<{ kind: string }>)).kind, 'over');
    assert.equal(worker.hasEnded(session), true);
  });
});
