// Only `npm run test:complete` runs this file: an endpoint is called late half a minute after it became ready.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// One of three endpoints fails, or is slow, or answers nothing any more, while its checks pass. Ten seconds later visitors hardly notice it.

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const well: Answer = (_, response) => void setTimeout(() => response.end('well'), 5);

/** What the first of three endpoints does; `limitMs`: what took longer counts as slow. */
const troubles: readonly (readonly [name: string, does: string, answer: Answer, limitMs: number])[] = [
  ['errors', 'answers 500', (_, response) => void response.writeHead(500).end('no'), 3000],
  ['gray', 'answers 300 ms later', (_, response) => void setTimeout(() => response.end('late'), 305), 250],
  ['slow', 'answers after 3 s', (_, response) => void setTimeout(() => response.end('late'), 3000), 1500],
  ['hole', 'answers nothing', () => undefined, 1500],
];

const perS = 60;
const clients = 12;
const beginsAfterMs = 32_000;
const watchedMs = 20_000;

interface Trouble {
  readonly servers: readonly Server[];
  isBroken: boolean;
  badAfterTenS: number;
}

const played = new Map<string, Trouble>();
let edge: YamlGateway;

before(async () => {
  for (const [name, , answer] of troubles) {
    const trouble: Trouble = { servers: [], isBroken: false, badAfterTenS: 0 };
    const answers: readonly Answer[] = [(...both) => (trouble.isBroken ? answer : well)(...both), well, well];
    const servers = await Promise.all(answers.map(listening));
    played.set(name, Object.assign(trouble, { servers }));
  }
  const lines = [...played].map(([name, { servers }]) => `  ${name}: [${servers.map(addressOf).join(', ')}]`);
  const routes = [...played.keys()].map((name) => `  - { id: ${name}, path: /${name}, to: ${name} }`);
  edge = await startFromYaml(`upstreams:\n${lines.join('\n')}\nroutes:\n${routes.join('\n')}`);
  await load();
});

after(async () => {
  await edge?.stop();
  for (const { servers } of played.values())
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
});

async function listening(answer: Answer): Promise<Server> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((listens) => server.once('listening', listens));
  return server;
}

const addressOf = (server: Server): string => `"127.0.0.1:${(server.address() as AddressInfo).port}"`;

/** Requests to all four, of which the troubles begin after half a minute. */
async function load(): Promise<void> {
  const began = performance.now();
  for (let sent = 0; performance.now() - began < beginsAfterMs + watchedMs; sent++) {
    const passedMs = performance.now() - began;
    for (const [name, , , limitMs] of troubles) {
      const trouble = played.get(name) as Trouble;
      trouble.isBroken = passedMs >= beginsAfterMs;
      const counts = passedMs >= beginsAfterMs + 10_000;
      void get(name, sent % clients).then(({ status, ms }) => {
        if (counts && (status !== 200 || ms > limitMs)) trouble.badAfterTenS += 1;
      });
    }
    await sleep((1000 / perS) * (sent + 1) - (performance.now() - began));
  }
  // Those that are still answered.
  await sleep(4000);
}

function get(name: string, client: number): Promise<{ readonly status: number; readonly ms: number }> {
  const began = performance.now();
  return new Promise((done) => {
    const end = (status: number): void => done({ status, ms: performance.now() - began });
    const sent = request({
      ...edge.address(),
      path: `/${name}`,
      localAddress: `127.0.66.${client + 1}`,
      timeout: 3500,
    });
    sent.on('response', (response) => {
      response.resume();
      response.on('end', () => end(response.statusCode ?? 0));
    });
    sent.on('error', () => end(0));
    sent.on('timeout', () => sent.destroy());
    sent.end();
  });
}

for (const [name, does] of troubles)
  test(`ten seconds after one of three endpoints ${does}, hardly a request meets it: 3 % of a fair share`, () => {
    const { badAfterTenS } = played.get(name) as Trouble;
    const fairShare = (perS * (watchedMs - 10_000)) / 1000 / 3;
    assert.ok(badAfterTenS <= 0.03 * fairShare, `${badAfterTenS} of ${Math.round(fairShare)}`);
  });
