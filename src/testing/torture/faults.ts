import { createHash } from 'node:crypto';
import { type Fault } from '../fault.ts';
import { faults } from '../all-faults.ts';
import { answer, apart, send, type Script, textType } from '../origin-script.ts';
import { furtherConnectionFaults } from './faults-connection.ts';
import { furtherBodyFaults } from './faults-body.ts';
import { furtherGarbageFaults, furtherHeadFaults } from './faults-head.ts';

/** A successful response that names its request, so that no other can be mistaken for it. */
const good: Fault = {
  name: 'good',
  does: 'answers well, and names the request',
  faulty: false,
  begins: 'body',
  script: ({ headers }) => answer('200 OK', goodBody(headers.get('x-fault-id') ?? ''), [textType]),
};

/** Switches protocols by a 101, which `change` may change, and says a word in the new one. */
function upgrades(name: string, does: string, faulty: boolean, change = (head: string): string => head): Fault {
  return {
    name,
    does,
    faulty,
    begins: 'body',
    script: ({ headers }): Script =>
      headers.has('upgrade')
        ? [send(change(switching(headers.get('sec-websocket-key') ?? ''))), apart, send('\x81\x02hi')]
        : answer('200 OK', 'not asked\n', [textType]),
  };
}

const switches: readonly Fault[] = [
  upgrades(
    'upgrade-accepted',
    'switches protocols (101) for a request that asks for it, and says a word in the new one',
    false,
  ),
  upgrades(
    'upgrade-after-content',
    'switches protocols (101) for a request with content that asks for it, once it has the content',
    false,
  ),
  upgrades('upgrade-framed', 'switches protocols with a 101 that has a Content-Length', true, (head) =>
    head.replace('\r\n\r\n', '\r\nContent-Length: 0\r\n\r\n'),
  ),
  upgrades('upgrade-http-1.0', 'switches protocols with a 101 that calls itself HTTP/1.0', true, (head) =>
    head.replace('HTTP/1.1', 'HTTP/1.0'),
  ),
];

const declines: Fault = {
  name: 'upgrade-declined',
  does: 'answers a request that asks for an upgrade with an ordinary page',
  faulty: false,
  begins: 'body',
  script: () => answer('200 OK', 'no upgrade\n', [textType]),
};

/** All faults of the torture origin. */
export const tortureFaults: readonly Fault[] = [
  ...faults,
  ...furtherConnectionFaults,
  ...furtherHeadFaults,
  ...furtherGarbageFaults,
  ...furtherBodyFaults,
  ...switches,
  declines,
  good,
];

export function goodBody(faultId: string): string {
  return `good ${faultId}\n`;
}

/** With the proof that the key was read (RFC 6455 §4.2.2). Without it some gateways rightly refuse the upgrade. */
function switching(key: string): string {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}
