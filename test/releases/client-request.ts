import { type Agent, type IncomingMessage, request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import type { FaultKind } from './answer.ts';
import type { Call, Seen } from './routes.ts';

const timeoutMs = 5000;

/** `stale`: a connection that had been kept was closed before the response; a GET may be sent again. */
interface Outcome extends Seen {
  readonly fault: FaultKind | 'stale' | null;
}

/** Sends one request, and reads its response to the end, or three events of a stream. */
export function sendRequest(agent: Agent, port: number, call: Call): Promise<Outcome> {
  return new Promise((resolve) => {
    let response: IncomingMessage | null = null;
    const parts: Buffer[] = [];
    const end = (fault: Outcome['fault']): void => {
      clearTimeout(timer);
      const { statusCode: status = 0, headers = {} } = response ?? {};
      const body = fault === null ? decode(Buffer.concat(parts), headers['content-encoding']) : '';
      resolve({ status, headers, body: body ?? '', fault: body === null ? 'garbage' : fault });
    };
    const { method, path, body } = call;
    const headers = {
      host: 'shop.test',
      'accept-encoding': 'gzip',
      ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
      ...call.headers,
    };
    const sent = request({ agent, host: '127.0.0.1', port, method, path, headers }, (answer) => {
      response = answer;
      answer.on('data', (part: Buffer) => {
        parts.push(part);
        if (call.route !== 'events' || Buffer.concat(parts).toString().split('\n\n').length <= 3) return;
        end(null);
        sent.destroy();
      });
      answer.once('end', () => end(null)).once('error', () => end('cut'));
    });
    const timer = setTimeout(() => {
      end('timeout');
      sent.destroy();
    }, timeoutMs);
    sent.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code?.startsWith('HPE_') === true) end('garbage');
      else if (response !== null) end('cut');
      else if (error.code === 'ECONNREFUSED') end('refused');
      else end(sent.reusedSocket && method === 'GET' ? 'stale' : 'reset');
    });
    sent.end(body);
  });
}

function decode(bytes: Buffer, coding: string | undefined): string | null {
  try {
    if (coding === undefined || coding === 'identity') return bytes.toString();
    return coding === 'gzip' ? gunzipSync(bytes).toString() : null;
  } catch {
    return null;
  }
}
