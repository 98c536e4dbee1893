import {
  answer,
  htmlType,
  keep,
  page,
  pause,
  type OriginRequest,
  type Script,
  send,
  type Step,
  textType,
} from './origin-script.ts';

/** The responses of the fault origin to requests without a fault. */
export function goodAnswer(request: OriginRequest): Script {
  const [path = ''] = request.target.split('?');
  const [, first = '', second = ''] = path.split('/');
  switch (first) {
    case '':
    case 'ok':
      return answer('200 OK', page('It works'), [htmlType]);
    case 'echo':
      return answer('200 OK', request.body, echoHeaders(request));
    case 'bytes':
      return bytes(whole(second, bytesMax));
    case 'status':
      return status(whole(second, 599));
    case 'slow':
      return slowly(whole(second, slowMsMax));
    case 'sse':
      return events();
    default:
      return answer('404 Not Found', page('There is no such page here'), [htmlType]);
  }
}

/** Whether the response needs the body of the request. */
export function wantsBody(target: string): boolean {
  return /^\/echo(?:[/?]|$)/.test(target);
}

function echoHeaders({ headers, method }: OriginRequest): string[] {
  return [`Content-Type: ${headers.get('content-type') ?? 'application/octet-stream'}`, `X-Echo-Method: ${method}`];
}

function* bytes(count: number): Generator<Step> {
  yield send(`HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${count}\r\n\r\n`);
  for (let left = count; left > 0; left -= block.length)
    yield send(left < block.length ? block.subarray(0, left) : block);
  yield keep;
}

function status(code: number): Script {
  const line = `${code < 200 ? 500 : code} Status ${code}`;
  if (code === 204 || code === 304) return [send(`HTTP/1.1 ${line}\r\n\r\n`), keep];
  return answer(line, `${code}\n`, [textType]);
}

function* slowly(ms: number): Generator<Step> {
  yield pause(ms);
  yield* answer('200 OK', `${ms} ms\n`, [textType]);
}

function* events(): Generator<Step> {
  yield send(
    'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  for (let n = 1; ; n++) {
    const event = `id: ${n}\ndata: tick\n\n`;
    yield send(`${event.length.toString(16)}\r\n${event}\r\n`);
    yield pause(250);
  }
}

function whole(text: string, max: number): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= 0 ? Math.min(value, max) : 0;
}

const block = Buffer.alloc(65_536, 'candor. ');

/** A gibibyte: more than any buffer of a gateway that streams. */
const bytesMax = 1_073_741_824;

/** An hour: longer than any timeout under test. */
const slowMsMax = 3_600_000;
