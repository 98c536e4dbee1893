import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutputLine, OutputSource } from '../core/output-line.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { OutputCapture } from './output-capture.ts';

const source: OutputSource = { application: 'shop', instance: 'shop/1', pid: 7, stream: 'stderr', path: null };

function captured(isWanted = true) {
  const clock = new SimulatedClock();
  const lines: OutputLine[] = [];
  const redactor = new TextRedactor();
  const capture = new OutputCapture({
    clock,
    redactor: () => redactor,
    isWanted: () => isWanted,
    send: (more) => lines.push(...more),
  });
  return { clock, lines, capture };
}

test('lines go to the store within 100 ms, without secrets', () => {
  const { clock, lines, capture } = captured();
  capture.note(source, 'Authorization: Bearer abcdef0123456789');
  assert.equal(lines.length, 0);
  clock.advanceSync(100);
  assert.equal(lines.length, 1);
  assert.deepEqual(lines[0]?.source, source);
  assert.doesNotMatch(lines[0]?.text ?? '', /abcdef/);
});

test('a private key is not stored, whatever its number of lines', () => {
  const { lines, capture } = captured();
  for (const line of ['-----BEGIN PRIVATE KEY-----', 'MIIEvQIBADANBg', 'q83vEjRWeJ', '-----END PRIVATE KEY-----', 'on'])
    capture.note(source, line);
  capture.flush();
  assert.doesNotMatch(JSON.stringify(lines), /MIIE|q83v/);
  assert.equal(lines.at(-1)?.text, 'on');
});

test('an application that prints too fast is told with its lines, since when, and until a minute later', () => {
  const { clock, capture } = captured();
  const began = clock.now();
  const told = (): unknown =>
    capture.leftOut.map(({ application, lines, recentLines, since, lastAt }) => [
      ...[application, lines, recentLines],
      ...[(since - began) / 1000, (lastAt - began) / 1000],
    ]);
  capture.note({ ...source, application: 'pay', instance: 'pay/1' }, 'paid');
  for (let n = 0; n < 1024; n += 1) capture.note(source, 'x'.repeat(1023));
  assert.deepEqual(told(), []);
  const tooFast = (afterMs: number): void => {
    clock.advanceSync(afterMs);
    for (let n = 0; n < 5000; n += 1) capture.note(source, 'x'.repeat(1023));
  };
  tooFast(1000);
  assert.deepEqual(told(), [['shop', 4936, 4936, 1, 1]]);
  tooFast(1000);
  assert.deepEqual(told(), [['shop', 9872, 9872, 1, 2]]);
  clock.advanceSync(70_000);
  assert.deepEqual(told(), [['shop', 9872, 0, 1, 2]]);
  tooFast(0);
  assert.deepEqual(told(), [['shop', 13848, 3976, 72, 72]]);
});

test('of an application that prints too fast the rest is left out and counted, and others are not affected', () => {
  const { clock, lines, capture } = captured();
  for (let n = 0; n < 1100; n += 1) capture.note(source, 'x'.repeat(1023));
  capture.note({ ...source, application: 'pay', instance: 'pay/1' }, 'paid');
  capture.flush();
  const stored = lines.filter(({ text }) => text.startsWith('x')).length;
  assert.equal(stored, 1024);
  assert.equal(lines.find(({ text }) => text === 'paid')?.leftOut, 0);
  assert.deepEqual(
    lines.filter(({ leftOut }) => leftOut > 0).map(({ text, leftOut }) => [text, leftOut]),
    [['', 1100 - stored]],
  );
  lines.length = 0;
  clock.advanceSync(1000);
  capture.note(source, 'later');
  capture.flush();
  assert.deepEqual(
    lines.map(({ text, leftOut }) => [text, leftOut]),
    [['later', 0]],
  );
});

test('without a store nothing is kept and no timer runs', () => {
  const { clock, lines, capture } = captured(false);
  capture.note(source, 'on');
  clock.advanceSync(1000);
  capture.flush();
  assert.deepEqual(lines, []);
});
