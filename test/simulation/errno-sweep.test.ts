import assert from 'node:assert/strict';
import dns from 'node:dns';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import { getSystemErrorMap } from 'node:util';
import type { Connector, UnknownCode, NetworkFault } from '../../src/core/connector.ts';
import { Deadlines } from '../../src/core/deadline.ts';
import type { EndedExchange } from '../../src/core/exchange.ts';
import type { Cause } from '#failures/failure.ts';
import { after } from '../../src/core/time.ts';
import type { TransportListener } from '../../src/core/transport.ts';
import { tlsAlertCode } from '../../src/core/tls-codes.ts';
import {
  createTransportPair,
  type MemoryTransport,
  SimulatedClock,
  type TransportFaults,
} from '../../src/testing/testing.ts';
import { connectFailure } from '../../src/upstream/dial.ts';
import type { HealthCheckResult } from '../../src/core/health-checker.ts';
import { outcomeOf, resultText } from '../../src/discovery/check-result.ts';
import { createHealthChecker } from '../../src/upstream/health-check.ts';
import { Http1World, type Http1Settings } from '../exchange/http1-world.ts';
import type { ArrivedRequest } from '../exchange/world.ts';

/**
 * Every code that the system can return, at every stage at which it can come. Each gets a cause, and none is
 * unclassified. An invented code is unclassified, which proves that no rule accepts every code.
 */

/** Windows' own codes are not listed elsewhere; UNKNOWN and EOF are libuv's. */
const errnos = [
  ...new Set([...Object.keys(constants.errno), ...[...getSystemErrorMap().values()].map(([name]) => name)]),
].toSorted();

const caresCodes = Object.values(dns).filter(
  (value) => typeof value === 'string' && /^E[A-Z]+$/.test(value),
) as string[];

const invented = ['EMADEUP', 'ERR_SSL_MADE_UP', 'MADE_UP_CERTIFICATE', 'toString', ''];

/** As Node gets them from OpenSSL: verification results, and reasons of a broken handshake. */
const tlsCodes = [
  ...[
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'CERT_REVOKED',
    'CERT_REJECTED',
    'CERT_UNTRUSTED',
    'CERT_CHAIN_TOO_LONG',
  ],
  ...['CERT_SIGNATURE_FAILURE', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'HOSTNAME_MISMATCH'],
  ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ...['UNABLE_TO_DECRYPT_CERT_SIGNATURE', 'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'INVALID_CA', 'INVALID_PURPOSE'],
  ...['PATH_LENGTH_EXCEEDED', 'ERROR_IN_CERT_NOT_BEFORE_FIELD', 'ERROR_IN_CERT_NOT_AFTER_FIELD', 'UNSPECIFIED'],
  ...['ERR_TLS_CERT_ALTNAME_INVALID', 'ERR_TLS_CERT_ALTNAME_FORMAT'],
  ...['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_UNSUPPORTED_PROTOCOL', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'],
  ...['ERR_SSL_HTTP_REQUEST', 'ERR_SSL_UNEXPECTED_MESSAGE', 'ERR_SSL_BAD_RECORD_TYPE', 'ERR_SSL_DECODE_ERROR'],
  ...['ERR_SSL_NO_SHARED_CIPHER', 'ERR_SSL_DH_KEY_TOO_SMALL', 'ERR_SSL_WRONG_SIGNATURE_TYPE', 'ERR_SSL_BAD_SIGNATURE'],
  ...['ERR_SSL_UNEXPECTED_EOF_WHILE_READING', 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC'],
  ...['ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED', 'TLS_TRUNCATED', 'TLS_SETTINGS'],
];

const alertIds = [
  10, 20, 22, 40, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 70, 71, 80, 86, 90, 109, 110, 112, 113, 115, 116, 120, 99,
];

function play(settings: Http1Settings, answer: (request: ArrivedRequest) => void = (request) => request.answer(200)) {
  const world = new Http1World({ endpoints: ['a'], buffer: { requestBytesMax: 0 } }, settings);
  world.endpoint('a').onRequest = answer;
  world.request({ method: 'POST', body: 'x'.repeat(2000) });
  world.pass(200_000);
  const [record] = world.records;
  assert.ok(record !== undefined && world.records.length === 1, 'there is one record');
  assert.equal(world.counts.upstreamConnections, 0, 'no connection is left');
  return { record, unclassified: world.unclassified };
}

/** The code has a cause, and not the gateway's own fault unless only the gateway can cause it. */
function assertNamed(code: string, { record, unclassified }: { record: EndedExchange; unclassified: string[] }): void {
  assert.deepEqual(unclassified, [], `${code} is known`);
  const { failure } = record;
  assert.ok(failure !== null, `${code} is a failure`);
  if (failure.cause === 'gateway_fault') {
    assert.match(failure.evidence.invariant, /the system accepts the call, and does not return/, code);
    assert.ok(!ofTheWorld.has(code), `${code} cannot come from a request of the gateway`);
  }
}

/** Codes that a peer, a path or a full machine causes without the gateway. */
const ofTheWorld: ReadonlySet<string> = new Set(
  `ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT EHOSTUNREACH ENETUNREACH EHOSTDOWN ENETDOWN EACCES EPERM EPROTO
   EMFILE ENFILE ENOBUFS ENOMEM EAGAIN`.split(/\s+/),
);

function assertUnknown(
  code: string,
  { record, unclassified }: { record: EndedExchange; unclassified: string[] },
): void {
  assert.deepEqual(unclassified, [code], `${code} is counted`);
  assert.equal(record.failure?.cause, 'gateway_fault');
}

/** Failures of the handshake. */
function handshakeFails(code: string, alertId: number | null): Http1Settings {
  const gatewayConnector = (real: Connector): Connector => ({
    ...real,
    connect: (target, waiter) =>
      real.connect(target, {
        onTransportConnected: () => waiter.onTransportConnected(),
        onConnectFailed: (fault) => waiter.onConnectFailed(fault),
        onConnected: (transport) => {
          transport.close('reset');
          waiter.onConnectFailed({ stage: 'tls', code, alertId });
        },
      }),
  });
  return { tls: true, gatewayConnector };
}

type Cut = readonly [name: string, nth: number, answer: (request: ArrivedRequest) => void];

/** Where a read can fail: before the answer, within its head, and in a body of each framing. */
const reads: readonly Cut[] = [
  ['before the head', 1, (request) => request.raw('HTTP/1.1 200 Fine\r\n\r\n')],
  ['within the head', 2, inTwo('HTTP/1.1 200 Fine\r\nContent-', 'Length: 2\r\n\r\nok')],
  ['in a body with a length', 2, inTwo(`HTTP/1.1 200 Fine\r\nContent-Length: 90000\r\n\r\n${'a'.repeat(66_000)}`, 'b')],
  ['in a chunked body', 2, inTwo('HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', '0\r\n\r\n')],
  ['in a body until the close', 2, inTwo('HTTP/1.1 200 Fine\r\n\r\nhello', 'world')],
];

function inTwo(first: string, second: string): (request: ArrivedRequest) => void {
  return (request) => {
    request.raw(first);
    later.push(() => request.raw(second));
  };
}
const later: (() => void)[] = [];

/** Reads arrive one at a time: the second bytes are sent after the first have been read. */
function playReads([, nth, answer]: Cut, errno: string) {
  const world = new Http1World(
    { endpoints: ['a'] },
    { pairOptions: (side) => (side === 'endpoint' ? { faults: { first: { read: { nth, errno } } } } : {}) },
  );
  world.endpoint('a').onRequest = answer;
  world.request({});
  world.pass(100);
  for (const send of later.splice(0)) send();
  world.pass(200_000);
  const [record] = world.records;
  assert.ok(record !== undefined && world.records.length === 1, 'there is one record');
  return { record, unclassified: world.unclassified };
}

const writeFails = (errno: string): Http1Settings => ({
  pairOptions: (side) => (side === 'endpoint' ? { faults: { first: { write: { nth: 1, errno } } } } : {}),
});

/** Where a client's connection can be lost: while it sends, while it waits, and while it is answered. */
const clientLosses: readonly (readonly [what: string, faults: TransportFaults])[] = [
  ['reading the request', { read: { nth: 1, errno: '' } }],
  ['reading its body', { read: { nth: 2, errno: '' } }],
  ['writing the answer', { write: { nth: 1, errno: '' } }],
];

/** Loses the client's connection with `errno`, and returns how many failures were counted as unclassified. */
function playClientLoss(faults: TransportFaults, errno: string): number {
  const second = {
    ...(faults.read === undefined ? {} : { read: { ...faults.read, errno } }),
    ...(faults.write === undefined ? {} : { write: { ...faults.write, errno } }),
  };
  const world = new Http1World(
    { endpoints: ['a'] },
    { pairOptions: (side) => (side === 'client' ? { faults: { second } } : {}) },
  );
  if (faults.write !== undefined) world.endpoint('a').onRequest = (request) => request.answer(200);
  const client = world.request({ method: 'POST', expects: 4 });
  world.pass(10);
  client.write('some');
  world.pass(200_000);
  assert.equal(world.counts.clientConnections, 0, 'no connection is left');
  assert.deepEqual(world.unclassified, []);
  for (const { failure } of world.records) assert.ok(failure === null || failure.cause === 'client_gone', errno);
  return world.counts.unclassifiedTotal;
}

/** How a check fails: while its connection is opened, or on it. */
type CheckFault = NetworkFault | { readonly stage: 'read'; readonly nth: 1 | 2; readonly code: string };

/** Runs one HTTP check that meets `fault`, and returns its result and its count of unclassified failures. */
function playCheck(fault: CheckFault): { result: HealthCheckResult; unclassified: string[] } {
  const clock = new SimulatedClock();
  const unclassified: string[] = [];
  const results: HealthCheckResult[] = [];
  const ports = {
    clock,
    deadlines: new Deadlines(clock),
    connector: checkConnector(clock, fault),
    onUnclassified: ({ code }: UnknownCode) => void unclassified.push(code),
  };
  const tls =
    fault.stage === 'tls' ? { serverName: 'app.test', verify: true, ca: null, certificate: null, key: null } : null;
  const host = fault.stage === 'dns' ? 'app.test' : '10.0.0.7';
  const probe = { kind: 'http', path: '/', host: null, userAgent: 'health-check', reads: 'head' } as const;
  createHealthChecker(ports).check(
    { address: { kind: 'tcp', host, port: 80 }, tls, probe, timeoutMs: 1000 },
    (result) => void results.push(result),
  );
  clock.advanceSync(5000);
  const [result] = results;
  assert.ok(result !== undefined && results.length === 1, `${fault.stage} ${fault.code}: the failure is reported once`);
  assert.notEqual(outcomeOf(result), 'passed');
  return { result, unclassified };
}

function checkConnector(clock: SimulatedClock, fault: CheckFault): Connector {
  const later = (run: () => void) => {
    const timer = clock.schedule(after(clock.now(), 1), run, undefined);
    return { cancel: () => timer.cancel() };
  };
  return {
    resolve: (_name, waiter) =>
      later(() => (fault.stage === 'dns' ? waiter.onResolveFailed(fault) : waiter.onResolved(['10.0.0.7']))),
    connect: (_target, waiter) =>
      later(() => {
        if (fault.stage === 'connect') return waiter.onConnectFailed(fault);
        waiter.onTransportConnected();
        if (fault.stage !== 'read') return waiter.onConnectFailed(fault as NetworkFault);
        const read = { nth: fault.nth, errno: fault.code };
        const [gateway, endpoint] = createTransportPair({ clock, faults: { first: { read } } });
        endpoint.listener = silentListener;
        waiter.onConnected(gateway);
        for (const piece of ['HTTP/1.1 200 Fine\r\n', 'Content-Length: 0\r\n\r\n']) {
          clock.schedule(after(clock.now(), piece.startsWith('HTTP') ? 5 : 10), () => send(endpoint, piece), undefined);
        }
      }),
  };
}

const nothing = (): void => {};
const silentListener: TransportListener = { onBytes: nothing, onEnd: nothing, onWritten: nothing, onClosed: nothing };

function send(transport: MemoryTransport, text: string): void {
  const bytes = new TextEncoder().encode(text);
  if (!transport.closed) transport.write(bytes, 0, bytes.length, 'owned');
}

/** These codes can break an established session too. */
const tlsEnds = tlsCodes.filter((code) => /^(?:ERR_SSL_|TLS_TRUNCATED$)/.test(code));

const worldly = errnos.filter((errno) => !errno.startsWith('EAI_'));

/** Every fault with one of these codes that a check can meet. */
const checkFaults = (
  codes: (stage: 'dns' | 'connect' | 'tls' | 'read') => readonly string[],
): readonly CheckFault[] => [
  ...(['dns', 'connect', 'tls'] as const).flatMap((stage) =>
    codes(stage).map((code) => ({ stage, code, alertId: null })),
  ),
  ...([1, 2] as const).flatMap((nth) => codes('read').map((code) => ({ stage: 'read' as const, nth, code }))),
];

describe('every error code gets a cause', () => {
  it('of all that Node lists', () => assert.ok(errnos.length > 90 && caresCodes.length > 15));

  it('from a lookup', () => {
    for (const code of [...errnos, ...caresCodes]) {
      const failure = connectFailure({ stage: 'dns', code, alertId: null }, { address: 'app.test', name: 'app.test' });
      assert.ok(failure !== null, `${code} is known`);
      assert.equal(failure.stage, 'dns');
    }
  });

  it('from connecting', () => {
    for (const code of worldly) {
      assertNamed(code, play({ connectFault: () => code }));
    }
  });

  it('from a handshake', () => {
    for (const code of [...worldly, ...tlsCodes]) {
      if (code !== 'ERR_SSL_DECODE_ERROR') assertNamed(code, play(handshakeFails(code, null)));
    }
  });

  it('from an alert, in a handshake and after it', () => {
    for (const id of alertIds) {
      const inHandshake = play(handshakeFails(tlsAlertCode(id), id));
      assert.equal(inHandshake.record.failure?.cause, 'tls_alert', `${id}`);
      const afterIt = playReads(reads[0]!, tlsAlertCode(id));
      assert.equal(afterIt.record.failure?.cause, 'tls_alert', `${id}`);
      assertNamed(`${id}`, afterIt);
    }
  });

  for (const cut of reads) {
    it(`from a read ${cut[0]}`, () => {
      for (const code of [...worldly, ...tlsEnds]) assertNamed(code, playReads(cut, code));
    });
  }

  it("from a client's connection, at every stage", () => {
    for (const [what, faults] of clientLosses) {
      for (const code of worldly) assert.equal(playClientLoss(faults, code), 0, `${what}: ${code}`);
    }
  });

  it('from a health check, at each of its stages', () => {
    const all = { dns: [...errnos, ...caresCodes], connect: worldly, tls: [...worldly, ...tlsCodes], read: worldly };
    for (const fault of checkFaults((stage) => all[stage])) {
      if (fault.code === 'ERR_SSL_DECODE_ERROR') continue;
      const { result, unclassified } = playCheck(fault);
      assert.deepEqual(unclassified, [], `${fault.stage} ${fault.code}`);
      assert.match(resultText(result, ''), /\S/);
    }
  });

  it('from a write', () => {
    for (const code of [...worldly, ...tlsEnds]) assertNamed(code, play(writeFails(code)));
  });
});

describe('an unknown error code', () => {
  it('is counted as unclassified, at every stage', () => {
    for (const code of invented) {
      const place = { address: 'app.test', name: 'app.test' };
      for (const stage of ['dns', 'connect', 'tls'] as const)
        assert.equal(connectFailure({ stage, code, alertId: null }, place), null, `${stage} ${code}`);
      if (code !== '') assertUnknown(code, play({ connectFault: () => code }));
      assertUnknown(code, play(handshakeFails(code, null)));
      assertUnknown(code, play(writeFails(code)));
      for (const cut of reads) assertUnknown(code, playReads(cut, code));
    }
  });

  it("is counted on a client's connection too, which the gateway then closes", () => {
    for (const code of invented) {
      // Whatever OpenSSL calls the end of a client's session, it is that.
      const expected = code.startsWith('ERR_SSL_') ? 0 : 1;
      for (const [what, faults] of clientLosses)
        assert.equal(playClientLoss(faults, code), expected, `${what}: ${code}`);
    }
  });

  it('is counted in a failed health check too', () => {
    for (const fault of checkFaults(() => invented.filter((code) => code !== ''))) {
      assert.deepEqual(playCheck(fault).unclassified, [fault.code], `${fault.stage} ${fault.code}`);
    }
  });
});

describe('the causes of common error codes', () => {
  // A small request is given to the kernel at the end of the turn. By then it counts as sent, which is the safe side.
  const table: readonly [code: string, connect: Cause, read: Cause, write: Cause][] = [
    ['ECONNRESET', 'connect_reset', 'reset_before_response', 'reset_before_response'],
    ['EPIPE', 'connect_reset', 'reset_before_response', 'reset_before_response'],
    ['ETIMEDOUT', 'connect_timeout', 'reset_before_response', 'reset_before_response'],
    ['EHOSTUNREACH', 'connect_unroutable', 'reset_before_response', 'reset_before_response'],
    ['EMFILE', 'descriptors_exhausted', 'descriptors_exhausted', 'descriptors_exhausted'],
    ['EBADF', 'gateway_fault', 'gateway_fault', 'gateway_fault'],
  ];
  for (const [code, connect, read, write] of table) {
    it(code, () => {
      const found = [play({ connectFault: () => code }), playReads(reads[0]!, code), play(writeFails(code))];
      assert.deepEqual(
        found.map(({ record }) => record.failure?.cause),
        [connect, read, write],
      );
    });
  }
});
