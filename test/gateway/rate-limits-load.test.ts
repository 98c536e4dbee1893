import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
import { undisturbed } from '../undisturbed.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// The short form shows that both workers count together: apart they would admit twice as many. That what is admitted is exact to 1 % takes seconds.
const { rate, burst, askedPerS, seconds, toleranceShare } = isWholeSweep
  ? { rate: 100, burst: 50, askedPerS: 1000, seconds: 12, toleranceShare: 0.01 }
  : { rate: 20, burst: 10, askedPerS: 400, seconds: 1, toleranceShare: 0.2 };
const names = ['one', 'two', 'three', 'four'] as const;
const keyOf = (name: string): string => `candor_key_${name}-of-four`;

/** Of one key, in the order of the answers. They come as late where a machine is busy as the requests have come to the gateway. */
type Answers = { readonly status: number; readonly atMs: number }[];

/** How many of these a bucket admits that holds `burst` requests and is refilled at the rate. */
function expectedOf(answers: Answers): number {
  let [left, admitted, before] = [burst, 0, answers[0]?.atMs ?? 0];
  for (const { atMs } of answers) {
    left = Math.min(burst, left + ((atMs - before) * rate) / 1000);
    before = atMs;
    if (left < 1) continue;
    left -= 1;
    admitted += 1;
  }
  return admitted;
}

test(
  `${askedPerS} requests each second of four keys, ${rate} of which each may send, are admitted at their rate`,
  { timeout: 120_000 },
  (context) =>
    undisturbed(async () => {
      const origin = await RawOrigin.start(() => ok('well'));
      const keys = names.map((name) => `${name}:${createHash('sha256').update(keyOf(name)).digest('hex')}\n`).join('');
      const edge = await startFromYaml(
        `
workers: 2
upstreams: { app: "${origin.address}" }
routes:
  - { to: app, authentication: { api_keys: { keys_file: keys } }, rate_limits: { name: each, by: user, rate: ${rate}/s, burst: ${burst} } }
`,
        { files: { keys } },
      );
      const agent = new Agent({ keepAlive: true, maxSockets: 16 });
      try {
        for (const [name, answers] of await ask(edge, agent)) {
          const count = answers.filter(({ status }) => status === 200).length;
          assert.equal(answers.length - count, answers.filter(({ status }) => status === 429).length);
          const expected = expectedOf(answers);
          context.diagnostic(`${name}: ${count} of ${answers.length} admitted, ${expected} expected`);
          assert.ok(Math.abs(count - expected) <= toleranceShare * expected, `${name}: ${count}, and not ${expected}`);
          if (isWholeSweep) assert.ok(answers.length > 1.5 * count, 'the machine could not send more than is admitted');
        }
      } finally {
        agent.destroy();
        await edge.stop();
        await origin.close();
      }
    }),
);

/** Sends what is due, whatever becomes of earlier requests. */
async function ask(edge: YamlGateway, agent: Agent): Promise<Map<string, Answers>> {
  const { host, port } = edge.address();
  const answers = new Map<string, Answers>(names.map((name) => [name, []]));
  const began = performance.now();
  const all: Promise<void>[] = [];
  const send = (name: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${keyOf(name)}` };
      const asked = request({ host, port, agent, headers }, (response) => {
        answers.get(name)?.push({ status: response.statusCode ?? 0, atMs: performance.now() });
        response.resume().on('end', resolve);
      });
      asked.on('error', reject).end();
    });
  for (let index = 0; index < seconds * askedPerS; index++) {
    const dueMs = began + (index * 1000) / askedPerS - performance.now();
    if (dueMs > 1) await sleep(dueMs);
    all.push(send(names[index % names.length] as string));
  }
  await Promise.all(all);
  return answers;
}
