import { judgeRequests, judgeResponses, type Verdict } from '../conformance/judge.ts';
import { endMark, type Reading, readRequest, readResponse, type ReadMessage } from './reading.ts';

/** How Candor's parsers read a client's bytes, which are followed by the end mark. */
export function candorRequests(bytes: Buffer): Reading {
  const messages: ReadMessage[] = [];
  for (const line of judgeRequests([bytes, Buffer.from(endMark)])) {
    if (line[0] === 'fields') continue;
    if (line[0] === 'partial') return { messages, end: 'partial', why: '' };
    if (line[0] !== 'accepted') return { messages, end: 'refused', why: line[2] ?? '' };
    const [method = '', target = ''] = (line[1] ?? '').split(' ');
    const host = line.find((part) => part.startsWith('host '))?.slice('host '.length) ?? '';
    messages.push(readRequest(method, target, host, bodyOf(line)));
  }
  return { messages, end: 'over', why: '' };
}

/** How Candor's parsers read an endpoint's bytes, up to the first final response. */
export function candorResponse(bytes: Buffer, method: string): Reading {
  for (const line of judgeResponses([bytes], method)) {
    if (line[0] === 'fields') continue;
    if (line[0] === 'partial') return { messages: [], end: 'partial', why: '' };
    if (line[0] !== 'accepted') return { messages: [], end: 'refused', why: causeOf(line) };
    const status = Number(line[1]);
    if (status >= 200 || status === 101)
      return { messages: [readResponse(status, bodyOf(line))], end: 'over', why: '' };
  }
  return { messages: [], end: 'partial', why: '' };
}

/** Causes whose rule says what is wrong; the rest of their details differs from message to message. */
const ruled = new Set(['response_header', 'response_framing', 'response_status_line', 'response_chunk']);

function causeOf([, , cause = '', rule = '']: Verdict): string {
  return ruled.has(cause) ? `${cause} ${rule}` : cause;
}

function bodyOf(line: Verdict): Buffer {
  const text = line.find((part) => part.startsWith('content "'))?.slice('content '.length) ?? '""';
  return Buffer.from(JSON.parse(text) as string, 'latin1');
}
