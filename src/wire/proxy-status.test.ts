import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { parseList, Token } from 'structured-headers';
import { unicodeText } from '../../test/unicode-text.ts';
import { appendProxyStatus, othersProxyStatus, type ProxyStatus, proxyStatusMember } from './proxy-status.ts';

describe('proxyStatusMember', () => {
  const cases: readonly (readonly [ProxyStatus, string])[] = [
    [{ deployment: 'edge' }, 'edge'],
    [{ deployment: 'edge.example.org', error: 'dns_timeout' }, 'edge.example.org;error=dns_timeout'],
    [{ deployment: 'my edge' }, '"my edge"'],
    [{ deployment: '1st' }, '"1st"'],
    [{ deployment: 'a', receivedStatus: 503 }, 'a;received-status=503'],
    [{ deployment: 'a', nextHop: '10.0.0.1:80' }, 'a;next-hop="10.0.0.1:80"'],
    [
      { deployment: 'a', nextHop: 'b', nextProtocol: 'http/1.1', receivedStatus: 502 },
      'a;next-hop=b;next-protocol=http/1.1;received-status=502',
    ],
    [{ deployment: 'a', nextProtocol: 'h2' }, 'a;next-protocol=h2'],
    [{ deployment: 'a', nextProtocol: 'my h/3' }, 'a;next-protocol=:bXkgaC8z:'],
    [{ deployment: 'a', details: 'say "x" \\ ü\n' }, 'a;details="say \\"x\\" \\\\ ??"'],
    [{ deployment: 'a', error: 'dns_error', parameters: { rcode: 'NXDOMAIN' } }, 'a;error=dns_error;rcode="NXDOMAIN"'],
    [{ deployment: 'a', parameters: { coding: 'gzip', 'alert-id': 40 } }, 'a;coding=gzip;alert-id=40'],
    [{ deployment: 'a', parameters: { 'Not A Key': 1 } }, 'a'],
  ];
  for (const [status, text] of cases) it(`writes ${text}`, () => assert.equal(proxyStatusMember(status), text));

  it('is read by a library as what it says', () => {
    const text = fc.oneof(fc.string(), unicodeText(), fc.constantFrom('a', 'a b', '"', '\\', ''));
    const key = fc
      .stringMatching(/^[a-z*][a-z0-9_.*-]{0,10}$/)
      .filter((name) => !['error', 'next-hop', 'details', 'received-status'].includes(name));
    const parameters = fc.dictionary(key, fc.oneof(text, fc.integer()), { maxKeys: 4 });
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.integer({ min: 100, max: 599 }),
        parameters,
        (deployment, nextHop, details, receivedStatus, extra) => {
          const member = proxyStatusMember({ deployment, nextHop, details, receivedStatus, parameters: extra });
          const list = parseList(appendProxyStatus('before;a=1', member));
          assert.equal(list.length, 2);
          const [name, read] = list[1] as [unknown, Map<string, unknown>];
          assert.equal(plain(name), printable(deployment));
          assert.equal(plain(read.get('next-hop')), printable(nextHop));
          assert.equal(read.get('details'), printable(details));
          assert.equal(read.get('received-status'), receivedStatus);
          for (const [parameter, value] of Object.entries(extra)) {
            assert.equal(plain(read.get(parameter)), typeof value === 'string' ? printable(value) : value);
          }
        },
      ),
    );
  });
});

describe('othersProxyStatus', () => {
  const cases: readonly (readonly [sent: string | null, goesOn: string | null])[] = [
    [null, null],
    ['', null],
    ['inner', 'inner'],
    [
      'inner;error=connection_refused;next-hop="a, b";x=1.5;y=?1;z=:YQ==:;w=@1659578233',
      'inner;error=connection_refused;next-hop="a, b";x=1.5;y=?1;z=:YQ==:;w=@1659578233',
    ],
    ['"my inner";details="a \\"quoted\\", word"  ,\tnext; a;b', '"my inner";details="a \\"quoted\\", word", next; a;b'],
    // Ours, in each of its forms.
    ['edge', null],
    ['edge;error=dns_error', null],
    ['"edge";error=dns_error', null],
    ['EDGE;error=dns_error', null],
    ['"\\edge"', null],
    ['inner, edge;error=dns_error, other', 'inner, other'],
    // No list of tokens and strings with parameters (RFC 9651 §4.2, RFC 9209 §2).
    ['inner;error="connection', null],
    ['inner;details="\x07"', null],
    ['inner,', null],
    [',inner', null],
    ['inner,,other', null],
    ['inner;', null],
    ['inner;Error=x', null],
    ['inner;error=', null],
    ['inner other', null],
    ['1', null],
    ['?1', null],
    ['(inner other)', null],
    ['inner;a=(b)', null],
    ['inner;a=1234567890123456', null],
    ['inn\xe9r', null],
    ['=', null],
  ];
  for (const [sent, goesOn] of cases)
    it(`of ${JSON.stringify(sent)} lets ${JSON.stringify(goesOn)} go on`, () => {
      assert.equal(othersProxyStatus(sent, 'edge'), goesOn);
    });

  it('knows our name as it is written, whatever it is', () => {
    for (const deployment of ['my edge', 'größe', '1st', 'a"b', 'a\\b'])
      assert.equal(othersProxyStatus(proxyStatusMember({ deployment, error: 'dns_error' }), deployment), null);
  });

  it('lets go on what a library reads as a list of names, and nothing else', () => {
    const piece = fc.constantFrom(
      'a',
      'edge',
      '"b"',
      ';',
      ';c=',
      '=',
      ',',
      ' ',
      '\t',
      '1',
      '?0',
      '"',
      '\\',
      ':YQ==:',
      '(',
      ')',
      '*x',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const sent = pieces.join('').trim(); // HTTP leaves no white space at a value's ends.
        const read = namesIn(sent);
        const goesOn = othersProxyStatus(sent, 'edge');
        if (read === null) return assert.equal(goesOn, null);
        const others = read.filter((name) => name !== 'edge');
        assert.deepEqual(goesOn === null ? [] : namesIn(goesOn), others, sent);
      }),
      { numRuns: 5000 },
    );
  });

  it('takes time in proportion to the length', () => {
    for (const unit of [';a', 'a,', '"', 'a;b="', ';a=:', '\\'])
      assert.equal(othersProxyStatus(`a${unit.repeat(20_000)}(`, 'edge'), null);
  });
});

/** The names of a list; null where it is no list of tokens and strings. */
function namesIn(text: string): string[] | null {
  try {
    const items = parseList(text).map(([item]) => item);
    if (items.some((item) => typeof item !== 'string' && !(item instanceof Token))) return null;
    return items.map(String);
  } catch {
    return null;
  }
}

it('appends to what there is', () => {
  assert.equal(appendProxyStatus(null, 'a'), 'a');
  assert.equal(appendProxyStatus('', 'a'), 'a');
  assert.equal(appendProxyStatus('b;error=x', 'a'), 'b;error=x, a');
});

function plain(item: unknown): unknown {
  return item instanceof Token ? item.toString() : item;
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
