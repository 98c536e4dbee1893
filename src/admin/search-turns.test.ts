import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReaderTurns, waitingMax } from './search-turns.ts';

/** Takes turns for readers in this order, and ends each at once when it has come. Returns the order in which they came. */
async function orderOf(turns: ReaderTurns, readers: readonly string[]): Promise<string[]> {
  const order: string[] = [];
  await Promise.all(
    readers.map(async (reader) => {
      const end = await turns.take(reader);
      order.push(end === null ? `${reader} refused` : reader);
      end?.();
    }),
  );
  return order;
}

for (const [name, asked, expected] of [
  ['a reader that asks alone is answered in its order', 'aaa', 'aaa'],
  ['a reader waits for one request of another, however many that one has sent', 'aaaaaab', 'abaaaaa'],
  ['three readers take turns', 'aaabbbccc', 'abcabcabc'],
  ['a reader that comes later is behind those whose turn comes next', 'aabbc', 'abcab'],
] as const)
  test(name, async () => {
    const turns = new ReaderTurns();
    assert.equal((await orderOf(turns, [...asked])).join(''), expected);
    assert.equal((await orderOf(turns, ['z'])).join(''), 'z', 'no turn stays taken');
  });

test('a reader with too many waiting requests is refused, and no other reader', async () => {
  const turns = new ReaderTurns();
  const end = await turns.take('a');
  const waiting = Array.from({ length: waitingMax }, () => turns.take('a'));
  assert.ok(waiting.every((turn) => turn !== null));
  assert.equal(turns.take('a'), null);
  const other = turns.take('b');
  assert.ok(other !== null);
  end?.();
  for (const turn of [other, ...waiting]) (await turn)?.();
  assert.notEqual(turns.take('a'), null);
});

test('a turn that is ended twice ends once', async () => {
  const turns = new ReaderTurns();
  const end = await turns.take('a');
  const next = turns.take('b');
  const last = turns.take('c');
  end?.();
  end?.();
  let hasCome = false;
  void last?.then(() => {
    hasCome = true;
  });
  const endNext = await next;
  await new Promise(setImmediate);
  assert.ok(!hasCome, 'b still has its turn');
  endNext?.();
  assert.notEqual(await last, null);
});
