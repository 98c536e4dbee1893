import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NewEvent } from '../../core/event.ts';
import { CommandFailure } from '../command-failure.ts';
import { PredecessorConnection, reportTakeover } from './successor.ts';
import type { FromSuccessor, PredecessorFacts, ToSuccessor } from './handoff-messages.ts';

const predecessor: PredecessorFacts = { pid: 4711, version: '0.1.0', listeners: [], admin: null };

/** A successor and its end of the channel. */
function begin(facts: Partial<PredecessorFacts> = {}, connected = true) {
  let hear: (message: unknown) => void = () => {};
  let close: () => void = () => {};
  const said: FromSuccessor[] = [];
  const connection = new PredecessorConnection(
    { ...predecessor, ...facts },
    {
      connected,
      send: async (message) => void said.push(message),
      onMessage: (listener) => (hear = listener),
      onDisconnect: (listener) => (close = listener),
    },
  );
  return { succession: connection, said, hear: (word: ToSuccessor) => hear(word), close: () => close() };
}

describe('a successor that owns nothing yet', () => {
  test("continues when the predecessor sends 'yours'", async () => {
    const { succession, said, hear } = begin();
    const taken = succession.takeOver('/state');
    hear({ kind: 'yours' });
    await taken;
    assert.deepEqual(said, [{ kind: 'wants', stateFolder: '/state' }]);
    assert.equal(succession.isSettled, false);
  });

  test('continues alone when its predecessor dies', async () => {
    const { succession, close } = begin();
    const taken = succession.takeOver('/state');
    close();
    await taken;
    assert.equal(succession.isSettled, true);
  });

  test('continues alone when its predecessor died before it could listen', async () => {
    const { succession } = begin({}, false);
    await succession.takeOver('/state');
    await succession.predecessorEnded;
    assert.equal(succession.isSettled, true);
    assert.equal(succession.predecessorDied, true);
  });

  test("answers 'ends' to 'never'", async () => {
    const { succession, said, hear } = begin();
    hear({ kind: 'never' });
    await assert.rejects(succession.takeOver('/state'), CommandFailure);
    assert.deepEqual(said[0], { kind: 'ends' });
  });

  for (const when of ['before it asks', 'while it waits']) {
    test(`ends when it receives 'never' ${when}, whatever happens to the channel`, async () => {
      const { succession, hear, close } = begin();
      const early = when === 'while it waits' ? succession.takeOver('/state') : null;
      early?.catch(() => {});
      hear({ kind: 'never' });
      close();
      await assert.rejects(early ?? succession.takeOver('/state'), CommandFailure);
    });
  }
});

describe('a successor emits an event about the upgrade', () => {
  type Told = { kind: string; actor: string | undefined; reason: string; evidence: object };
  const tellingOf = (predecessor: PredecessorConnection) => {
    const told: Told[] = [];
    const tell = ({ kind, actor, reason, evidence }: NewEvent): void =>
      void told.push({ kind, actor, reason, evidence });
    return { told, done: reportTakeover(predecessor, { emit: tell }, '0.2.0') };
  };

  test('when its predecessor leaves: from which version, and who asked for it', async () => {
    const { succession, hear, close } = begin({ actor: 'admin:token:ci' });
    const { told, done } = tellingOf(succession);
    hear({ kind: 'yours' });
    assert.deepEqual(told, []);
    hear({ kind: 'farewell' });
    close();
    await done;
    const reason = 'this process, candor 0.2.0, has replaced process 4711, candor 0.1.0';
    const evidence = { predecessor: 4711, pid: process.pid, from: '0.1.0', version: '0.2.0' };
    assert.deepEqual(told, [{ kind: 'upgrade_taken_over', actor: 'admin:token:ci', reason, evidence }]);
  });

  test('when its predecessor dies', async () => {
    const { succession, close } = begin();
    const { told, done } = tellingOf(succession);
    close();
    await done;
    assert.match(
      told[0]?.reason ?? '',
      /has replaced process 4711, candor 0.1.0, which ended before the handoff was complete$/,
    );
    assert.equal(told[0]?.actor, 'gateway');
  });
});
