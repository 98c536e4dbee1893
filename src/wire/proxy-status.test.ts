import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseList, Token } from 'structured-headers';
import { unicodeText } from '../core/unicode-text.test-support.ts';
import { appendProxyStatus, type ProxyStatus, proxyStatusMember } from './proxy-status.ts';

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
