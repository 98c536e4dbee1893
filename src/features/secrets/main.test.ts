import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { NewEvent } from '../../core/event.ts';
import type { Launch, LaunchFailure, PreparedLaunch } from '../../core/launch.ts';
import { SeededRandom } from '../../testing/seeded-random.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import type { MainFeaturePorts, MainPart } from '../main-feature.ts';
import { secrets } from './main.ts';
import type { SecretsSpec } from './settings.ts';

const canary = 'Kn4rv-hunter2';
const spec: SecretsSpec = { uses: [{ variable: 'URL', secret: 'db-url', as: 'variable' }] };
const random = new SeededRandom(5);

let folder: string;
let events: NewEvent[];
let changed: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-secrets-main-'));
  [events, changed] = [[], []];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As another process of the gateway has it. */
function part(stateFolder: string | null = folder): MainPart<SecretsSpec> {
  const ports = {
    ...{ clock: new SimulatedClock(), random, stateFolder },
    events: { emit: (event: NewEvent) => void events.push(event) },
    launchChanged: (application: string) => void changed.push(application),
  };
  const made = secrets.start?.(ports as unknown as MainFeaturePorts) ?? assert.fail('it has no part');
  made.use([
    { scope: { kind: 'application', id: 'shop', upstream: null }, spec },
    { scope: { kind: 'application', id: 'site', upstream: null }, spec },
  ]);
  return made as MainPart<SecretsSpec>;
}

const launch = (kind: Launch['kind'] = 'instance', application = 'shop'): Launch => ({
  ...{ application, settings: {}, program: `${application}/1`, kind, release: null, directory: '/' },
  ...{ command: ['node', 'server.js'], environment: { A: '1' } },
});

function prepared(of: MainPart<SecretsSpec>, asked: Launch = launch()): PreparedLaunch {
  const result = of.launch?.prepare(spec, asked);
  assert.ok(result?.ok === true, JSON.stringify(result));
  return result.value;
}

function refused(of: MainPart<SecretsSpec>): LaunchFailure {
  const result = of.launch?.prepare(spec, launch());
  assert.ok(result?.ok === false);
  return result.failure;
}

async function ask(of: MainPart<SecretsSpec>, request: object): Promise<Record<string, unknown>> {
  const answer = await of.ask?.(request, 'admin:socket');
  assert.ok(answer?.ok === true, JSON.stringify(answer));
  return answer.value as Record<string, unknown>;
}

const set = (of: MainPart<SecretsSpec>, value: string, application: string | null = null) =>
  ask(of, { kind: 'set', application, values: { 'db-url': value } });

const keys = (of: MainPart<SecretsSpec>): unknown[] => ['shop', 'site'].map((id) => of.launch?.key(spec, id));

describe('the start of a program', () => {
  for (const kind of ['instance', 'worker', 'job', 'before'] as const)
    test(`of the kind ${kind} gets its secrets, and their lines are masked`, async () => {
      const made = part();
      await set(made, canary);
      const { environment, command, hold } = prepared(made, launch(kind));
      assert.deepEqual([environment, command], [{ A: '1', URL: canary }, ['node', 'server.js']]);
      assert.equal(hold?.mask?.(`to ${canary}`), 'to ***');
    });

  test('of a build gets none: what it writes is kept in the release', async () => {
    const made = part();
    await set(made, canary);
    assert.deepEqual(prepared(made, launch('build')).environment, { A: '1' });
  });

  test('is refused where one is missing, with what to do', () => {
    const { errno, reason } = refused(part());
    assert.equal(errno, 'ENOKEY');
    assert.equal(reason, 'the secret db-url has no value: `candor secret set db-url --application shop`');
  });

  test('is refused without a state folder', () => {
    assert.match(refused(part(null)).reason, /no state folder/);
  });

  test('is refused where the store is damaged, and its key stays: what runs goes on', async () => {
    const made = part();
    await set(made, canary);
    const before = keys(made);
    writeFileSync(join(folder, 'secrets.json'), '{');
    assert.match(refused(made).reason, /its secrets cannot be read: .*secrets\.json are damaged/);
    assert.deepEqual(keys(made), before);
  });

  test('goes on with a key whose file is gone, of which people are told at once', async () => {
    const made = part();
    await set(made, canary);
    const path = join(folder, 'secrets-key');
    const key = readFileSync(path);
    rmSync(path);
    assert.equal(prepared(made, launch('instance')).environment['URL'], canary);
    for (const request of [{ kind: 'list' }, { kind: 'set', application: null, values: { other: 'x' } }]) {
      const answer = await made.ask?.(request, 'admin:socket');
      assert.match(answer?.ok === false ? answer.failure.reason : '', /key/);
    }
    writeFileSync(path, key, { mode: 0o600 });
    await ask(made, { kind: 'list' });
  });

  test('with an old value is masked by that value, also after a change', async () => {
    const made = part();
    await set(made, canary);
    const old = prepared(made);
    await set(made, 'another-value');
    assert.equal(old.hold?.mask?.(`to ${canary}`), 'to ***');
  });

  test('by an earlier process is masked, too', async () => {
    await set(part(), canary);
    const hold = part().launch?.adopt?.(spec, launch(), process.pid);
    assert.equal(hold?.mask?.(`to ${canary}`), 'to ***');
  });
});

describe('a change', () => {
  test('of a secret of all replaces the programs of all that use it, and is told of without its value', async () => {
    const made = part();
    const before = keys(made);
    const { replacing } = await set(made, canary);
    assert.deepEqual(
      [replacing, changed],
      [
        ['shop', 'site'],
        ['shop', 'site'],
      ],
    );
    assert.ok(keys(made).every((key, at) => key !== before[at]));
    const [event] = events;
    assert.deepEqual(
      [event?.kind, event?.to, event?.actor, event?.evidence],
      [
        'secret_changed',
        'set',
        'admin:socket',
        { application: null, names: ['db-url'], revision: 1, replacing: ['shop', 'site'] },
      ],
    );
    assert.doesNotMatch(JSON.stringify(events), /Kn4rv/);
  });

  test('of a secret of one application replaces its programs alone', async () => {
    const made = part();
    await set(made, canary);
    keys(made);
    assert.deepEqual((await set(made, 'its own value', 'site'))['replacing'], ['site']);
    assert.equal(prepared(made).environment['URL'], canary);
    assert.equal(prepared(made, launch('instance', 'site')).environment['URL'], 'its own value');
  });

  test('of the key alone replaces none', async () => {
    const made = part();
    await set(made, canary);
    const before = keys(made);
    const { replacing } = await ask(made, { kind: 'rotate_key' });
    assert.deepEqual([replacing, keys(made)], [[], before]);
  });

  test('that a command has made while no gateway ran is seen, as is that of the process before', async () => {
    const [made, other] = [part(), part()];
    await set(made, canary);
    keys(made);
    await set(other, 'another-value');
    assert.equal(prepared(made).environment['URL'], 'another-value');
    assert.deepEqual(keys(made), keys(other));
  });
});
