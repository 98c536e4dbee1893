import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ListenerSpec } from '../core/listener-spec.ts';
import type { ManagedTls } from '../core/managed-tls.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { AppliedAnswers } from './applied-answers.ts';
import { AutomaticCertificates } from './automatic-certificates.ts';

const dns = { servers: [], allow: [], deny: [] };

function listenerWith(hosts: readonly string[]): ListenerSpec {
  const tls = { certificates: [], automatic: { kind: 'internal', hosts } };
  return {
    id: 'https',
    host: '127.0.0.1',
    port: 8443,
    proxyProtocol: false,
    http2: false,
    tls,
  } as unknown as ListenerSpec;
}

function automaticIn(context: TestContext) {
  const stateFolder = mkdtempSync(join(tmpdir(), 'candor-automatic-'));
  context.after(() => rmSync(stateFolder, { recursive: true, force: true }));
  const sent: ManagedTls['certificates'][] = [];
  const automatic = new AutomaticCertificates({
    clock: new SimulatedClock(),
    random: new SeededRandom('automatic'),
    events: { emit: () => {} },
    send: async (certificates) => void sent.push(certificates ?? []),
  });
  return { automatic, stateFolder, sent };
}

test('a gateway without such a listener obtains nothing', async (t) => {
  const { automatic, stateFolder, sent } = automaticIn(t);
  await automatic.use({ listeners: [{ ...listenerWith([]), tls: null }], stateFolder, dns });
  assert.deepEqual([automatic.states(), automatic.current.certificates, sent], [[], [], []]);
});

test('workers have the certificates of all hosts, and of new ones after a reload', async (t) => {
  const { automatic, stateFolder, sent } = automaticIn(t);
  await automatic.use({ listeners: [listenerWith(['a.localhost'])], stateFolder, dns });
  const [first] = automatic.current.certificates;
  assert.deepEqual(first?.names, ['a.localhost']);
  await automatic.use({ listeners: [listenerWith(['a.localhost']), listenerWith(['b.localhost'])], stateFolder, dns });
  assert.deepEqual(
    sent.at(-1)?.map(({ names }) => names),
    [['a.localhost'], ['b.localhost']],
  );
  assert.equal(automatic.stateOf('a.localhost'), 'it is being obtained');
  await automatic.close();
});

test('a message that a worker does not answer is waited for five seconds, and none after its loss', async () => {
  const clock = new SimulatedClock();
  const answers = new AppliedAnswers(clock);
  const done: string[] = [];
  const note = (name: string, asked: Promise<void>): Promise<void> => asked.then(() => void done.push(name));
  let number = 0;
  const answered = note(
    'answered',
    answers.ask((sent) => (number = sent)),
  );
  answers.applied(number);
  await answered;
  const silent = note(
    'silent',
    answers.ask(() => {}),
  );
  clock.advanceSync(4999);
  await Promise.resolve();
  assert.deepEqual(done, ['answered']);
  clock.advanceSync(1);
  await silent;
  const lost = answers.ask(() => {});
  answers.end();
  await lost;
  assert.deepEqual(done, ['answered', 'silent']);
});
