import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { IncomingMessage, request, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { waitingMax, SearchTurns } from '../../src/admin/search-turns.ts';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import type { SearchRequest, SearchResult } from '../../src/core/store-messages.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { until } from '../gateway/start-from-yaml.ts';

/** A gateway whose store answers a search when it is told to. */
class SlowStore extends FakeGateway {
  readonly #running: { readonly query: string; readonly answer: () => void }[] = [];

  override searchExchanges({ query }: SearchRequest): Promise<SearchResult> {
    return new Promise((resolve) => {
      const answer = (): void => resolve({ kind: 'page', exchanges: [], cursor: null, end: '0-0', timedOut: false });
      this.#running.push({ query, answer });
    });
  }

  get running(): readonly string[] {
    return this.#running.map(({ query }) => query);
  }

  answerOne(): void {
    this.#running.shift()?.answer();
  }
}

const secrets = { first: 'candor_of-the-first', second: 'candor_of-the-second' };
let folder: string;
let gateway: SlowStore;
let admin: AdminServer;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-turns-'));
  gateway = new SlowStore();
  const tokens = Object.entries(secrets).map(([name, secret]) => ({
    name,
    role: 'read' as const,
    hash: hashOfToken(secret),
  }));
  const spec = { socket: join(folder, 'admin.sock'), listen: { host: '127.0.0.1', port: 0 }, tokens, hosts: [] };
  admin = await startAdminServer({ gateway, spec, clock: new SimulatedClock() });
});
after(async () => {
  await admin.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** Sends a search, whose query is its token. */
function search(token: keyof typeof secrets): Promise<Answer> {
  const path = `/v1/exchanges?query=${token}`;
  const headers = { authorization: `Bearer ${secrets[token]}` };
  const sent = request({ host: '127.0.0.1', port: admin.address?.port, path, headers, agent: false });
  return new Promise((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      const retryAfter = response.headers['retry-after'];
      response.on('end', () => resolve({ status: response.statusCode ?? 0, retryAfter, text }));
    });
    sent.end();
  });
}

test('two tokens with many searches are answered in turn, and each is told when too many of its own wait', async () => {
  const refused: Answer[] = [];
  const answers: Promise<unknown>[] = [];
  const send = (token: keyof typeof secrets, count: number): void => {
    for (let number = 0; number < count; number += 1)
      answers.push(search(token).then((answer) => answer.status === 429 && refused.push(answer)));
  };
  send('first', 1);
  await until('the first search runs', () => gateway.running.length === 1);
  send('first', waitingMax + 1);
  await until('the first token is refused one', () => refused.length === 1);
  send('second', waitingMax + 1);
  await until('the second token is refused one', () => refused.length === 2);
  const order: string[] = [];
  while (order.length < 1 + 2 * waitingMax) {
    await until('the next search runs', () => gateway.running.length === 1);
    order.push(gateway.running[0] ?? '');
    gateway.answerOne();
  }
  const expected = Array.from({ length: 1 + 2 * waitingMax }, (_, turn) => (turn % 2 === 0 ? 'first' : 'second'));
  assert.deepEqual(order, expected);
  await Promise.all(answers);
  assert.deepEqual(
    refused.map(({ retryAfter }) => retryAfter),
    ['1', '1'],
  );
  assert.match(refused[0]?.text ?? '', /32 searches of this requester wait already/);
});

test('the search of a requester that has left while it waited is not done', async () => {
  const turns = new SearchTurns();
  const requester = {
    actor: 'admin:socket',
    role: 'operate',
    token: null,
    session: null,
    via: 'socket',
    secure: false,
    remote: null,
  } as const;
  const [here, left] = [0, 0].map(() => new ServerResponse(new IncomingMessage(new Socket())));
  assert.ok(here !== undefined && left !== undefined);
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  const searches = [
    turns.search(requester, here, () => first.promise),
    turns.search(requester, left, async () => void done.push('left')),
    turns.search(requester, here, async () => void done.push('here')),
  ];
  left.destroy();
  first.resolve();
  await Promise.all(searches);
  assert.deepEqual(done, ['here']);
});
