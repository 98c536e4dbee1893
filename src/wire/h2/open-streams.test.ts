import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { OpenStreams } from './open-streams.ts';

interface Numbered {
  readonly id: number;
}

describe('the open streams of a connection', () => {
  it('are found by their numbers while they are open', () => {
    const streams = new OpenStreams<Numbered>();
    const open = new Map<number, Numbered>();
    for (let id = 1; id < 400; id += 2) {
      const stream = { id };
      streams.add(stream);
      open.set(id, stream);
      // One of those before it ends: the oldest, the youngest, or one between.
      const ended = [...open.keys()][(id * 7) % open.size] as number;
      if (id % 3 > 0) assert.equal(streams.remove(ended), open.delete(ended));
      for (let other = 0; other <= id + 2; other++) assert.equal(streams.get(other), open.get(other));
      assert.deepEqual(streams.all(), [...open.values()]);
      assert.equal(streams.size, open.size);
    }
  });

  it('do not know a stream that has ended', () => {
    const streams = new OpenStreams<Numbered>();
    streams.add({ id: 1 });
    assert.deepEqual([streams.remove(3), streams.remove(1), streams.remove(1)], [false, true, false]);
    assert.equal(streams.get(1), undefined);
  });

  it('may end while one goes through them', () => {
    const streams = new OpenStreams<Numbered>();
    for (const id of [1, 3, 5]) streams.add({ id });
    for (const { id } of streams.all()) streams.remove(id);
    assert.equal(streams.size, 0);
  });

  it('leave nothing behind that a minor collection does not free, also after a full collection', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options: { readonly type: 'minor' | 'major' }) => void;
    const streams = new OpenStreams<Numbered & { readonly bytes: readonly number[] }>();
    let id = 1;
    const play = (count: number): void => {
      for (let played = 0; played < count; played++, id += 2) {
        streams.add({ id, bytes: Array.from({ length: 100 }, () => id) });
        if (streams.size > 8) streams.remove(id - 16);
      }
    };
    play(1000);
    collect({ type: 'major' });
    const { used_heap_size: before } = getHeapStatistics();
    play(5000); // They take 4 MB.
    collect({ type: 'minor' });
    collect({ type: 'minor' });
    const kept = getHeapStatistics().used_heap_size - before;
    assert.ok(kept < 500_000, `${kept} bytes are kept`);
  });
});
