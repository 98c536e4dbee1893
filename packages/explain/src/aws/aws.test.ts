import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FindingShape } from '../finding.ts';
import { assertSurvives } from '../mutated-lines.test-support.ts';
import { awsDialects } from './aws.ts';

interface Alb {
  readonly type?: string;
  readonly target?: string;
  readonly times?: string;
  readonly statuses?: string;
  /** The time of the response; the request came at 10:00:00. */
  readonly time?: string;
  readonly actions?: string;
  readonly reason?: string;
  readonly classification?: string;
}

/** A line with the fields in their documented order. */
function alb({ type, target, times, statuses, time, actions, reason, classification }: Alb): string {
  return [
    type ?? 'https',
    `2026-11-21T${time ?? '10:00:00.100000'}Z`,
    'app/shop/50dc6c495c0c9188',
    '192.0.2.17:46532',
    target ?? '10.0.1.5:8080',
    times ?? '0.001 0.090 0.000',
    statuses ?? '200 200',
    '310 5120 "GET https://shop.example.org:443/cart?items=2 HTTP/1.1" "curl/8.5.0" TLS_AES_128_GCM_SHA256 TLSv1.3',
    'arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop/73e2d6bc24d8a067',
    '"Root=1-58337262-36d228ad5d99923122bbe354" "shop.example.org" "session-reused" 1 2026-11-21T10:00:00.000000Z',
    `"${actions ?? 'forward'}" "-" "${reason ?? '-'}" "${target ?? '10.0.1.5:8080'}" "-" ${classification ?? '"-" "-"'} TID_1234abcd`,
  ].join(' ');
}

const gone = '-1 -1 -1';

const cases: readonly (readonly [says: string, line: Alb, shape: FindingShape, type?: string | null])[] = [
  ['an answer', {}, 'none'],
  ["the target's own 404", { statuses: '404 404' }, 'none'],
  ["the target's own 502", { statuses: '502 502' }, 'app_error'],
  ["the target's own 504", { statuses: '504 504' }, 'app_error'],
  ['no connection', { times: gone, statuses: '502 -' }, 'unreachable', null],
  [
    'a TLS handshake without end',
    { times: gone, statuses: '502 -', time: '10:00:10.010000' },
    'unreachable',
    'connection_timeout',
  ],
  ['a connection closed at once', { times: '0.000 0.000 -1', statuses: '502 -' }, 'reset', 'connection_terminated'],
  ['a connection closed, or no HTTP', { times: '0.001 0.412 -1', statuses: '502 -' }, 'unknown', null],
  ['the same without any time of the target', { times: '0.001 -1 -1', statuses: '502 -' }, 'unknown', null],
  ['an answer that could not be passed on', { times: '0.001 0.412 -1', statuses: '502 200' }, 'unknown', null],
  [
    'no connection in time',
    { times: gone, statuses: '504 -', time: '10:00:10.001000' },
    'unreachable',
    'connection_timeout',
  ],
  [
    'no answer in time',
    { times: gone, statuses: '504 -', time: '10:01:00.003000' },
    'too_slow',
    'connection_read_timeout',
  ],
  [
    'no answer in a short time',
    { times: gone, statuses: '504 -', time: '10:00:05.003000' },
    'too_slow',
    'connection_read_timeout',
  ],
  [
    'a request sent and no answer',
    { times: '0.001 60.002 -1', statuses: '504 -', time: '10:01:00.003000' },
    'too_slow',
    'connection_read_timeout',
  ],
  [
    'half an answer in time',
    { times: '0.001 0.020 60.000', statuses: '504 200' },
    'too_slow',
    'connection_read_timeout',
  ],
  ['no targets', { target: '-', times: gone, statuses: '503 -' }, 'refused_by_gateway', 'destination_unavailable'],
  [
    'a configured 503',
    { target: '-', times: gone, statuses: '503 -', actions: 'fixed-response' },
    'refused_by_gateway',
    'proxy_internal_response',
  ],
  ['a configured 404', { target: '-', times: gone, statuses: '404 -', actions: 'fixed-response' }, 'none'],
  ['a redirect', { target: '-', times: gone, statuses: '301 -', actions: 'redirect' }, 'none'],
  ['a client that left', { statuses: '460 -', times: '0.001 -1 -1' }, 'client_abort', null],
  ['a client that left an answer', { statuses: '460 200' }, 'client_abort', null],
  ['too many addresses', { target: '-', times: gone, statuses: '463 -' }, 'client_abort', 'http_request_error'],
  ['another protocol', { target: '-', times: gone, statuses: '464 -' }, 'client_abort', 'http_request_error'],
  [
    'a malformed request',
    { target: '-', times: gone, statuses: '400 -', classification: '"Severe" "BothTeClPresent"' },
    'client_abort',
    'http_request_error',
  ],
  ['a request that stopped', { times: gone, statuses: '408 -' }, 'client_abort', 'http_request_error'],
  ['an unknown transfer coding', { times: gone, statuses: '501 -' }, 'client_abort', 'http_request_error'],
  [
    'a firewall',
    { target: '-', times: gone, statuses: '403 -', actions: 'waf' },
    'refused_by_gateway',
    'http_request_denied',
  ],
  [
    'a firewall that failed',
    { target: '-', times: gone, statuses: '500 -', actions: 'waf-failed' },
    'refused_by_gateway',
    'proxy_internal_error',
  ],
  ['a 500 without a reason', { statuses: '500 -', times: gone }, 'unknown'],
  [
    'a login that failed',
    { target: '-', times: gone, statuses: '561 -', actions: 'authenticate', reason: 'AuthInvalidGrantError' },
    'refused_by_gateway',
    'http_request_denied',
  ],
  [
    'a provider that failed',
    { target: '-', times: gone, statuses: '500 -', actions: 'authenticate', reason: 'AuthTokenEpRequestTimeout' },
    'refused_by_gateway',
    'proxy_internal_error',
  ],
  [
    'a function that answered nonsense',
    { target: '-', statuses: '502 -', reason: 'LambdaInvalidResponse' },
    'garbage',
    'http_protocol_error',
  ],
  [
    'a function that answered too much',
    { target: '-', statuses: '502 -', reason: 'LambdaResponseTooLarge' },
    'garbage',
    'http_response_body_size',
  ],
  ['a function that threw', { target: '-', statuses: '502 -', reason: 'LambdaUnhandled' }, 'app_error', null],
  [
    'a function that runs too often',
    { target: '-', statuses: '502 -', reason: 'LambdaThrottling' },
    'refused_by_gateway',
    'connection_limit_reached',
  ],
  [
    'a function out of reach',
    { target: '-', statuses: '504 -', reason: 'LambdaConnectionTimeout' },
    'unreachable',
    'connection_timeout',
  ],
  [
    'a function that may not be called',
    { target: '-', statuses: '502 -', reason: 'LambdaAccessDenied' },
    'refused_by_gateway',
    'proxy_configuration_error',
  ],
  ['gRPC over TLS', { type: 'grpcs', times: '0.001 0.000 -1', statuses: '502 -' }, 'reset', 'connection_terminated'],
];

function read(line: string) {
  const dialect = awsDialects.find((each) => each.recognise(line) === 2);
  return dialect?.open().read(line) ?? null;
}

describe('the access log of an Application Load Balancer', () => {
  for (const [says, line, shape, type] of cases)
    it(`reports ${says}`, () => {
      const finding = read(alb(line));
      assert.equal(finding?.shape, shape);
      assert.equal(finding?.type, type ?? null);
      assert.equal(finding?.gateway, 'aws-alb');
      if (shape !== 'none') assert.notEqual(finding?.evidence.length, 0);
      if (shape === 'unknown') assert.notEqual(finding?.fix, null);
    });

  it('reports the time, the target and the request of the line', () => {
    const finding = read(alb({ times: gone, statuses: '504 -', time: '10:00:10.001000' }));
    assert.equal(finding?.atMs, Date.parse('2026-11-21T10:00:10.001Z'));
    assert.equal(finding?.durationMs, 10_001);
    assert.equal(finding?.upstream, '10.0.1.5:8080');
    assert.equal(finding?.request, 'GET /cart?items=2');
    assert.equal(finding?.born, 'load-balancer');
    assert.equal(finding?.whose, 'network');
    assert.ok(finding?.evidence.includes('time - request_creation_time=10.001s'));
  });

  it('names the target group of the line in the command', () => {
    const finding = read(alb({ target: '-', times: gone, statuses: '503 -' }));
    assert.match(finding?.fix?.snippet ?? '', /--target-group-arn arn:aws:.*targetgroup\/shop/);
  });

  it('reports unknown for a 504 if the line is too old to say when the request came', () => {
    const whole = alb({ times: gone, statuses: '504 -', time: '10:00:10.001000' });
    assert.equal(read(whole.slice(0, whole.indexOf(' arn:')))?.shape, 'unknown');
  });

  it('reads a user agent with quotation marks in it', () => {
    const line = alb({ times: gone, statuses: '504 -', time: '10:00:10.001000' }).replace('curl/8.5.0', 'say"hi"x');
    assert.equal(read(line)?.type, 'connection_timeout');
  });
});

const clbStart = '2026-11-21T10:00:00.123456Z shop-lb 192.0.2.17:2817';
const clbEnd = '0 29 "GET http://shop.example.org:80/cart HTTP/1.1" "curl/8.5.0" - -';

const clbCases: readonly (readonly [says: string, line: string, shape: FindingShape, type?: string | null])[] = [
  ['an answer', '10.0.1.5:80 0.000073 0.001048 0.000057 200 200', 'none'],
  ["the instance's own 500", '10.0.1.5:80 0.000073 0.001048 0.000057 500 500', 'app_error'],
  ["the instance's own 503", '10.0.1.5:80 0.000073 0.001048 0.000057 503 503', 'app_error'],
  ['an answer that is no HTTP', '10.0.1.5:80 -1 -1 -1 502 0', 'garbage', 'http_protocol_error'],
  ['no instance', '- -1 -1 -1 503 0', 'refused_by_gateway', 'destination_unavailable'],
  ['a timeout or a closed connection', '- -1 -1 -1 504 0', 'unknown', null],
  ['a timeout that was counted', '10.0.1.5:80 0.00004 60.000123 -1 504 0', 'too_slow', 'connection_read_timeout'],
  ['a malformed request', '- -1 -1 -1 400 0', 'client_abort', 'http_request_error'],
  ['a request that stopped', '- -1 -1 -1 408 0', 'client_abort', 'http_request_error'],
  ['a TCP listener', '10.0.1.5:80 0.001069 0.000028 0.000041 - -', 'none'],
];

describe('the access log of a Classic Load Balancer', () => {
  for (const [says, middle, shape, type] of clbCases)
    it(`reports ${says}`, () => {
      const finding = read(`${clbStart} ${middle} ${clbEnd}`);
      assert.equal(finding?.shape, shape);
      assert.equal(finding?.type, type ?? null);
      assert.equal(finding?.gateway, 'aws-clb');
      assert.equal(finding?.request, 'GET /cart');
    });
});

it('Elastic Load Balancing: no line makes its readers throw', () => {
  const lines = [
    ...cases.map(([, line]) => alb(line)),
    ...clbCases.map(([, middle]) => `${clbStart} ${middle} ${clbEnd}`),
  ];
  assertSurvives(awsDialects, lines);
});
