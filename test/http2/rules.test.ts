import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { requestRules } from '#failures/rules.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { framesOf, headersFrame, ping, requestHeaders, type SeenFrame, setting, settings, types } from './frames.ts';
import { RawHttp2 } from './raw-http2.ts';
import { type Refused, type RuleCase, ruleCases } from './rules.ts';

/** Of the request that shows that the connection goes on: behind the streams of all cases. */
const lastStream = 9001;

describe('a client that breaks RFC 9113', () => {
  let silent: Server;
  let gateway: YamlGateway;

  before(async () => {
    silent = createServer((socket) => void socket.on('error', () => {}).resume());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    gateway = await startFromYaml(`
listeners: { http: { bind: "127.0.0.1:0", http2: true } }
upstreams: { silent: { endpoints: "127.0.0.1:${port}", check: none } }
routes: [{ path: /hang, to: silent, buffer: none }, { path: /, respond: { body: here } }]
`);
  });
  after(async () => {
    await gateway?.stop();
    silent?.close();
  });

  for (const rule of ruleCases) {
    test(`§${rule.section}: ${rule.name}`, async () => {
      const line = new RawHttp2(gateway.connect());
      try {
        if (rule.isBare !== true) line.begin();
        line.send(...rule.send);
        if (rule.afterwards !== undefined) {
          assert.equal((await line.answer(1))?.status, 200);
          line.send(...rule.afterwards);
        }
        if (typeof rule.outcome === 'object' && 'goAway' in rule.outcome) {
          await line.until(() => line.hasEnded);
          assert.equal(line.goAway, rule.outcome.goAway);
          assert.equal(line.client.state, 'fin', 'the client can read the GOAWAY');
          return;
        }
        await comesOut(line, rule);
        if (rule.isFull !== true) await goesOn(line);
      } finally {
        line.close();
      }
    });
  }

  async function comesOut(line: RawHttp2, { outcome }: RuleCase): Promise<void> {
    line.send(ping());
    assert.ok(
      (await line.until(() => line.pongs() > 0 || line.hasEnded)) && !line.hasEnded,
      `the connection ended: ${line.goAway}`,
    );
    if (outcome === 'ignored') {
      assert.equal(line.resetOf(1), null);
      assert.equal(line.response(1), null);
    } else if (outcome === 'served') {
      const answer = await line.answer(1);
      assert.equal(answer?.status, 200);
      assert.ok(answer.isWhole);
    } else if (outcome === 'one-byte') {
      await line.until(() => (line.response(1)?.body.length ?? 0) > 0);
      assert.equal(line.response(1)?.body.toString(), 'h');
      line.send(settings(setting(4, 65_535)));
      assert.equal((await line.answer(1))?.body.toString(), 'here');
    } else if ('reset' in outcome) {
      const { reset, stream = 1 } = outcome;
      await line.until(() => line.resetOf(stream) !== null);
      assert.equal(line.resetOf(stream), reset);
      assert.equal(stream === 1 ? null : line.resetOf(1), null);
    } else if ('frame' in outcome) {
      const [expected] = framesOf(outcome.frame, 0).frames;
      const isIt = ({ type, flags, streamId, payload }: SeenFrame): boolean =>
        type === expected?.type && flags === expected.flags && streamId === 0 && payload.equals(expected.payload);
      assert.ok(await line.until(() => line.frames.some(isIt)));
    } else if ('refused' in outcome) await isRefused(line, outcome);
  }

  async function isRefused(line: RawHttp2, { refused: rule, status, error }: Refused): Promise<void> {
    const answer = await line.answer(1);
    assert.equal(answer?.status, status);
    assert.ok(answer.isWhole);
    if (error !== null) {
      await line.until(() => line.resetOf(1) !== null);
      assert.equal(line.resetOf(1), error);
      const own = line.frames.filter(({ streamId }) => streamId === 1);
      assert.equal(own.at(-1)?.type, types.rstStream, 'nothing follows on the stream');
    } else assert.notEqual(line.resetOf(1), 'PROTOCOL_ERROR');
    const { reason, section } = requestRules[rule];
    const { detail } = JSON.parse(answer.body.toString()) as { detail: string };
    assert.equal(detail, `The request was refused because ${reason} (${section}).`);
    const { cause, evidence, attempts } = await gateway.record(answer.headers.get('x-request-id') ?? '');
    assert.equal(cause, 'request_refused');
    // An attempt that ended by it has the evidence.
    const known = (evidence ?? attempts.at(-1)?.evidence) as
      | { readonly rule?: string; readonly code?: string }
      | undefined;
    assert.deepEqual([known?.rule, known?.code ?? null], [rule, error]);
  }

  /** The connection serves a further request. */
  async function goesOn(line: RawHttp2): Promise<void> {
    line.send(headersFrame(lastStream, requestHeaders()));
    const answer = await line.answer(lastStream);
    assert.equal(answer?.status, 200, `GOAWAY: ${line.goAway}`);
    assert.equal(answer.body.toString(), 'here');
    assert.equal(line.goAway, null);
  }
});
