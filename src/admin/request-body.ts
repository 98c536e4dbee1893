import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendProblem } from './answer.ts';

/** Every body that an operation accepts is far smaller. */
export const requestBytesMax = 16 * 1024;

type JsonBody =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly status: 400 | 413 | 415; readonly detail: string };

/**
 * The JSON body of a request; null: it is none, and the response says so. Call it before anything is awaited, since earlier data would be lost.
 */
export async function acceptJsonBody(
  request: IncomingMessage,
  response: ServerResponse,
  bytesMax = requestBytesMax,
): Promise<{ readonly value: unknown } | null> {
  const body = await readJsonBody(request, bytesMax);
  if (body.ok) return body;
  sendProblem(response, body.status, body.detail);
  return null;
}

/**
 * Reads the JSON body of a request. Call it before anything is awaited, since earlier data would be lost. Never rejects;
 * if the connection ends in the middle of the body, the response does not matter.
 */
function readJsonBody(request: IncomingMessage, bytesMax: number): Promise<JsonBody> {
  const type = request.headers['content-type'];
  const isJson = type !== undefined && /^application\/json\s*(?:;|$)/i.test(type);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bytesMax) chunks.push(chunk);
      else resolve({ ok: false, status: 413, detail: `The body has more than ${bytesMax} bytes.` });
    });
    request.on('close', () => resolve({ ok: false, status: 400, detail: 'The body is incomplete.' }));
    request.on('end', () => resolve(bytes > 0 && !isJson ? notJson : parse(Buffer.concat(chunks))));
  });
}

const notJson: JsonBody = { ok: false, status: 415, detail: 'The body must be application/json (Content-Type).' };

/** Schemas leave it out without a word. */
const noName: JsonBody = {
  ok: false,
  status: 400,
  detail: 'The body has the name `__proto__`, which nothing may have.',
};

function parse(content: Buffer): JsonBody {
  if (content.length === 0) return { ok: true, value: {} };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(content);
    let hasPrototype = false;
    const value: unknown = JSON.parse(text, (key, one: unknown) => {
      hasPrototype ||= key === '__proto__';
      return one;
    });
    return hasPrototype ? noName : { ok: true, value };
  } catch {
    return { ok: false, status: 400, detail: 'The body is not JSON in UTF-8.' };
  }
}
