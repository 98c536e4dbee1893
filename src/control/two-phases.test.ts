import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Snapshot } from '../core/snapshot.ts';
import { activateAll, prepareAll, type SnapshotWorker } from './two-phases.ts';
import type { ApplyResult } from './apply-result.ts';

const snapshot = {
  revision: 7,
  listeners: [{ id: 'http', host: '127.0.0.1', port: 0, proxyProtocol: false, http2: false, tls: null }],
} as unknown as Snapshot;

const open: ApplyResult = { ok: true, listeners: [{ id: 'http', host: '127.0.0.1', port: 4711 }] };
const taken: ApplyResult = { ok: true, listeners: [] };
const lost: ApplyResult = { ok: false, workersUnavailable: true, why: 'it threw' };
const refused = (errno: string): ApplyResult => ({
  ok: false,
  workersUnavailable: false,
  problems: [{ listener: 'http', host: '127.0.0.1', port: 4711, errno }],
});

class FakeWorker implements SnapshotWorker {
  readonly loaded: Promise<void> = Promise.resolve();
  readonly #name: string;
  readonly #said: string[];
  readonly #prepared: ApplyResult;
  readonly #committed: ApplyResult;
  state: SnapshotWorker['state'];

  constructor(name: string, said: string[], state: SnapshotWorker['state'], prepared = open, committed = taken) {
    this.#name = name;
    this.#said = said;
    this.state = state;
    this.#prepared = prepared;
    this.#committed = committed;
  }

  async prepare({ listeners }: Snapshot): Promise<ApplyResult> {
    this.#said.push(`${this.#name} prepares :${listeners[0]?.port}`);
    return this.#prepared;
  }

  async activate(revision: number): Promise<ApplyResult> {
    this.#said.push(`${this.#name} commits ${revision}`);
    return this.#committed;
  }

  discard(revision: number): void {
    this.#said.push(`${this.#name} discards ${revision}`);
  }
}

describe('a snapshot is applied in two phases', () => {
  test('the first worker opens a port that the system chooses, the others get its number, new workers come last', async () => {
    const said: string[] = [];
    const workers = [
      new FakeWorker('a', said, 'serving'),
      new FakeWorker('new', said, 'starting'),
      new FakeWorker('b', said, 'serving'),
    ];
    const prepared = await prepareAll(workers, snapshot);
    assert.ok(prepared.ok);
    assert.deepEqual(said, ['a prepares :0', 'b prepares :4711', 'new prepares :4711']);
    assert.deepEqual(await activateAll(prepared), open);
    assert.deepEqual(said.slice(3), ['a commits 7', 'new commits 7', 'b commits 7']);
  });

  const refusals: readonly [what: string, answers: readonly ApplyResult[], said: RegExp][] = [
    ['the first cannot', [refused('EACCES'), open], /"errno":"EACCES"/],
    ['another cannot', [open, refused('EADDRINUSE')], /"errno":"EADDRINUSE"/],
    ['one is lost over it', [open, lost], /"why":"it threw"/],
    ['one is lost and another cannot', [open, refused('EMFILE'), lost], /"why":"it threw"/],
    ['there is none', [], /"workersUnavailable":true/],
  ];
  for (const [what, answers, expected] of refusals) {
    test(`if ${what}, every worker closes what it opened, and none activates`, async () => {
      const said: string[] = [];
      const workers = answers.map((answer, index) => new FakeWorker(String(index), said, 'serving', answer));
      const prepared = await prepareAll(workers, snapshot);
      assert.ok(!prepared.ok);
      assert.match(JSON.stringify(prepared), expected);
      const asked = said.filter((line) => line.includes('prepares')).map((line) => line[0]);
      const discarded = said.filter((line) => line.includes('discards')).map((line) => line[0]);
      for (const name of asked) assert.ok(discarded.includes(name));
    });
  }

  test('the same problem of several workers is reported once', async () => {
    const answers = [open, refused('EADDRINUSE'), refused('EADDRINUSE')];
    const workers = answers.map((answer) => new FakeWorker('', [], 'serving', answer));
    const prepared = await prepareAll(workers, snapshot);
    assert.ok(!prepared.ok && !prepared.workersUnavailable);
    assert.equal(prepared.problems.length, 1);
  });

  test('a retiring worker can neither delay nor fail a snapshot', async () => {
    const workers = [new FakeWorker('a', [], 'serving'), new FakeWorker('leaving', [], 'retiring', lost, lost)];
    const prepared = await prepareAll(workers, snapshot);
    assert.ok(prepared.ok);
    assert.equal((await activateAll(prepared)).ok, true);
  });

  test('a worker that retires while it prepares cannot fail a snapshot either', async () => {
    const leaving = new FakeWorker('leaving', [], 'retiring', lost, lost);
    leaving.prepare = async () => {
      leaving.state = 'lost';
      return lost;
    };
    const prepared = await prepareAll([new FakeWorker('a', [], 'serving'), leaving], snapshot);
    assert.ok(prepared.ok);
    assert.equal((await activateAll(prepared)).ok, true);
  });

  test('a snapshot that one worker has activated is active even if another is lost; one that no worker has activated is not', async () => {
    for (const [second, ok] of [
      [taken, true],
      [lost, false],
    ] as const) {
      const workers = [
        new FakeWorker('a', [], 'serving', open, lost),
        new FakeWorker('b', [], 'serving', open, second),
      ];
      const prepared = await prepareAll(workers, snapshot);
      assert.ok(prepared.ok);
      assert.equal((await activateAll(prepared)).ok, ok);
    }
  });
});
