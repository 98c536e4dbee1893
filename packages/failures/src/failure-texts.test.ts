import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InstanceExit } from './instance-exit.ts';
import {
  exitExplains,
  explain,
  explainExit,
  explainToClient,
  nextStepAfterExit,
  stepAfterSilentEnd,
  proxyStatusParameters,
  retryAfterSOf,
  shapeOf,
  specOf,
  specOfCause,
  statusOf,
  typeOf,
  whoseOf,
} from './failure-texts.ts';
import { failureTable } from './failure-table.ts';
import { type ForceCloseReason, fail, type Failure } from './failure.ts';
import { proxyErrors } from './proxy-error.ts';
import { requestRules, type RequestRule } from './rules.ts';

const address = '10.0.0.7:3000';
const cut = { reason: 'gateway_stopping', what: 'request' } as const;
const gone = fail('client_gone', 'response', { bytesSent: 0, how: 'closed' });

describe('explain', () => {
  const sentences: readonly [failure: Failure, sentence: string][] = [
    [
      fail('connect_timeout', 'connect', { address, limitMs: 2500 }),
      '10.0.0.7:3000 did not answer the attempt to connect within 2.5 s.',
    ],
    [
      fail('connect_timeout', 'connect', { address, limitMs: 0 }),
      '10.0.0.7:3000 did not answer the attempt to connect before the system gave up waiting.',
    ],
    [
      fail('response_head_stalled', 'response', { address, idleMs: 90_000, bytesReceived: 1 }),
      '10.0.0.7:3000 sent 1 byte of a response head and then nothing for 1 min 30 s.',
    ],
    [
      fail('closed_before_response', 'response', { address, reused: false, idleMs: 0 }),
      '10.0.0.7:3000 closed the connection without a single byte of a final answer; it was a fresh connection.',
    ],
    [
      fail('no_endpoint_ready', 'route', { upstream: 'web', endpoints: 1, reason: 'It was refused.', retryAfterS: 1 }),
      'The one endpoint of upstream "web" is not ready: It was refused.',
    ],
    [
      fail('no_endpoint_ready', 'route', {
        upstream: 'web',
        endpoints: 0,
        reason: 'none is configured',
        retryAfterS: 1,
      }),
      'Upstream "web" has no endpoint: none is configured.',
    ],
    [
      fail('no_route', 'route', { host: 'a"\r\n\u202e', path: '/x' }),
      'No route matches host "a\\"\\r\\n\\u202e" and path "/x".',
    ],
    [
      fail('no_route', 'route', { host: 'a', path: '/x', allow: 'GET, HEAD' }),
      'Host "a" and path "/x" have a route for GET, HEAD, and none for the method of the request.',
    ],
    [
      fail('response_upgrade_unexpected', 'response', { address }),
      '10.0.0.7:3000 answered 101 Switching Protocols to a request that asked for no such upgrade.',
    ],
    [
      fail('response_upgrade_unexpected', 'response', { address, requested: 'websocket', answered: 'h2c' }),
      '10.0.0.7:3000 answered 101 Switching Protocols (Upgrade: "h2c") to a request that asked for an upgrade to "websocket".',
    ],
    [
      fail('request_write_timeout', 'send', { address, limitMs: 1500, bytesSent: 0, headSent: true }),
      '10.0.0.7:3000 read nothing more of the request for 1.5 s, after its head and no byte of its body had been sent.',
    ],
    [
      fail('send_failed', 'send', { address, bytesSent: 5, errno: 'EPIPE', headSent: true }),
      'The connection to 10.0.0.7:3000 broke (EPIPE) after the head and 5 bytes of the body of the request had been written.',
    ],
    [
      fail('response_stream_cut', 'body', { address, bytesReceived: 0, how: 'reset', stream: 'GOAWAY' }),
      '10.0.0.7:3000 ended the stream by a GOAWAY whose last stream is an earlier one after no byte of body, without END_STREAM.',
    ],
    [
      fail('response_head_timeout', 'response', { address, limitMs: 1500, ping: 'unanswered', interims: 3 }),
      '10.0.0.7:3000 neither sent more than 3 interim responses (1xx) within 1.5 s nor answered a PING on its HTTP/2 connection.',
    ],
    [
      fail('response_head_timeout', 'response', { address, limitMs: 1500, ping: 'answered', interims: 1 }),
      '10.0.0.7:3000 received the request and sent an interim response (1xx), but no answer, within 1.5 s; it answered a PING meanwhile, so that the connection works.',
    ],
    [
      fail('response_head_unfinished', 'response', { address, limitMs: 1500, bytesReceived: 22 }),
      '10.0.0.7:3000 sent 22 bytes of a response head, but not its end within 1.5 s.',
    ],
    [gone, 'The client closed its connection before anything was sent to it.'],
  ];
  for (const [failure, sentence] of sentences) it(`says: ${sentence}`, () => assert.equal(explain(failure), sentence));

  it('gives a refused request the status and the words of its rule', () => {
    for (const rule of Object.keys(requestRules) as RequestRule[]) {
      const failure = fail('request_refused', 'request', { rule, status: requestRules[rule].status, at: 'byte 7' });
      assert.equal(statusOf(failure), requestRules[rule].status);
      assert.ok(explain(failure).includes(requestRules[rule].reason) && explain(failure).includes('byte 7'));
      assert.ok(!explainToClient(failure).includes('byte 7'));
    }
  });

  it('has no status and no type for a client that has gone', () => {
    assert.deepEqual([statusOf(gone), typeOf(gone), shapeOf(gone), whoseOf(gone)], [0, null, 'client_abort', 'client']);
  });

  it('names the part of the gateway that ended as the cause of a force close, and no endpoint', () => {
    const whys: readonly [ForceCloseReason, RegExp, RegExp][] = [
      ['gateway_stopping', /^The gateway was stopped, /, /stopped or restarted the gateway/],
      ['gateway_replaced', /^Another process took the gateway's place \(an upgrade\)/, /candor upgrade/],
      ['worker_replaced', /^The gateway replaced the worker /, /`workers`/],
      ['listener_gone', /^A reload removed the listener from the configuration, /, /a listener was removed/],
      ['instance_stopped', /^The gateway stopped the instance, as when a release/, /deployed a release/],
    ];
    for (const [reason, sentence, usual] of whys) {
      const request = fail('drained', 'body', { reason, what: 'request', retryAfterS: 5 });
      assert.match(explain(request), sentence);
      assert.match(explain(request), /the request was still running when its time to finish was over/);
      assert.match(specOf(request).usualCauses.join('\n'), usual);
      assert.match(specOf(request).nextStep, /raise that/);
      const tunnel = fail('drained', 'body', { reason, what: 'tunnel', retryAfterS: 5 });
      assert.match(explain(tunnel), sentence);
      assert.match(explain(tunnel), /, and the tunnel was closed;/);
      assert.match(specOf(tunnel).usualCauses.join('\n'), usual);
      assert.match(specOf(tunnel).nextStep, /opens its tunnel again/);
    }
  });

  it('says of an end at once that no time was given, and how to give it', () => {
    for (const what of ['request', 'tunnel'] as const) {
      const failure = fail('drained', 'body', { reason: 'ended_at_once', what, retryAfterS: 5 });
      assert.match(
        explain(failure),
        /^The gateway ended at once \(after a second signal or `candor stop --now`, or because the command of `candor run` ended/,
      );
      assert.doesNotMatch(explain(failure), /time to finish was over/);
      assert.match(specOf(failure).nextStep, /press Ctrl-C once/);
    }
  });

  it('takes a record that does not say why it was cut', () => {
    const failure = { cause: 'drained', stage: 'body', evidence: { retryAfterS: 5 } } as unknown as Failure;
    assert.equal(specOf(failure).nextStep, specOfCause('drained').nextStep);
  });

  it('rounds the time to come back up to whole seconds, and invents none', () => {
    assert.equal(retryAfterSOf(fail('drained', 'body', { ...cut, retryAfterS: 0.2 })), 1);
    assert.equal(retryAfterSOf(fail('drained', 'body', { ...cut, retryAfterS: -3 })), 0);
    assert.equal(retryAfterSOf(fail('connect_refused', 'connect', { address })), null);
  });
});

describe('the parameters of Proxy-Status', () => {
  const parameters: readonly [failure: Failure, parameters: Record<string, string | number>][] = [
    [fail('dns_not_found', 'dns', { name: 'app', rcode: 'NXDOMAIN' }), { rcode: 'NXDOMAIN' }],
    [
      fail('tls_alert', 'tls', { address, alertId: 40, alertMessage: 'handshake_failure' }),
      { 'alert-id': 40, 'alert-message': 'handshake_failure' },
    ],
    [
      fail('response_head_too_large', 'response', { address, bytes: 70_000, limit: 65_536, longest: 'Set-Cookie' }),
      { 'header-section-size': 70_000 },
    ],
    [fail('response_body_too_large', 'body', { address, bytes: 9000, limit: 8192 }), { 'body-size': 9000 }],
    [
      fail('response_trailers_too_large', 'body', { address, bytes: 9000, limit: 8192, headersMax: 64 }),
      { 'trailer-section-size': 9000 },
    ],
    [fail('response_chunk', 'body', { address, rule: 'chunk-size', bytesReceived: 0 }), { coding: 'chunked' }],
    [fail('response_transfer_coding', 'response', { address, coding: 'br' }), { coding: 'br' }],
    [fail('response_transfer_coding', 'response', { address, coding: 'b r' }), {}],
    [fail('request_head_timeout', 'request', { limitMs: 10_000, bytesReceived: 3 }), { 'status-code': 408 }],
    [fail('connect_refused', 'connect', { address }), {}],
  ];
  for (const [failure, expected] of parameters) {
    it(`are those that RFC 9209 registers for ${explain(failure)}`, () => {
      assert.deepEqual(proxyStatusParameters(failure), expected);
      const type = typeOf(failure);
      assert.ok(type !== null);
      const registered: readonly string[] = proxyErrors[type].parameters;
      for (const name of Object.keys(expected)) assert.ok(registered.includes(name), name);
    });
  }
});

describe('the advice', () => {
  const closed = (reused: boolean) =>
    specOf(fail('closed_before_response', 'response', { address, reused, idleMs: 9 }));
  const broken = (reused: boolean) =>
    specOf(fail('reset_before_response', 'response', { address, reused, idleMs: 9, errno: 'ECONNRESET' }));

  it('speaks of keep-alive only where the connection had been kept', () => {
    assert.match(closed(true).nextStep, /keep-alive/);
    assert.match(String(closed(true).usualCauses), /keep-alive/);
    assert.match(broken(true).nextStep, /idle_timeout/);
    for (const { nextStep, usualCauses } of [closed(false), broken(false)])
      assert.doesNotMatch(`${nextStep} ${usualCauses.join(' ')}`, /keep-alive|idle/);
  });

  it('thinks of TLS, at this address, only where the connection was fresh', () => {
    for (const { nextStep, usualCauses } of [closed(false), broken(false)]) {
      assert.match(nextStep, /openssl s_client -connect 10\.0\.0\.7:3000`/);
      assert.match(usualCauses.join(' '), /expects TLS/);
    }
    for (const { nextStep, usualCauses } of [closed(true), broken(true)])
      assert.doesNotMatch(`${nextStep} ${usualCauses.join(' ')}`, /TLS|openssl/);
  });

  it('names the key that is missing where an endpoint speaks HTTP/2, or TLS, unless it has answered in HTTP/1.1', () => {
    const bytes = { http2: '000000040000000000', tls: '15030300020246' } as const;
    const garbage = (guess: 'http2' | 'tls', more = {}) =>
      fail('response_not_http', 'response', { address, guess, firstBytes: bytes[guess], ...more });
    assert.match(explain(garbage('http2')), /^10\.0\.0\.7:3000 speaks HTTP\/2 and not HTTP\/1\.1: /);
    for (const [guess, key] of [
      ['http2', 'http2'],
      ['tls', 'tls'],
    ] as const) {
      const { nextStep, usualCauses } = specOf(garbage(guess));
      assert.match(nextStep, new RegExp(`^Set \`${key}: true\` (?:of|for) the upstream`));
      assert.match(String(usualCauses), new RegExp(`\`${key}`));
      for (const more of [{ answeredBefore: 1 }, { answeredBetween: 3 }])
        assert.doesNotMatch(specOf(garbage(guess, more)).nextStep, new RegExp(key));
    }
    assert.match(
      specOf(garbage('http2'), 'shop').nextStep,
      /^Set `http2: true` of the upstream, or of the application/,
    );
  });

  it('goes by the error of a GOAWAY, and not by what closes connections otherwise', () => {
    const told = { goAway: 'ENHANCE_YOUR_CALM', text: 'Too much overhead so the connection will be closed' };
    const cut = { address, bytesReceived: 4, how: 'closed', ...told } as const;
    for (const failure of [
      fail('closed_before_response', 'response', { address, reused: true, idleMs: 9, ...told }),
      fail('reset_before_response', 'response', { address, reused: false, idleMs: 0, errno: 'ECONNRESET', ...told }),
      fail('send_failed', 'send', { address, bytesSent: 9, errno: 'EPIPE', ...told }),
      fail('response_body_short', 'body', { ...cut, bytesExpected: 10 }),
      fail('response_stream_cut', 'body', cut),
    ]) {
      assert.match(explain(failure), /GOAWAY ENHANCE_YOUR_CALM, "Too much overhead so the connection will be closed"/);
      for (const application of [null, 'shop']) {
        const { usualCauses, nextStep } = specOf(failure, application);
        assert.match(String(usualCauses), /protection against floods/);
        assert.match(nextStep, /overheadCountFactor/);
        assert.doesNotMatch(`${usualCauses.join(' ')} ${nextStep}`, /keep-alive time|exit|killed|openssl/);
      }
    }
    const refused = { address, frame: 'GOAWAY', lastStreamId: 3 } as const;
    const stepOf = (code: string) => specOf(fail('stream_refused', 'response', { ...refused, code })).nextStep;
    assert.match(stepOf('ENHANCE_YOUR_CALM'), /overheadCountFactor/);
    assert.match(stepOf('INTERNAL_ERROR'), /exception/);
    assert.match(stepOf('0x99'), /its GOAWAY names the reason/);
    assert.match(stepOf('NO_ERROR'), /^Nothing, where another attempt/);
  });

  it('of checks that found another protocol replaces that of their cause', () => {
    const evidence = { upstream: 'php', endpoints: 1, reason: 'x', retryAfterS: 1, endpointCause: 'response_not_http' };
    const [found, other] = [{ fix: 'put a server before it' }, {}].map((more) =>
      specOf(fail('no_endpoint_ready', 'route', { ...evidence, ...more })),
    );
    assert.deepEqual([found?.nextStep, found?.whose, found?.usualCauses], ['Put a server before it.', 'operator', []]);
    assert.match(other?.nextStep ?? '', /ss -ltnp/);
  });

  it('names the protocol that a 101 must name', () => {
    const other = fail('response_upgrade_unexpected', 'response', { address, requested: 'websocket', answered: 'h2c' });
    assert.match(specOf(other).nextStep, /must name "websocket", not "h2c"/);
    assert.match(specOf(fail('response_upgrade_unexpected', 'response', { address })).nextStep, /without Upgrade/);
  });

  it('gives commands that can be copied, with the address and the name that were tried', () => {
    const expired = { address, name: 'app.internal', subject: 'CN=a', issuer: 'CN=b', notAfter: '' };
    assert.match(
      specOf(fail('tls_certificate_expired', 'tls', expired)).nextStep,
      /s_client -connect 10\.0\.0\.7:3000 -servername app\.internal /,
    );
    const evil = fail('tls_certificate_expired', 'tls', { ...expired, name: 'a`reboot`' });
    assert.match(specOf(evil).nextStep, /-servername NAME /);
    assert.match(
      specOf(fail('connect_timeout', 'connect', { address, limitMs: 1 })).nextStep,
      /-w 5 10\.0\.0\.7 3000`/,
    );
    assert.match(
      specOf(fail('loop_detected', 'route', { name: 'Via', value: '1.1 x', route: 'shop', passage: 2, limit: 4 }))
        .nextStep,
      /getent ahosts NAME/,
    );
  });

  it('is the client where only the names of hops tell of a loop', () => {
    const at = (passage: number) =>
      whoseOf(fail('loop_detected', 'route', { name: 'Via', value: '1.1 x', route: 'shop', passage, limit: 4 }));
    assert.deepEqual([at(2), at(5)], ['operator', 'client']);
    assert.equal(whoseOf(fail('hops_exceeded', 'route', { hops: 17, limit: 16 })), 'client');
  });

  it('is that of the side of a tunnel that did not answer pings', () => {
    const evidence = { address, idleMs: 90_000, bytesReceived: 12 };
    const both = fail('tunnel_idle', 'body', evidence);
    assert.equal(whoseOf(both), 'application');
    assert.match(
      explain(both),
      /^Neither the client nor 10\.0\.0\.7:3000 sent anything for 1 min 30 s, and the gateway /,
    );
    const client = fail('tunnel_idle', 'body', { ...evidence, silent: 'client' });
    assert.equal(whoseOf(client), 'client');
    assert.match(
      explain(client),
      /^The client sent nothing, not even an answer to the pings of the gateway, for 1 min/,
    );
    const application = fail('tunnel_idle', 'body', { ...evidence, silent: 'application' });
    assert.equal(whoseOf(application), 'application');
    assert.match(explain(application), /^10\.0\.0\.7:3000 sent nothing, not even an answer/);
    assert.match(specOf(application).nextStep, /websocket\.ping/);
  });

  it('is that of the application where bytes that are not HTTP are probably left over from an earlier response', () => {
    const evidence = { address, firstBytes: '4558545241', guess: 'text' } as const;
    const another = fail('response_not_http', 'response', evidence);
    assert.equal(whoseOf(another), 'operator');
    assert.match(specOf(another).nextStep, /ss -ltnp/);
    for (const [answeredBefore, count] of [
      [1, 'one response had come'],
      [3, '3 responses had come'],
    ] as const) {
      const leftOver = fail('response_not_http', 'response', { ...evidence, answeredBefore });
      assert.equal(whoseOf(leftOver), 'application');
      assert.match(explain(leftOver), new RegExp(`${count} before, so it is probably left over .*"EXTRA"\\.$`));
      assert.doesNotMatch(specOf(leftOver).nextStep, /ss -ltnp/);
    }
  });

  it('is that of the endpoints where none is ready for one and the same cause', () => {
    const evidence = { upstream: 'web', endpoints: 2, reason: 'Its certificate ran out.', retryAfterS: 1 };
    const known = fail('no_endpoint_ready', 'route', { ...evidence, endpointCause: 'tls_certificate_name' });
    const { whose, temporary, usualCauses, nextStep } = failureTable.tls_certificate_name;
    const words = specOf(known);
    assert.deepEqual(
      [words.whose, words.temporary, words.usualCauses, words.nextStep],
      [whose, temporary, usualCauses, nextStep],
    );
    assert.equal(whoseOf(known), 'operator');
    assert.match(explain(known), /ran out \(tls_certificate_name\)\.$/);
    const unknown = fail('no_endpoint_ready', 'route', { ...evidence, endpointCause: 'of_a_later_version' });
    for (const failure of [fail('no_endpoint_ready', 'route', evidence), unknown])
      assert.equal(specOf(failure).nextStep, failureTable.no_endpoint_ready.nextStep);
  });

  it('is how the application ended where that keeps it from being ready, and no guess about checks', () => {
    const found = { last: 'it has ended 3 times in a row', fix: 'read the last output', exits: 3, retryAfterS: 1 };
    for (const failure of [
      fail('no_endpoint_ready', 'route', { upstream: 'web', endpoints: 1, reason: 'exited', ...found }),
      fail('instance_starting', 'route', { upstream: 'web', application: 'web', sinceMs: 200, ...found }),
    ]) {
      assert.deepEqual(specOf(failure).usualCauses, []);
      assert.equal(specOf(failure).nextStep, 'Read the last output.');
    }
  });

  it('goes by how the instance ended, where that is known', () => {
    const ended = { code: null, signal: null, outOfMemory: false };
    assert.match(nextStepAfterExit({ ...ended, code: 3 }), /last output .*cause of the exit/);
    assert.match(nextStepAfterExit(ended), /last output .*cause of the end/);
    assert.match(nextStepAfterExit({ ...ended, signal: 'SIGSEGV' }), /cause of the crash/);
    assert.match(nextStepAfterExit({ ...ended, signal: 'SIGTERM' }), /who sent SIGTERM/);
    assert.match(
      nextStepAfterExit({ ...ended, signal: 'SIGTERM', stopped: { replacedBy: null } }),
      /finish its requests when it gets SIGTERM/,
    );
    assert.match(
      nextStepAfterExit({ ...ended, signal: 'SIGSEGV', stopped: { replacedBy: null } }),
      /last output .*cause of the crash/,
    );
    assert.match(nextStepAfterExit({ ...ended, signal: 'SIGKILL', outOfMemory: true }), /more memory/);
    const lastLine = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory';
    assert.match(nextStepAfterExit({ ...ended, signal: 'SIGABRT', lastLine }), /--max-old-space-size/);
  });

  it('does not send the reader to the output of an instance that printed nothing', () => {
    const ended = { code: 3, signal: null, outOfMemory: false, isSilent: true };
    assert.equal(nextStepAfterExit(ended), stepAfterSilentEnd);
    assert.equal(nextStepAfterExit({ ...ended, signal: 'SIGSEGV' }), stepAfterSilentEnd);
    const killed = nextStepAfterExit({ ...ended, code: null, signal: 'SIGKILL', outOfMemory: true });
    assert.equal(killed, 'Give the application more memory, or find out what uses it.');
  });
});

describe('an exit', () => {
  it('explains the failure that its attempt met, and no other', () => {
    assert.ok(exitExplains('reset_before_response', 'reset_before_response'));
    for (const met of ['connect_refused', null, undefined]) assert.ok(!exitExplains(met, 'reset_before_response'));
    assert.ok(!exitExplains(null, null), 'nothing has failed');
  });
});

describe('explainExit', () => {
  const exit = (changes: Partial<InstanceExit>): InstanceExit => ({
    atInstant: 0,
    code: null,
    signal: null,
    outOfMemory: false,
    lastLine: null,
    ...changes,
  });
  const sentences: readonly [exit: InstanceExit, beforeMs: number, sentence: string][] = [
    [exit({ code: 9 }), 0, 'The instance exited with code 9 at the same time.'],
    [exit({ signal: 'SIGKILL' }), -4, 'The instance was killed by SIGKILL at the same time.'],
    [
      exit({ signal: 'SIGKILL', lastLine: 'listening' }),
      40,
      'The instance was killed by SIGKILL 40 ms earlier; its last line: "listening".',
    ],
    [
      exit({ signal: 'SIGKILL', outOfMemory: true }),
      1500,
      'The instance was killed because it ran out of memory (SIGKILL) 1.5 s earlier.',
    ],
    [
      exit({ code: 1, lastLine: 'Error: \u001b[31mboom' }),
      8,
      'The instance exited with code 1, 8 ms earlier; its last line: "Error: \\u001b[31mboom".',
    ],
    [
      exit({ signal: 'SIGTERM', stopped: { replacedBy: null } }),
      5,
      'The instance was stopped by Candor (SIGTERM) 5 ms earlier.',
    ],
    [
      exit({ signal: 'SIGSEGV', stopped: { replacedBy: null } }),
      5,
      'The instance was killed by SIGSEGV (while Candor stopped it) 5 ms earlier.',
    ],
    [
      exit({ signal: 'SIGTERM', stopped: { replacedBy: 'web/2' } }),
      5,
      'The instance, replaced by web/2, was stopped by Candor (SIGTERM) 5 ms earlier.',
    ],
    [exit({ code: 0, stopped: { replacedBy: null } }), 5, 'The instance was stopped by Candor (code 0) 5 ms earlier.'],
    [exit({ code: 0 }), -20, 'The instance exited with code 0, which was noticed 20 ms later.'],
    [
      exit({ signal: 'SIGKILL', lastLine: 'bye' }),
      -20,
      'The instance was killed by SIGKILL, which was noticed 20 ms later; its last line: "bye".',
    ],
    [
      exit({}),
      0,
      'The instance ended at the same time (how is not known, since an earlier Candor process had started it).',
    ],
    [
      exit({ lastLine: 'bye' }),
      40,
      'The instance ended 40 ms earlier (how is not known, since an earlier Candor process had started it); its last line: "bye".',
    ],
  ];
  for (const [ended, beforeMs, sentence] of sentences)
    it(`says: ${sentence}`, () => assert.equal(explainExit(ended, beforeMs), sentence));

  const late: readonly [exit: InstanceExit, afterAnswerMs: number, sentence: string][] = [
    [
      exit({ signal: 'SIGKILL', lastLine: 'bye' }),
      40,
      'The instance was killed by SIGKILL; the exit became known 40 ms after the answer; its last line: "bye".',
    ],
    [exit({ code: 3 }), 0, 'The instance exited with code 3; the exit became known after the answer.'],
  ];
  for (const [ended, afterAnswerMs, sentence] of late)
    it(`says: ${sentence}`, () => assert.equal(explainExit(ended, -100, afterAnswerMs), sentence));
});
