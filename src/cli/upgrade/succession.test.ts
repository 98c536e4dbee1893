import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CommandFailure } from '../surroundings.ts';
import { Succession } from './successor.ts';
import type { FromSuccessor, PredecessorFacts, ToSuccessor } from './words.ts';

const predecessor: PredecessorFacts = { pid: 4711, listeners: [], admin: null };

/** A successor and its end of the channel. */
function begin() {
  let hear: (message: unknown) => void = () => {};
  let close: () => void = () => {};
  const said: FromSuccessor[] = [];
  const succession = new Succession(predecessor, {
    connected: true,
    send: async (message) => void said.push(message),
    onMessage: (listener) => (hear = listener),
    onDisconnect: (listener) => (close = listener),
  });
  return { succession, said, hear: (word: ToSuccessor) => hear(word), close: () => close() };
}

describe('a successor that has nothing yet', () => {
  test('goes on when it is given what it asked for', async () => {
    const { succession, said, hear } = begin();
    const taken = succession.takeOver('/state');
    hear({ kind: 'yours' });
    await taken;
    assert.deepEqual(said, [{ kind: 'wants', stateFolder: '/state' }]);
    assert.equal(succession.isSettled, false);
  });

  test('goes on by itself when its predecessor dies', async () => {
    const { succession, close } = begin();
    const taken = succession.takeOver('/state');
    close();
    await taken;
    assert.equal(succession.isSettled, true);
  });

  for (const when of ['before it asks', 'while it waits']) {
    test(`ends when it is told ${when} that nothing comes of it, whatever becomes of the channel`, async () => {
      const { succession, hear, close } = begin();
      const early = when === 'while it waits' ? succession.takeOver('/state') : null;
      early?.catch(() => {});
      hear({ kind: 'never' });
      close();
      await assert.rejects(early ?? succession.takeOver('/state'), CommandFailure);
    });
  }
});
