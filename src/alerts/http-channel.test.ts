import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { AlertChannelSpec } from '../core/alert.ts';
import { systemClock } from '../system/system.ts';
import { alertSample } from './alert-samples.test-support.ts';
import type { AlertChannel, SendResult } from './channel.ts';
import { createChannel } from './create-channel.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let base: string;
/** What the server does next. */
let handle: Handler;
let bodies: Record<string, unknown>[];
let requests: IncomingMessage[];

before(async () => {
  server = createServer((request, response) => {
    requests.push(request);
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      bodies.push(JSON.parse(text) as Record<string, unknown>);
      handle(request, response);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

function channelOf(spec: AlertChannelSpec): AlertChannel {
  return createChannel(spec, { clock: systemClock, userAgent: 'Candor/test', ownName: 'localhost' });
}

async function send(
  spec: AlertChannelSpec,
  with_: Handler,
  message = alertSample,
  signal = new AbortController().signal,
): Promise<SendResult> {
  handle = with_;
  bodies = [];
  requests = [];
  return channelOf(spec).send({ alert: message, link: 'https://gw.example.org/#/incidents/3' }, signal);
}

const answer =
  (status: number, body = '', headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    void response.writeHead(status, headers).end(body);
const webhook = (): AlertChannelSpec => ({ type: 'webhook', url: `${base}/hook`, token: 'very-secret', ca: [] });

test('a webhook gets the whole alert as JSON, with its version and the token', async () => {
  const result = await send(webhook(), answer(204));
  assert.equal(result.ok, true);
  const [body] = bodies;
  assert.equal(requests[0]?.headers.authorization, 'Bearer very-secret');
  assert.equal(requests[0]?.headers['user-agent'], 'Candor/test');
  assert.deepEqual(
    [body?.['version'], body?.['key'], body?.['next_step'], body?.['link'], body?.['at'], body?.['incident']],
    [
      1,
      'incident:run-1-3',
      alertSample.nextStep,
      'https://gw.example.org/#/incidents/3',
      '2026-01-01T00:00:00.000Z',
      3,
    ],
  );
  assert.ok(!result.exchange.join('\n').includes('very-secret'));
});

const faults: readonly (readonly [
  fault: string,
  handler: Handler,
  reason: RegExp,
  isRetriable: boolean,
  retryAfterMs?: number,
])[] = [
  ['answers 500', answer(500, 'oh no'), /answered 500/, true],
  ['answers 429 with Retry-After', answer(429, '', { 'Retry-After': '7' }), /answered 429/, true, 7000],
  ['answers 429 with a fraction of seconds', answer(429, '', { 'Retry-After': '0.65' }), /answered 429/, true, 1000],
  ['answers 503', answer(503), /answered 503/, true],
  ['answers 404', answer(404), /answered 404/, false],
  ['answers 401', answer(401), /answered 401/, false],
  ['redirects', answer(302, '', { Location: '/elsewhere' }), /answered 302/, false],
  ['closes the connection', (request) => void request.socket.destroy(), /closed the connection/, true],
  ['sends garbage', (request) => void request.socket.end('\u0000\u0001 what?\r\n\r\n'), /no HTTP/, true],
  [
    'closes in the middle of its answer',
    (request) => void request.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
    /closed the connection/,
    true,
  ],
];

describe('a target that', () => {
  for (const [fault, handler, reason, isRetriable, retryAfterMs = null] of faults)
    test(`${fault} ${isRetriable ? 'gets the message again' : 'does not get it again'}, and the reason is said`, async () => {
      const result = await send(webhook(), handler);
      assert.equal(result.ok, false);
      assert.match(result.reason, reason);
      assert.notEqual(result.nextStep, '');
      assert.deepEqual([result.isRetriable, result.retryAfterMs], [isRetriable, retryAfterMs]);
    });

  test('hangs is left when the caller aborts', async () => {
    const controller = new AbortController();
    const result = await send(webhook(), () => controller.abort(), alertSample, controller.signal);
    assert.match(result.reason, /did not answer in time/);
  });

  test('sends an endless answer does not fill the memory', async () => {
    const closed = Promise.withResolvers<void>();
    const result = await send(webhook(), (request, response) => {
      request.socket.on('close', () => closed.resolve());
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(4096)));
      };
      response.on('drain', more);
      more();
    });
    assert.equal(result.ok, true);
    await closed.promise;
  });

  test('refuses the connection is said to', async () => {
    const closed = createServer();
    await once(closed.listen(0, '127.0.0.1'), 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    const result = await send({ type: 'webhook', url: `http://127.0.0.1:${port}/`, token: null, ca: [] }, answer(200));
    assert.match(result.reason, /refused the connection \(ECONNREFUSED\)/);
  });

  test('is a name that does not exist is said to', async () => {
    const result = await send(
      { type: 'webhook', url: 'http://candor-alerts.invalid/', token: null, ca: [] },
      answer(200),
    );
    assert.match(result.reason, /no name that can be resolved|could not be looked up/);
  });
});

describe('a chat', () => {
  const markup = { ...alertSample, text: 'a <!channel> & @everyone **b**', title: 'x'.repeat(500) };

  test('of Slack gets text without markup, within its limits', async () => {
    const result = await send(
      { type: 'slack', url: `${base}/services/T0/B0/secret`, ca: [] },
      answer(200, 'ok'),
      markup,
    );
    assert.equal(result.ok, true);
    const { blocks } = bodies[0] as { blocks: { type: string; text?: { text: string } }[] };
    assert.ok((blocks[0]?.text?.text.length ?? 0) <= 150);
    assert.match(blocks[1]?.text?.text ?? '', /a &lt;!channel&gt; &amp; @everyone/);
    assert.ok(!result.exchange.join('\n').includes('secret'));
  });

  test('of Slack says why it refuses', async () => {
    const result = await send({ type: 'slack', url: `${base}/services/x`, ca: [] }, answer(404, 'no_service'));
    assert.deepEqual([result.isRetriable, result.reason], [false, 'Slack refused it: no_service (404)']);
  });

  test('of Discord calls no one, and gets text without markup', async () => {
    await send({ type: 'discord', url: `${base}/api/webhooks/1/secret`, ca: [] }, answer(204), markup);
    const { allowed_mentions: mentions, embeds } = bodies[0] as {
      allowed_mentions: unknown;
      embeds: { title: string; description: string }[];
    };
    assert.deepEqual(mentions, { parse: [] });
    assert.match(embeds[0]?.description ?? '', /a <!channel\\> & @everyone \\\*\\\*b\\\*\\\*/);
    assert.ok((embeds[0]?.title.length ?? 0) <= 256);
  });
});

describe('PagerDuty', () => {
  const spec = (): AlertChannelSpec => ({
    type: 'pagerduty',
    url: `${base}/v2/enqueue`,
    routingKey: 'r'.repeat(32),
    ca: [],
  });

  test('triggers and resolves one incident by one key', async () => {
    const seen: unknown[] = [];
    for (const change of ['opened', 'grown', 'resolved'] as const) {
      const result = await send(spec(), answer(202, '{"status":"success"}'), { ...alertSample, change });
      const { event_action: action, dedup_key: key, routing_key: routing } = bodies[0] as Record<string, string>;
      seen.push(action);
      assert.equal(key, 'candor/shop/gw-1/incident:run-1-3');
      assert.equal(routing, 'r'.repeat(32));
      assert.ok(!result.exchange.join('\n').includes('rrrr'), 'the key is not shown');
    }
    assert.deepEqual(seen, ['trigger', 'trigger', 'resolve']);
  });

  test('that refuses an event does not get it again', async () => {
    const result = await send(spec(), answer(400, '{"status":"invalid event"}'));
    assert.deepEqual([result.isRetriable, /routing key/.test(result.nextStep)], [false, true]);
  });
});

describe('what comes back is shown without secrets', () => {
  const token = 'c4nary/+"token';
  const slackPath = '/services/T0000/B0000/c4narypath';
  const cases: readonly (readonly [of: string, spec: () => AlertChannelSpec, body: string, shown: string])[] = [
    [
      'a token, also in JSON and in an address',
      () => ({ ...webhook(), token }) as AlertChannelSpec,
      `got ${token} ${JSON.stringify(token)} ${encodeURIComponent(token)}`,
      'got … "…" …',
    ],
    [
      'the path of a webhook, and its parts',
      () => ({ type: 'slack', url: `${base}${slackPath}`, ca: [] }),
      `no ${slackPath}\nnor c4narypath`,
      'no …\nnor …',
    ],
    [
      'a routing key',
      () => ({ type: 'pagerduty', url: base, routingKey: 'c4nary'.repeat(5), ca: [] }),
      `["${'c4nary'.repeat(5)}"]`,
      '["…"]',
    ],
    ['what has the form of a secret', webhook, 'password: |\n  c4nary\nend', 'password: |\n…\nend'],
  ];
  for (const [of, spec, body, shown] of cases)
    test(of, async () => {
      const { exchange } = await send(spec(), answer(400, body));
      const at = exchange.indexOf('< HTTP 400');
      assert.equal(exchange.slice(at + 1).join('\n'), `< ${shown.replaceAll('\n', '\n< ')}`);
      assert.doesNotMatch(exchange.join('\n'), /c4nary/);
    });
});
