import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { EndpointAnswers } from './endpoint-answers.ts';

test('answers in HTTP count from the first answer that is none', () => {
  const answers = new EndpointAnswers(new SimulatedClock());
  for (let earlier = 0; earlier < 5; earlier++) answers.onHttp();
  assert.equal(answers.onNotHttp(), 0);
  assert.equal(answers.onNotHttp(), 0);
  answers.onHttp();
  answers.onHttp();
  assert.equal(answers.onNotHttp(), 2);
});

test('ten answers in a row that are no HTTP may be of the application, more are of another program', () => {
  const answers = new EndpointAnswers(new SimulatedClock());
  answers.onNotHttp();
  answers.onHttp();
  const counts = Array.from({ length: 12 }, () => answers.onNotHttp());
  assert.deepEqual(counts, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
  answers.onHttp();
  assert.equal(answers.onNotHttp(), 1);
});

test('answers of more than five minutes ago say nothing of who answers now', () => {
  const clock = new SimulatedClock();
  const answers = new EndpointAnswers(clock);
  answers.onNotHttp();
  answers.onHttp();
  clock.advanceSync(300_001);
  assert.equal(answers.onNotHttp(), 0);
});
