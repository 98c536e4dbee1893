import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawOrigin } from './raw-origin.ts';
import { timeoutMs, requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Server-sent events must arrive without delay. The tests measure the time from the origin's write to the client's read. Both are
// in this thread, so the time includes both turns of its event loop and the load of the machine.

let origin: RawOrigin;
let edge: YamlGateway;
before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(`upstreams: { app: { endpoints: "${origin.address}", check: none } }`);
});
after(() => edge.stop());
after(() => origin.close());
beforeEach(() => {
  origin.forget();
});

const eventsMax = 150;

/** Sends events with pauses between them, and returns the delay of each in milliseconds. */
async function delaysOf(head: string, wrap: (event: string) => string): Promise<number[]> {
  let asked: Socket | null = null;
  origin.answer = () => (socket) => {
    asked = socket;
  };
  const client = edge.connect();
  client.write(requestText('GET', '/events', ['Accept: text/event-stream']));
  await until('the origin has the request', () => asked !== null);
  const socket = asked as unknown as Socket;
  socket.setNoDelay(true).write(`HTTP/1.1 200 OK\r\n${head}\r\n`);
  const delays: number[] = [];
  for (let event = 0; event < eventsMax; event++) {
    // Not in step with any timer of the gateway.
    await sleep(event % 7);
    const text = `data: ${event} is what happened\n\n`;
    const writtenAt = performance.now();
    socket.write(wrap(text));
    assert.ok(await client.waitFor(() => client.bytes.includes(text), timeoutMs), `event ${event} has come`);
    delays.push(performance.now() - writtenAt);
    client.forget();
  }
  client.close();
  await until('the connection to the origin is closed', () => socket.destroyed);
  return delays.sort((a, b) => a - b);
}

const chunk = (event: string): string => `${event.length.toString(16)}\r\n${event}\r\n`;
const chunked = 'Transfer-Encoding: chunked\r\n';

describe('server-sent events reach the client as they happen', () => {
  for (const [what, head, wrap] of [
    ['in chunks', `Content-Type: text/event-stream\r\n${chunked}`, chunk],
    ['until the close', 'Content-Type: text/event-stream; charset=utf-8\r\n', String],
    [
      'of another type, with X-Accel-Buffering: no',
      `Content-Type: text/plain\r\nX-Accel-Buffering: no\r\n${chunked}`,
      chunk,
    ],
    ['of another type, recognized by their pauses', `Content-Type: text/plain\r\n${chunked}`, chunk],
  ] as const) {
    test(what, async (context) => {
      const delays = await delaysOf(head, wrap);
      const at = (share: number): number => delays[Math.floor((delays.length - 1) * share)] as number;
      context.diagnostic(`p50 ${at(0.5).toFixed(2)} ms, p99 ${at(0.99).toFixed(2)} ms, most ${at(1).toFixed(2)} ms`);
      // An event without delay takes 1 ms. The response hold would add 10 to 50 ms to each event, a buffer seconds.
      assert.ok(at(0.25) < 10, `three of four take more than ${at(0.25)} ms`);
      // Longer delays come from the machine, which may be busy with other tests.
      assert.ok(at(0.99) < 500, `one of a hundred takes more than ${at(0.99)} ms`);
    });
  }

  test('and the head comes alone when the first event takes long', async () => {
    let asked: Socket | null = null;
    origin.answer = () => (socket) => {
      asked = socket;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n${chunked}\r\n`);
    };
    const client = edge.connect();
    client.write(requestText('GET', '/events'));
    assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\n'), timeoutMs));
    assert.ok(asked !== null);
    await sleep(100); // An earlier FIN might mean that no further request follows (ADR 10).
    client.close();
    await until('the connection to the origin is closed', () => (asked as unknown as Socket).destroyed);
  });
});

test('no exchange and no client is left after these tests', async () => {
  await until('no exchange and no client is left', () => edge.counts().active === 0 && edge.counts().clients === 0);
});
