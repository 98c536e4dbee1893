import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyErrors } from '../../../failures/src/proxy-error.ts';
import type { Finding } from '../finding.ts';
import { assertReadsWhatItRecognises } from '../mutated-lines.test-support.ts';
import { varnishDialects } from './varnish.ts';

function readLines(...lines: readonly string[]): readonly (Finding | null)[] {
  const readers = varnishDialects.map((dialect) => dialect.open());
  return lines.map((line) => {
    const sure = varnishDialects.map((dialect) => dialect.recognise(line));
    const best = Math.max(...sure);
    return best === 0 ? null : (readers[sure.indexOf(best as 1 | 2)]?.read(line) ?? null);
  });
}

const record = (tag: string, content = '', dashes = '-'): string => `${dashes.padEnd(3)} ${tag.padEnd(14)} ${content}`;

const raw = (vxid: number, tag: string, side: string, content: string): string =>
  `${String(vxid).padStart(10)} ${tag.padEnd(14)} ${side} ${content}`;

function fetchGroup(vxid: number, ...errors: readonly string[]): readonly string[] {
  return [
    `*   << BeReq    >> ${vxid}         `,
    record('Begin', `bereq ${vxid - 1} fetch`),
    record('VCL_use', 'boot'),
    record('Timestamp', 'Start: 1795254930.123456 0.000000 0.000000'),
    record('BereqMethod', 'GET'),
    record('BereqURL', '/cart?id=7'),
    record('BackendOpen', '26 shop 10.0.0.5 8080 10.0.0.9 51234 connect'),
    ...errors.map((words) => record('FetchError', words)),
    record('Timestamp', 'Error: 1795254933.623456 3.500000 3.500000'),
    record('BerespStatus', '503'),
    record('BerespReason', 'Backend fetch failed'),
    record('VCL_call', 'BACKEND_ERROR'),
    record('End'),
  ];
}

function requestGroup(vxid: number, fetched: number | null, status = 503): readonly string[] {
  return [
    `*   << Request  >> ${vxid}         `,
    record('Begin', 'req 1 rxreq'),
    record('Timestamp', 'Start: 1795254930.123400 0.000000 0.000000'),
    record('ReqMethod', 'GET'),
    record('ReqURL', '/cart?id=7'),
    ...(fetched === null ? [record('VCL_call', 'SYNTH')] : [record('Link', `bereq ${fetched} fetch`)]),
    record('RespStatus', String(status)),
    record('Timestamp', 'Resp: 1795254933.623500 3.500100 0.000044'),
    record('End'),
  ];
}

const failures = (findings: readonly (Finding | null)[]): readonly Finding[] =>
  findings.filter((finding) => finding !== null).filter(({ shape }) => shape !== 'none');

const fetchErrors: readonly (readonly [string, string])[] = [
  ['backend shop: fail errno 111 (Connection refused)', 'unreachable connection_refused'],
  ['backend boot.shop: fail errno 61 (Connection refused)', 'unreachable connection_refused'],
  ['backend shop: fail errno 110 (Connection timed out)', 'unreachable connection_timeout'],
  ['backend shop: fail errno 60 (Operation timed out)', 'unreachable connection_timeout'],
  ['backend shop: fail errno 113 (No route to host)', 'unreachable destination_ip_unroutable'],
  ['backend shop: fail errno 0 (Success)', 'refused_by_gateway destination_unavailable'],
  ['backend shop: fail errno 5 (Input/output error)', 'unreachable null'],
  ['backend shop: unhealthy', 'refused_by_gateway destination_unavailable'],
  ['backend shop: busy', 'refused_by_gateway connection_limit_reached'],
  ['No backend', 'refused_by_gateway destination_unavailable'],
  ['Director rr returned no backend', 'refused_by_gateway destination_unavailable'],
  ['first byte timeout', 'too_slow connection_read_timeout'],
  ['first byte timeout (reused connection)', 'too_slow connection_read_timeout'],
  ['HTC status 3', 'too_slow connection_read_timeout'],
  ['HTC idle (3)', 'too_slow connection_read_timeout'],
  ['http first read error: -1 11 (Resource temporarily unavailable)', 'too_slow connection_read_timeout'],
  ['timeout', 'too_slow connection_read_timeout'],
  ['between bytes timeout', 'too_slow connection_read_timeout'],
  ['Resource temporarily unavailable', 'too_slow connection_read_timeout'],
  ['backend closed', 'reset connection_terminated'],
  ['HTC EOF (Unexpected end of input)', 'reset connection_terminated'],
  ['HTC status -1', 'reset connection_terminated'],
  ['http read error: -1 104 (Connection reset by peer)', 'reset connection_terminated'],
  ['backend write error: 32 (Broken pipe) (10.0.0.5:8080)', 'reset connection_terminated'],
  ['backend write error: 11 (Resource temporarily unavailable) (10.0.0.5:8080)', 'too_slow connection_write_timeout'],
  ['straight insufficient bytes', 'reset http_response_incomplete'],
  ['chunked insufficient bytes', 'reset http_response_incomplete'],
  ['chunked read err', 'reset http_response_incomplete'],
  ['eof socket fail', 'reset http_response_incomplete'],
  ['Connection reset by peer', 'reset http_response_incomplete'],
  ['overflow', 'garbage http_response_header_section_size'],
  ['Received junk', 'garbage http_protocol_error'],
  ['http format error', 'garbage http_protocol_error'],
  ['chunked header non-hex', 'garbage http_response_transfer_coding'],
  ['bogusly large chunk size', 'garbage http_response_transfer_coding'],
  ['Gunzip error at the very end', 'garbage http_response_content_coding'],
  ['Junk after gzip data', 'garbage http_response_content_coding'],
  ['Could not get storage', 'refused_by_gateway proxy_internal_error'],
  ['out of workspace', 'refused_by_gateway proxy_internal_error'],
  ['req.body read error: 104 (Connection reset by peer)', 'client_abort http_request_error'],
  ['http first read error: EOF', 'unknown null'],
  ['no backend connection', 'unknown null'],
  ['something that a later Varnish says', 'unknown null'],
];

for (const [words, expected] of fetchErrors) {
  test(`FetchError "${words}" is ${expected}, in a group and raw`, () => {
    for (const lines of [
      fetchGroup(3, words),
      [raw(3, 'FetchError', 'b', words)],
      [record('FetchError', words, '--')],
    ]) {
      const [finding, ...more] = failures(readLines(...lines));
      assert.deepEqual(more, []);
      assert.equal(`${finding?.shape} ${finding?.type}`, expected);
      assert.equal(finding?.kind, 'error');
      assert.ok(finding?.evidence[0]?.includes(words));
      if (finding?.type != null) assert.equal(proxyErrors[finding.type].shape, finding.shape);
    }
  });
}

test('all fields of a failed fetch are read', () => {
  const [finding] = failures(readLines(...fetchGroup(3, 'first byte timeout')));
  assert.equal(finding?.request, 'GET /cart?id=7');
  assert.equal(finding?.upstream, 'shop');
  assert.equal(finding?.atMs, 1_795_254_930_123);
  assert.equal(finding?.joins, 'varnish:3');
});

test("the client's transaction has the verdict of its fetch, and is joined with it", () => {
  const [fetch, request, ...more] = failures(
    readLines(...fetchGroup(3, 'first byte timeout'), '', ...requestGroup(2, 3)),
  );
  assert.deepEqual(more, []);
  assert.equal(request?.kind, 'access');
  assert.equal(request?.status, 503);
  assert.equal(request?.type, 'connection_read_timeout');
  assert.equal(request?.durationMs, 3500);
  assert.deepEqual([fetch?.isConsequence, request?.isConsequence], [false, true]);
  assert.equal(request?.joins, fetch?.joins);
});

test("a client's transaction without its fetch, or before it, is unknown", () => {
  const [request] = failures(readLines(...requestGroup(2, 3)));
  assert.equal(request?.shape, 'unknown');
  assert.equal(request?.isConsequence, true);
  assert.equal(request?.joins, 'varnish:3');
});

test("the application's own error is no failure of Varnish, on either side", () => {
  const lines = fetchGroup(3).filter((line) => !line.includes('BACKEND_ERROR') && !line.includes('Error:'));
  const findings = failures(readLines(...lines, '', ...requestGroup(2, 3)));
  assert.deepEqual(
    findings.map(({ shape }) => shape),
    ['app_error', 'app_error'],
  );
});

test('a response that stands for a failed pass is not attributed to the configuration', () => {
  const synthetic = requestGroup(2, 3).toSpliced(6, 0, record('VCL_call', 'SYNTH'));
  const findings = failures(readLines(...fetchGroup(3, 'chunked header non-hex'), '', ...synthetic));
  assert.deepEqual(
    findings.map(({ type }) => type),
    ['http_response_transfer_coding', 'http_response_transfer_coding'],
  );
});

test('a body without a recognisable end is garbage', () => {
  const lines = fetchGroup(3).toSpliced(8, 0, record('Error', 'Body cannot be fetched'));
  assert.deepEqual(
    failures(readLines(...lines)).map(({ shape, kind }) => [shape, kind]),
    [['garbage', 'error']],
  );
});

test('a response that the configuration makes is refused by the gateway', () => {
  const [finding] = failures(readLines(...requestGroup(2, null)));
  assert.equal(finding?.type, 'proxy_internal_response');
});

test('errors after a first FetchError are consequences of it', () => {
  const findings = failures(
    readLines(...fetchGroup(3, 'Resource temporarily unavailable', 'straight insufficient bytes')),
  );
  assert.deepEqual(
    findings.map(({ type }) => type),
    ['connection_read_timeout', 'connection_read_timeout'],
  );
  assert.deepEqual(
    findings.map(({ isConsequence }) => isConsequence),
    [false, true],
  );
  const aborted = failures(
    readLines(...fetchGroup(3, 'req.body read error: 0 (Success)', 'backend write error: 0 (Success)')),
  );
  assert.deepEqual(
    aborted.map(({ shape }) => shape),
    ['client_abort', 'client_abort'],
  );
});

test("a FetchError on the client's side is about the client's request", () => {
  const lines = [...requestGroup(2, 3).slice(0, 5), record('FetchError', 'straight insufficient bytes')];
  assert.equal(failures(readLines(...lines))[0]?.shape, 'client_abort');
});

test('raw lines of two transactions are not mixed up', () => {
  const findings = failures(
    readLines(
      raw(3, 'BereqURL', 'b', '/a'),
      raw(5, 'BereqURL', 'b', '/b'),
      raw(3, 'FetchError', 'b', 'first byte timeout'),
      raw(5, 'FetchError', 'b', 'backend closed'),
    ),
  );
  assert.deepEqual(
    findings.map(({ request, shape }) => [request, shape]),
    [
      ['/a', 'too_slow'],
      ['/b', 'reset'],
    ],
  );
});

test('with -v a grouped line repeats its transaction', () => {
  const [finding] = failures(
    readLines('-            3 FetchError     b backend shop: fail errno 111 (Connection refused)'),
  );
  assert.equal(finding?.type, 'connection_refused');
});

test('a health probe that changes its result is an event', () => {
  const sick = readLines(raw(0, 'Backend_health', '-', 'boot.shop Went sick -------- 2 3 5 0.000000 0.001 ""'))[0];
  assert.deepEqual([sick?.kind, sick?.shape, sick?.upstream], ['event', 'none', 'boot.shop']);
  assert.match(sick?.sentence ?? '', /probe of boot\.shop fails/);
  const well = readLines(
    raw(0, 'Backend_health', '-', 'boot.shop Back healthy 4---X-RH 3 3 5 0.001 0.001 "HTTP/1.1 200 OK"'),
  )[0];
  assert.equal(well?.sentence, '');
});

const combined =
  '192.0.2.7 - - [21/Nov/2026:10:15:30 +0000] "GET http://shop.example/cart HTTP/1.1" 503 278 "-" "curl/8.5.0"';

const accesses: readonly (readonly [string, string])[] = [
  [combined, 'unknown null'],
  [combined.replace(' 503 ', ' 200 '), 'none null'],
  [`${combined} miss`, 'unknown null'],
  [`${combined} synth`, 'refused_by_gateway proxy_internal_response'],
  [`${combined} "backend shop: fail errno 111 (Connection refused)" pass`, 'unreachable connection_refused'],
  [`${combined} side=b handling=- vxid=3 fetcherror="first byte timeout"`, 'too_slow connection_read_timeout'],
  [`${combined} side=c handling=miss vxid=2 fetcherror="-"`, 'unknown null'],
  [
    '{"status":503,"request":"GET http://shop.example/ HTTP/1.1","handling":"pass","fetch_error":"backend closed"}',
    'reset connection_terminated',
  ],
  ['{"status":200,"request":"GET http://shop.example/ HTTP/1.1","handling":"hit","fetch_error":"-"}', 'none null'],
];

for (const [line, expected] of accesses) {
  test(`varnishncsa: ${line.slice(line.indexOf('GET'))} is ${expected}`, () => {
    const [finding] = readLines(line);
    assert.equal(`${finding?.shape} ${finding?.type}`, expected);
    assert.equal(finding?.gateway, 'varnish');
    if (finding?.shape === 'unknown') assert.match(finding.fix?.snippet ?? '', /^varnishncsa -b -c -F/);
  });
}

test('lines of other programs are not recognised', () => {
  const foreign = [
    '192.0.2.7 - - [21/Nov/2026:10:15:30 +0000] "GET /cart HTTP/1.1" 503 278 "-" "curl/8.5.0"',
    '- Begin with the first',
    '   - Endless',
    '--  Not a tag of theirs',
    '{"level":"info","handling":"yes","status":502}',
    '*   hello',
    '',
  ];
  for (const text of foreign) assert.deepEqual(readLines(text), [null], text);
  assert.equal(varnishDialects[0]?.recognise('- FetchError backend closed'), 1);
});

test('no line makes the reader throw, however it is mutated', () => {
  const seeds = [...fetchGroup(3, 'backend closed'), ...requestGroup(2, 3), ...accesses.map(([line]) => line)];
  assertReadsWhatItRecognises(varnishDialects, seeds);
});

test('a line of a megabyte is judged at once', () => {
  const long = [
    record('FetchError', 'x'.repeat(1_000_000)),
    `${combined} ${'"'.repeat(1_000_000)}`,
    ' '.repeat(1_000_000),
    '-'.repeat(1_000_000),
  ];
  for (const text of long) for (const dialect of varnishDialects) dialect.open().read(text);
});
