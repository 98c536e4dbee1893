import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentKinds, sizeCells } from '../core/content-kind.ts';
import type { PatternAnswers } from '../core/route-traffic.ts';
import { UsualAnswers } from './usual-answers.ts';

test('an answer costs little, however many sizes clients have asked for before', () => {
  const form = contentKinds.indexOf('html') * sizeCells;
  const answersOf = (cells: number): readonly PatternAnswers[] =>
    Array.from({ length: 500 }, (_, path) => {
      const answers = Array.from({ length: 20 }, (_, at) => [form + 1 + (at % cells), 10, 1]).flat();
      return { pattern: `/${path}`, answers, latencies: [] };
    });
  const timeWith = (sizes: number): number => {
    const usual = new UsualAnswers();
    for (let cell = 1; cell <= sizes; cell++)
      usual.add(
        answersOf(1).map((one) => ({ ...one, answers: [form + 1 + ((cell * 37) % 120), 10, 1] })),
        0,
      );
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      usual.compared(answersOf(20));
      return performance.now() - start;
    });
    return Math.min(...times);
  };
  timeWith(1);
  const [few, many] = [timeWith(1), timeWith(120)];
  assert.ok(many < 15 + 10 * few, `${many} ms instead of ${few}`);
});
