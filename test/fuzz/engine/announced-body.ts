/**
 * Whether an endpoint's bytes begin with a response that announces a body although its status or its request's method
 * forbids one, or although endpoints are known to send one where they may only announce it (HEAD, 304). Bytes of any
 * kind may follow such a response, so that no other request may be sent on its connection. Follows the grammar and
 * shares no code with the gateway; malformed heads are a matter for other rules.
 */
export function announcesForbiddenBody(bytes: string, method: string): boolean {
  let rest = bytes;
  for (;;) {
    const [head = '', status = ''] = wellFormed.exec(rest) ?? [];
    if (head === '' || status === '101') return false;
    const announced = /\r\ntransfer-encoding:|\r\ncontent-length:[ \t]*0*[1-9]/i.test(head);
    if (!status.startsWith('1')) return announced && (method === 'HEAD' || ['204', '205', '304'].includes(status));
    if (announced) return true;
    rest = rest.slice(head.length);
  }
}

const wellFormed = /^HTTP\/1\.1 ([1-5]\d\d) [^\r\n]*\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*\r\n)*\r\n/;
