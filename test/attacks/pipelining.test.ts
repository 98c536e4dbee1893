import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startFromYaml, until } from '../gateway/start-from-yaml.ts';

const request = 'GET /here HTTP/1.1\r\nHost: a\r\n\r\n';
/** Fits into one read. */
const many = 2000;

test('a client that sends two thousand requests at once gets two thousand answers, and other clients get theirs in between', async () => {
  const gateway = await startFromYaml('workers: 1\nroutes: [{ path: /here, respond: { status: 200, body: here } }]');
  const greedy = connect(gateway.address());
  const modest = connect(gateway.address());
  try {
    const answers = { greedy: 0, modest: 0, greedyAtModest: -1 };
    count(modest, () => {
      answers.modest++;
      answers.greedyAtModest = answers.greedy;
    });
    count(greedy, () => void answers.greedy++);
    await Promise.all([once(greedy, 'connect'), once(modest, 'connect')]);
    modest.write(request);
    await until('the request is received', () => answers.modest === 1);
    greedy.write(request.repeat(many));
    await until('the first answer has begun', () => answers.greedy > 0);
    modest.write(request);
    await until('all requests have been answered', () => answers.greedy === many && answers.modest === 2, 20_000);
    assert.ok(answers.greedyAtModest < many, 'the other client did not wait for all of them');
  } finally {
    greedy.destroy();
    modest.destroy();
    await gateway.stop();
  }
});

function count(socket: Socket, once: () => void): void {
  let rest = '';
  socket.on('data', (bytes: Buffer) => {
    const parts = (rest + bytes.toString('latin1')).split('\r\n\r\nhere');
    rest = parts.pop() ?? '';
    for (const _ of parts) once();
  });
}
