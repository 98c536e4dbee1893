import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import type { Connector } from '../../core/connector.ts';
import type { ExchangeCount } from '../../core/counters.ts';
import type { NewEvent } from '../../core/event.ts';
import type { TransportListener } from '../../core/transport.ts';
import { SecretStore } from '../../deploy/secret-store.ts';
import { SeededRandom } from '../../testing/seeded-random.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import type { MainPart, ScopedSpec } from '../main-feature.ts';
import { dependencies } from './main.ts';
import type { DependenciesSpec, DependenciesStatus, DependencySpec, DependsOnSpec } from './settings.ts';
import { dependenciesWords } from './words.ts';

const folder = mkdtempSync(join(tmpdir(), 'deps-main-'));
after(() => rmSync(folder, { recursive: true }));

let clock: SimulatedClock;
let events: NewEvent<'dependency_state'>[];
let part: Omit<MainPart<DependenciesSpec | DependsOnSpec>, 'status'> & { status(): DependenciesStatus };
let connects: number;
let isRefused: boolean;
let sent: string;

/** As a Redis that lets everybody in. */
class OpenRedis {
  listener: Partial<TransportListener> = {};

  write(bytes: Uint8Array): void {
    const asked = Buffer.from(bytes).toString();
    sent += asked;
    const answer = Buffer.from(
      asked.includes('AUTH') ? '+OK\r\n' : asked.includes('PING') ? '+PONG\r\n' : '$4\r\nrole\r\n',
    );
    clock.schedule(clock.now(), () => this.listener.onBytes?.(answer, 0, answer.length), null);
  }

  end(): void {}

  close(): void {}
}

/** Refuses, or accepts and is closed by the check. */
const connector: Connector = {
  resolve(name, waiter) {
    assert.equal(name, 'absent.test');
    const fail = (): void => waiter.onResolveFailed({ stage: 'dns', code: 'ENOTFOUND', alertId: null });
    return clock.schedule(clock.now(), fail, null);
  },
  connect(_target, waiter) {
    connects++;
    const end = (): void => {
      if (isRefused) waiter.onConnectFailed({ stage: 'connect', code: 'ECONNREFUSED', alertId: null });
      else waiter.onConnected(new OpenRedis() as never);
    };
    return clock.schedule(clock.now(), end, null);
  },
};

beforeEach(() => {
  [clock, events, connects, isRefused, sent] = [new SimulatedClock(), [], 0, false, ''];
  const made = dependencies.start?.({
    ...{ clock, random: new SeededRandom(1), connector, checker: {} as never, stateFolder: folder },
    ...{ applications: {} as never, launchChanged() {} },
    ...{ endpoints: { onDrainSignal() {} }, counted: () => null, waiting: () => [], publish() {} },
    events: { emit: (event) => void events.push(event as NewEvent<'dependency_state'>) },
  });
  part = made as unknown as typeof part;
});

const spec = (name: string, more: Partial<DependencySpec> = {}): DependencySpec => ({
  ...{ name, url: 'tcp://127.0.0.1:5000', kind: 'tcp', shown: 'tcp://127.0.0.1:5000' },
  ...{ intervalMs: 5000, timeoutMs: 2000, passwordFile: null, passwordSecret: null, readOnly: false, ...more },
});
const ofFile = (...all: readonly DependencySpec[]): ScopedSpec<DependenciesSpec> => ({
  scope: { kind: 'file', id: '', upstream: null },
  spec: { dependencies: all },
});
const of = (id: string, ...names: readonly string[]): ScopedSpec<DependsOnSpec> => ({
  scope: { kind: 'application', id, upstream: null },
  spec: { names },
});
const failed = (upstream: string) =>
  [{ upstream, statusClass: '5xx', shape: 'app_error', cause: 'none' }] as unknown as ExchangeCount[];
/** The protocols are loaded with the first check. */
const advance = async (ms: number): Promise<void> => {
  for (let left = ms; left > 0; left -= 50) {
    await new Promise((resolve) => void setImmediate(resolve));
    await clock.advance(Math.min(50, left));
  }
};
const checked = async (): Promise<void> => {
  while (part.status().dependencies.some(({ state }) => state === 'unknown')) await advance(50);
};
const seen = (): string[] => events.map(({ subject, from, to }) => `${subject}: ${from} → ${to}`);

describe('dependencies in the main thread', () => {
  test('are told of when they change, with who depends on them, and not because the gateway starts', async () => {
    part.use([ofFile(spec('db'), spec('cache')), of('shop', 'db', 'cache'), of('blog', 'db')]);
    await checked();
    assert.deepEqual(seen(), []);
    isRefused = true;
    await advance(6000);
    assert.deepEqual(seen().toSorted(), ['dependency:cache: up → down', 'dependency:db: up → down']);
    const told = events.find(({ evidence }) => evidence.dependency === 'db');
    assert.equal(told?.reason, 'db (tcp://127.0.0.1:5000) refuses connections (ECONNREFUSED)');
    assert.deepEqual(told?.evidence.dependents, ['shop', 'blog']);
    assert.deepEqual(
      part.status().dependencies.map(({ name, state, dependents }) => [name, state, dependents]),
      [
        ['db', 'down', ['shop', 'blog']],
        ['cache', 'down', ['shop']],
      ],
    );
  });

  test('are checked at once when a request fails of an application that depends on them, and of no other', async () => {
    part.use([ofFile(spec('db', { intervalMs: 60_000 })), of('shop', 'db')]);
    await checked();
    await advance(2000);
    const before = connects;
    part.onExchanges?.(failed('blog'));
    await advance(100);
    assert.equal(connects, before);
    part.onExchanges?.(failed('shop'));
    await advance(100);
    assert.equal(connects, before + 1);
  });

  test('keep their state in a reload that does not change them, and end with the configuration', async () => {
    isRefused = true;
    part.use([ofFile(spec('db')), of('shop', 'db')]);
    await checked();
    part.use([ofFile(spec('db')), of('shop', 'db'), of('blog', 'db')]);
    assert.deepEqual(part.status().dependencies[0]?.dependents, ['shop', 'blog']);
    assert.deepEqual(seen(), ['dependency:db: unknown → down']);
    part.use([]);
    assert.deepEqual(seen().slice(1), ['dependency:db: down → removed']);
    await advance(20_000);
    assert.equal(clock.timersLive, 0);
  });

  test('by a name that does not resolve are down', async () => {
    part.use([ofFile(spec('db', { url: 'tcp://absent.test:5000' }))]);
    await checked();
    assert.equal(part.status().dependencies[0]?.reason, 'has a name that does not resolve (ENOTFOUND)');
  });

  test('with a password that cannot be read, say so', async () => {
    part.use([ofFile(spec('db', { passwordFile: join(folder, 'absent') }))]);
    await checked();
    assert.equal(
      part.status().dependencies[0]?.reason,
      'accepts connections (the file of its password cannot be read)',
    );
    writeFileSync(join(folder, 'absent'), 'x\n');
    await advance(6000);
    assert.equal(part.status().dependencies[0]?.reason, 'accepts connections');
  });

  test('get their password from the store: the secret of the application that depends on them, or that of all', async () => {
    const store = (): SecretStore => {
      const parts = { folder, random: new SeededRandom(1), wallTime: () => 0, credentials: undefined };
      const opened = SecretStore.open(parts);
      assert.ok(opened.ok);
      return opened.value;
    };
    const set = (application: string | null, value: string): void =>
      assert.ok(store().set(application, new Map([['db-password', value]]), 'test').ok);
    const passwordSecret = { secret: 'db-password', application: null };
    const db = (more: Partial<DependencySpec> = {}): DependencySpec =>
      spec('db', { url: 'redis://127.0.0.1:5000', kind: 'redis', passwordSecret, ...more });
    const sentAfter = async (): Promise<string> => {
      sent = '';
      while (!sent.includes('PING')) await advance(500);
      return /AUTH\r\n\$\d+\r\n(.*?)\r\n/.exec(sent)?.[1] ?? 'no password';
    };
    part.use([ofFile(db()), of('shop', 'db')]);
    assert.equal(await sentAfter(), 'no password');
    set(null, 'of all');
    assert.equal(await sentAfter(), 'of all');
    set('shop', 'of the shop');
    assert.equal(await sentAfter(), 'of the shop');
    set('blog', 'of the blog');
    part.use([ofFile(db({ passwordSecret: { ...passwordSecret, application: 'blog' } })), of('shop', 'db')]);
    assert.equal(await sentAfter(), 'of the blog');
    part.use([ofFile(spec('db', { passwordSecret: { ...passwordSecret, secret: 'absent' } })), of('shop', 'db')]);
    await checked();
    const [shown] = part.status().dependencies;
    assert.equal(shown?.reason, 'accepts connections (the secret absent has no value)');
    assert.doesNotMatch(JSON.stringify([part.status(), events]), /of (?:all|the)/);
  });

  test('are a line each in the status', async () => {
    part.use([ofFile(spec('db'))]);
    const rows = () => dependenciesWords.status?.rows(part.status()) ?? [];
    assert.deepEqual(rows()[0]?.cells, [
      'db',
      'tcp://127.0.0.1:5000',
      'not checked yet',
      'no application depends on it',
    ]);
    isRefused = true;
    await checked();
    assert.deepEqual(
      [rows()[0]?.tone, rows()[0]?.reason],
      ['bad', 'db refuses connections (ECONNREFUSED). See whether its service runs, and start it.'],
    );
  });
});
