import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loopUseIn } from '../../bench/loop-lines.ts';

const line = (thread: string, loops: number, more = ''): string =>
  `loop-probe ${JSON.stringify({ thread, loops, events: loops * 2, activeMs: loops / 10, idleMs: loops })}${more}`;

it('the use of an event loop is the difference of the first and the last line of its thread', () => {
  const text = [
    'started',
    line('main', 10),
    line('candor worker 1', 100),
    line('main', 14),
    'loop-probe {"cut',
    line('candor worker 1', 300),
    line('candor worker 1', 500),
  ];
  assert.deepEqual(loopUseIn(text.join('\n')), [
    { thread: 'main', loops: 4, events: 8, activeMs: 1.4 - 1, idleMs: 4 },
    { thread: 'candor worker 1', loops: 400, events: 800, activeMs: 40, idleMs: 400 },
  ]);
});
