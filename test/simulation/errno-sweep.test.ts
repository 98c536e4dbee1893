import assert from 'node:assert/strict';
import dns from 'node:dns';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import { getSystemErrorMap } from 'node:util';
import type { Connector } from '../../src/core/connector.ts';
import type { EndedExchange } from '../../src/core/exchange.ts';
import type { Cause } from '../../src/core/failure.ts';
import { tlsAlertCode } from '../../src/core/tls-codes.ts';
import { connectFailure } from '../../src/upstream/connect-failure.ts';
import { Http1World, type Http1Settings } from '../exchange/http1-world.ts';
import type { ArrivedRequest } from '../exchange/world.ts';

/**
 * Every code that the world can give, at every stage at which it could come. Each is named; none is unclassified; and
 * an invented one is, so that no rule takes whatever comes.
 */

/** Windows' own are not listed where it is not; UNKNOWN and EOF are libuv's. */
const errnos = [
  ...new Set([...Object.keys(constants.errno), ...[...getSystemErrorMap().values()].map(([name]) => name)]),
].toSorted();

const caresCodes = Object.values(dns).filter(
  (value) => typeof value === 'string' && /^E[A-Z]+$/.test(value),
) as string[];

const invented = ['EMADEUP', 'ERR_SSL_MADE_UP', 'MADE_UP_CERTIFICATE', 'toString', ''];

/** As Node has them from OpenSSL: results of verification, and reasons of a broken handshake. */
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
  const world = new Http1World({ endpoints: ['a'] }, settings);
  world.endpoint('a').onRequest = answer;
  world.request({ method: 'POST', content: 'x'.repeat(2000) });
  world.pass(200_000);
  const [record] = world.records;
  assert.ok(record !== undefined && world.records.length === 1, 'there is one record');
  assert.equal(world.counts.upstreamConnections, 0, 'no connection is left');
  return { record, unclassified: world.unclassified };
}

/** Named, and not as a fault of ours unless the code can only come of one. */
function assertNamed(code: string, { record, unclassified }: { record: EndedExchange; unclassified: string[] }): void {
  assert.deepEqual(unclassified, [], `${code} is known`);
  const { failure } = record;
  assert.ok(failure !== null, `${code} is a failure`);
  if (failure.cause === 'gateway_fault') {
    assert.match(failure.evidence.invariant, /the system takes what it is asked for/, code);
    assert.ok(!ofTheWorld.has(code), `${code} is nothing that we could have asked for`);
  }
}

/** What a peer, a path or a full machine brings about without any doing of ours. */
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

/** What fails at the handshake. */
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

/** Where a read can fail: before the answer, within its head, and in content of each framing. */
const reads: readonly Cut[] = [
  ['before the head', 1, (request) => request.raw('HTTP/1.1 200 Fine\r\n\r\n')],
  ['within the head', 2, inTwo('HTTP/1.1 200 Fine\r\nContent-', 'Length: 2\r\n\r\nok')],
  [
    'in content with a length',
    2,
    inTwo(`HTTP/1.1 200 Fine\r\nContent-Length: 90000\r\n\r\n${'a'.repeat(66_000)}`, 'b'),
  ],
  [
    'in chunked content',
    2,
    inTwo('HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', '0\r\n\r\n'),
  ],
  ['in content until the end', 2, inTwo('HTTP/1.1 200 Fine\r\n\r\nhello', 'world')],
];

function inTwo(first: string, second: string): (request: ArrivedRequest) => void {
  return (request) => {
    request.raw(first);
    later.push(() => request.raw(second));
  };
}
const later: (() => void)[] = [];

/** Reads arrive one at a time: what is sent second is sent after the first has been read. */
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

describe('every code is named', () => {
  it('there are as many as Node lists', () => assert.ok(errnos.length > 90 && caresCodes.length > 15));

  it('of a lookup', () => {
    for (const code of [...errnos, ...caresCodes]) {
      const failure = connectFailure({ stage: 'dns', code, alertId: null }, { address: 'app.test', name: 'app.test' });
      assert.ok(failure !== null, `${code} is known`);
      assert.equal(failure.stage, 'dns');
    }
  });

  it('of connecting', () => {
    for (const code of errnos.filter((errno) => !errno.startsWith('EAI_'))) {
      assertNamed(code, play({ connectFault: () => code }));
    }
  });

  it('of a handshake', () => {
    for (const code of [...errnos.filter((errno) => !errno.startsWith('EAI_')), ...tlsCodes]) {
      if (code !== 'ERR_SSL_DECODE_ERROR') assertNamed(code, play(handshakeFails(code, null)));
    }
  });

  it('of an alert, in a handshake and after it', () => {
    for (const id of alertIds) {
      const inHandshake = play(handshakeFails(tlsAlertCode(id), id));
      assert.equal(inHandshake.record.failure?.cause, 'tls_alert', `${id}`);
      const afterIt = playReads(reads[0]!, tlsAlertCode(id));
      assert.equal(afterIt.record.failure?.cause, 'tls_alert', `${id}`);
      assertNamed(`${id}`, afterIt);
    }
  });

  for (const cut of reads) {
    it(`of a read ${cut[0]}`, () => {
      for (const code of errnos.filter((errno) => !errno.startsWith('EAI_'))) assertNamed(code, playReads(cut, code));
    });
  }

  it('of a write', () => {
    for (const code of errnos.filter((errno) => !errno.startsWith('EAI_'))) assertNamed(code, play(writeFails(code)));
  });
});

describe('a code that nobody has met', () => {
  it('is counted, wherever it comes up', () => {
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
});

describe('what the common ones are called', () => {
  // A small request is given to the system at the end of the turn: by then it counts as sent, which is the safe side.
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
