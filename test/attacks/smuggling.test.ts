import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestText, startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { type SmugglingPayload, smugglingPayloads } from './smuggling.ts';
import { StrictOrigin, type StrictRequest } from './strict-origin.ts';

/** After this long without an octet nothing more is said; the gateway closes by itself after every refusal. */
const quietMs = 40;

describe('smuggling', () => {
  let origin: StrictOrigin;
  let gateway: YamlGateway;

  before(async () => {
    origin = await StrictOrigin.start();
    gateway = await startFromYaml(`upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", check: none } }`);
  });

  after(async () => {
    await gateway.stop();
    await origin.close();
  });

  it('has sixty payloads at least, each under a name of its own', () => {
    assert.ok(smugglingPayloads.length >= 60);
    assert.equal(new Set(smugglingPayloads.map(({ name }) => name)).size, smugglingPayloads.length);
  });

  for (const payload of smugglingPayloads) {
    it(`${payload.name}: no request reaches the origin that was not counted, in one piece`, async () => {
      await attack(payload, (octets) => [octets]);
    });
    it(`${payload.name}: no request reaches the origin that was not counted, cut in the middle of lines`, async () => {
      await attack(payload, (octets) => octets.match(/[^]{1,13}/g) ?? []);
    });
  }

  async function attack(payload: SmugglingPayload, cut: (octets: string) => readonly string[]): Promise<void> {
    origin.forget();
    const statuses = await statusesFor(cut(payload.octets));
    assert.deepEqual(statuses, payload.answers);
    // Whoever comes next, perhaps on the same connection to the origin, gets the answer to their own question.
    const victim = await gateway.send(requestText('GET', `/victim?${payload.name.length}`));
    assert.match(victim.content.toString(), /^you asked GET \/victim/);

    assert.deepEqual(origin.complaints, []);
    const reached = origin.requests.slice(0, -1);
    assert.equal(reached.length, payload.reaches, reached.map(({ line }) => line).join('; '));
    const ids = reached.map(idOf);
    assert.equal(new Set(ids).size, ids.length, 'one exchange sent two requests');
    for (const id of ids) assert.equal((await gateway.record(id)).upstream, 'app');
  }

  /** The statuses of all answers, up to the connection's end or a pause. */
  async function statusesFor(pieces: readonly string[]): Promise<number[]> {
    const client = gateway.connect();
    try {
      for (const piece of pieces) {
        client.write(piece);
        if (pieces.length > 1) await sleep(0);
      }
      await until('an answer', () => client.pieces.length > 0 || client.state !== 'open');
      let seen = -1;
      while (client.state === 'open' && seen !== client.octets.length) {
        seen = client.octets.length;
        await sleep(quietMs);
      }
      const text = client.octets.toString('latin1');
      return [...text.matchAll(/^HTTP\/1\.1 ([2-5]\d\d) /gm)].map(([, status]) => Number(status));
    } finally {
      client.close();
    }
  }
});

/** The gateway's marks, exactly once each: a request without them is none of its own. */
function idOf({ line, fields }: StrictRequest): string {
  const values = (name: string): string[] => fields.filter(([n]) => n === name).map(([, value]) => value);
  assert.match(values('via').join('|'), /^1\.[01] edge\.test$/, line);
  const [id = ''] = values('x-request-id');
  assert.equal(values('x-request-id').length, 1, line);
  return id;
}
