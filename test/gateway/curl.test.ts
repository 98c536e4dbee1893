// Starts processes: curl is the client.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { findPeer } from '../../scripts/peers.ts';
import { EarlyOrigin } from './early-origin.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Whether a client can distinguish a complete answer from a part of one. curl reports it by its exit code: 18 is a transfer that
// ended early, 56 a connection that was reset, 0 an answer that curl takes for complete.

const program = findPeer('curl');
const options = { skip: 'missing' in program ? program.missing : false };

let origin: RawOrigin;
let edge: YamlGateway;
before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
timeouts: { idle: 300ms }
`);
});
after(() => edge.stop());
after(() => origin.close());
beforeEach(() => {
  origin.forget();
});

interface Curled {
  readonly exit: number | null;
  readonly status: number;
  readonly body: string;
  readonly id: string;
}

/** Runs curl with these arguments on "/", and returns its output and exit code. */
async function curl(args: readonly string[], input: Uint8Array | null = null): Promise<Curled> {
  const { host, port } = edge.address();
  const write = ['-w', '%{stderr}%{http_code} %header{x-request-id}'];
  assert.ok('path' in program);
  const all = ['-s', '-N', '-m', '25', ...write, ...args, `http://${host}:${port}/`];
  const child = spawn(program.path, all, { env: { ...process.env, ...program.env } });
  const out: Buffer[] = [];
  let facts = '';
  child.stdout.on('data', (bytes: Buffer) => void out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => {
    facts += bytes.toString();
  });
  child.stdin.on('error', () => {}); // curl may end before it has read all of its input.
  child.stdin.end(input ?? undefined);
  const exit = await new Promise<number | null>((resolve) => void child.on('close', resolve));
  const [status = '0', id = ''] = facts.trim().split(' ');
  return { exit, status: Number(status), body: Buffer.concat(out).toString('latin1'), id };
}

type Manner = (socket: Socket) => void;
const manners: Readonly<Record<string, Manner>> = {
  closes: (socket) => void socket.end(),
  resets: (socket) => void socket.resetAndDestroy(),
  'says nothing more': () => {},
};

interface Form {
  /** The head and the first body bytes, and how the origin goes on. */
  readonly head: string;
  readonly piece: (body: string) => string;
}

const forms: Readonly<Record<string, Form>> = {
  'by length': { head: 'Content-Length: 1000000\r\n', piece: (body) => body },
  'in chunks': {
    head: 'Transfer-Encoding: chunked\r\n',
    piece: (body) => `${body.length.toString(16)}\r\n${body}\r\n`,
  },
  'within a chunk': {
    head: 'Transfer-Encoding: chunked\r\n',
    piece: (body) => `${(body.length + 5).toString(16)}\r\n${body}`,
  },
  'until the close': { head: '', piece: (body) => body },
};

describe('an answer that breaks', options, () => {
  for (const [form, { head, piece }] of Object.entries(forms)) {
    for (const [how, end] of Object.entries(manners)) {
      // Such an answer ends only with its connection: if the origin closes the connection, the answer is complete.
      if (form === 'until the close' && how === 'closes') continue;
      for (const [version, flag] of [
        ['HTTP/1.1', '--http1.1'],
        ['HTTP/1.0', '--http1.0'],
      ] as const) {
        test(`after the commit is never complete to ${version}: sent ${form}, and the origin ${how}`, async () => {
          const body = 'candor. '.repeat(10_000);
          origin.answer = () => (socket) => {
            socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n${piece(body)}`);
            // Longer than the response hold, so that the beginning has been forwarded when the end comes.
            setTimeout(() => end(socket), 150);
          };
          const curled = await curl([flag]);
          const record = await edge.record(curled.id);
          // A length tells curl that the answer is short. An answer that ends with the connection must end with a reset.
          const byReset = version === 'HTTP/1.0' && form !== 'by length';
          assert.deepEqual([curled.status, curled.exit], [200, byReset ? 56 : 18]);
          if (!byReset) assert.ok(curled.body === body, 'all bytes that came are forwarded');
          assert.ok(body.startsWith(curled.body), 'and no other bytes');
          assert.deepEqual([record.end, record.status, record.whose], ['truncated', 200, 'application']);
          assert.equal(record.attempts[0]?.retry_reason, 'committed');
        });
      }

      test(`before the commit is a 502: sent ${form}, and the origin ${how}`, async () => {
        origin.answer = () => (socket) => {
          socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n${piece('only this')}`);
          if (how !== 'says nothing more') end(socket);
        };
        const curled = await curl(['-X', 'POST']);
        // An origin that says nothing more may be streaming: the response is committed after the hold.
        const expected = how === 'says nothing more' ? [200, 18] : [502, 0];
        assert.deepEqual([curled.status, curled.exit], expected);
        const record = await edge.record(curled.id);
        assert.deepEqual([record.end, record.received_status], [expected[0] === 502 ? 'generated' : 'truncated', 200]);
        assert.equal(origin.requests.length, 1);
      });
    }
  }

  test('before the commit is retried if the request is safe to repeat', async () => {
    const second = await RawOrigin.start(() => ok('whole'));
    try {
      const both = `{ endpoints: ["${origin.address}", "${second.address}"], check: none }`;
      // Under another name: the failures of the tests before must not eject the first endpoint at once.
      const outcome = await edge.reload(`upstreams: { both: ${both} }\ntimeouts: { idle: 300ms }\n`);
      assert.ok(outcome.ok, JSON.stringify(outcome));
      origin.answer = () => (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\npart');
      let replayed = 0;
      for (let time = 0; time < 12; time++) {
        const curled = await curl([]);
        assert.deepEqual([curled.exit, curled.status, curled.body], [0, 200, 'whole']);
        const record = await edge.record(curled.id);
        assert.equal(record.end, 'forwarded');
        if (record.attempts.length === 1) continue;
        replayed++;
        const [first, last] = record.attempts;
        assert.deepEqual([first?.retry_reason, first?.cause], ['idempotent', 'response_body_short']);
        assert.equal(last?.retry_reason, 'accepted');
      }
      assert.ok(replayed > 0, 'an answer was retried');
    } finally {
      await edge.reload(
        `upstreams: { app: { endpoints: "${origin.address}", check: none } }\ntimeouts: { idle: 300ms }\n`,
      );
      await second.close();
    }
  });
});

describe('an upload that is answered early', options, () => {
  const large = Buffer.alloc(24 * 1024 * 1024, 'x');
  const answer = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much';
  const refusals: Readonly<Record<string, Manner>> = {
    'reads on': (socket) => void socket.write(answer),
    'reads no more': (socket) => void socket.pause().write(answer),
    closes: (socket) => void socket.end(answer, () => socket.destroy()),
    resets: (socket) => void socket.write(answer, () => socket.resetAndDestroy()),
  };

  for (const [how, refuse] of Object.entries(refusals)) {
    for (const [framing, args] of [
      ['by length', ['--data-binary', '@-']],
      ['in chunks', ['-T', '-']],
      ['without waiting', ['--data-binary', '@-', '-H', 'Expect:']],
    ] as const) {
      test(`shows curl the answer, sent ${framing} to an origin that ${how}`, async () => {
        const early = await EarlyOrigin.start(refuse);
        const outcome = await edge.reload(
          `upstreams: { app: { endpoints: "127.0.0.1:${early.port}", check: none } }\ntimeouts: { idle: 5s }\n`,
        );
        assert.ok(outcome.ok, JSON.stringify(outcome));
        try {
          const curled = await curl([...args], large);
          assert.deepEqual([curled.exit, curled.status, curled.body], [0, 413, 'too much']);
          const record = await edge.record(curled.id);
          assert.deepEqual([record.end, record.status, record.cause], ['forwarded', 413, null]);
        } finally {
          early.close();
        }
      });
    }
  }
});

test('no exchange and no client is left after these tests', async () => {
  await until('no exchange and no client is left', () => edge.counts().active === 0 && edge.counts().clients === 0);
  assert.equal(edge.counts().unclassified, 0);
});
