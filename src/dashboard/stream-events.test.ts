import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamEvents } from './stream-events.ts';

const stream =
  ': here\n\nevent: status\ndata: {"a":1}\n\ndata: x\r\ndata: y\r\n\r\nid: 7\nevent: change\ndata:z\n\nevent: empty\n\n';
const events = [
  { name: 'status', data: '{"a":1}' },
  { name: 'message', data: 'x\ny' },
  { name: 'change', data: 'z' },
];

test('reads the events of a stream, comments and events without data apart', () => {
  assert.deepEqual(new StreamEvents().take(stream), events);
});

test('reads the same wherever the stream is divided between lines', () => {
  const text = stream.replaceAll('\r\n', '\n');
  for (let at = 0; at <= text.length; at++) {
    const reader = new StreamEvents();
    assert.deepEqual([...reader.take(text.slice(0, at)), ...reader.take(text.slice(at))], events);
  }
});
