// Only `npm run test:complete` runs this file: it puts bytes with a meaning into every input of programs and looks at every
// output. `npm test` has `secrets.test.ts`, and tests each output beside its source.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseList } from 'structured-headers';
import { World } from './world.ts';

/**
 * Bytes with a meaning for a terminal, a page, a log line or a header go into each input. In no output may they have
 * that meaning.
 */

const element = '<i class=inj>';
const hostile: readonly (readonly [what: string, text: string])[] = [
  ['a window title', '\u001b]0;inj\u0007'],
  ['a cleared screen', '\u001b[2J\u001b[31m'],
  ['the other control characters', '\u009b31m\u0085\u0000\u0008\u007f'],
  ['a new line', '\r\nX-Injected: 1\r\n{"v":1,"kind":"exchange"}\r\n'],
  ['turned writing', '\u202e\u2066\u200f\u061c'],
  ['characters without width', '\u200b\u2060\ufeff\u00ad\u2028\u2029'],
  ['tags', '\u{e0041}\u{e007f}'],
  ['markup', `"'\`></script></title></style>${element}<script>`],
  ['quotes and backslashes', '"\\", \\"; error=dns_error, other;details="'],
];

/** UTF-8, byte by byte, as a socket receives it. */
function bytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** Characters that are allowed in a target and in Host. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/'/g, '%27');
}

function ask(target: string, lines: readonly string[] = [], method = 'GET'): string {
  const host = lines.some((line) => line.startsWith('Host:')) ? [] : ['Host: a.test'];
  return `${method} ${target} HTTP/1.1\r\n${[...host, ...lines].join('\r\n')}\r\nConnection: close\r\n\r\n`;
}

interface Sent {
  readonly what: string;
  readonly request: string;
  readonly answer: string;
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

function inputs(text: string): Sent[] {
  const raw = bytes(text);
  const accepted = ['text/html', 'application/json', 'text/plain'].map((type) => `Accept: ${type}`);
  const requests: (readonly [string, string])[] = [
    ['a path', ask(`/raw/${encoded(text)}`)],
    ['a raw path', ask(`/raw/${raw}`)],
    ['a path of no route', ask(`/none/${encoded(text)}`, ['Accept: text/html'])],
    ['a query', ask(`/raw/x?${encoded(text)}=1&a=${encoded(text)}`)],
    ['a method', ask('/raw/x', [], `G${raw}`)],
    ['a host', ask('/raw/x', [`Host: ${raw}`])],
    ['a host that is encoded', ask('/raw/x', [`Host: ${encoded(text)}`])],
    ["a field's name", ask('/raw/x', [`X${raw}: 1`])],
    ["a field's value", ask('/raw/x', [`User-Agent: ${raw}`, `Referer: ${raw}`, `X-Request-Id: ${raw}`])],
    ['a Via of our own', ask('/raw/x', [`Via: 1.1 shop (${raw})`])],
    ['an expectation', ask('/raw/x', [`Expect: ${raw}`])],
  ];
  const answers: (readonly [string, string])[] = [
    ['first bytes', `${raw} is no HTTP\r\n`],
    ['a status line', `HTTP/1.1 2${raw}\r\n\r\n`],
    ['a version', `HTTP/${raw} 200 OK\r\n\r\n`],
    ["a field's name", `HTTP/1.1 200 OK\r\nX${raw}: 1\r\nContent-Length: 0\r\n\r\n`],
    ['a coding', `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${raw}\r\n\r\n`],
    ['a chunk', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${raw}\r\n`],
    ['an unsolicited Upgrade', `HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: ${raw}\r\n\r\n`],
  ];
  return [
    ...requests.map(([what, request]) => ({ what, request, answer: ok })),
    ...answers.flatMap(([what, answer]) =>
      accepted.map((accept) => ({ what: `${what} answered, ${accept}`, request: ask('/raw/x', [accept]), answer })),
    ),
  ];
}

const all = hostile.map(([, text]) => text).join(' ');

let world: World;
before(async () => {
  world = await World.start({
    command: [all.replaceAll('\0', '')],
    environment: {},
    lastWords: `${hostile.map(([, text]) => text.replace(/[\r\n]/g, ' ')).join('\n')}\n${all.replace(/[\r\n]/g, ' ')}\n`,
    token: 'candor_none',
  });
  for (const [kind, text] of hostile)
    for (const { what, request, answer } of inputs(text))
      world.outputs.set(`answer to ${what}, ${kind}`, await world.send({ request, answer }));
  for (const accept of ['text/html', 'application/json'])
    world.outputs.set(
      `answer to /ends, ${accept}`,
      await world.send({ request: ask('/ends/x', [`Accept: ${accept}`]) }),
    );
  await world.collect();
});
after(() => world.end());

/** All characters that are neither printable nor a line break. */
const unseen =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;

/** Candor's own colours, and the bar that shows how far a log has been read. */
const ours = /\u001b\[\d*(?:;\d+)*m|\r\u001b\[K/g;

function outputsLike(name: RegExp): [string, string][] {
  const found = [...world.outputs].filter(([one]) => name.test(one));
  assert.notEqual(found.length, 0);
  return found;
}

function excerpt(text: string, at: number): string {
  return JSON.stringify(text.slice(Math.max(0, at - 60), at + 40));
}

test('no output for people or programs has a character that controls a terminal or is invisible', () => {
  // Programs read metrics and state; other tests below check them.
  const found = outputsLike(/^(?!answer|metrics|state)/).flatMap(([name, text]) => {
    const at = text.replace(ours, '').search(unseen);
    return at === -1 ? [] : [`${name}: ${excerpt(text.replace(ours, ''), at)}`];
  });
  assert.deepEqual(found, []);
});

describe('a record or event stays on one line', () => {
  test('of the exchange log, in ASCII', () => {
    const [[, log] = ['', '']] = outputsLike(/^log$/);
    const lines = log.split('\n').slice(0, -1);
    for (const line of lines) assert.equal((JSON.parse(line) as { v: number }).v, 1, line);
    assert.doesNotMatch(log, /[^\x20-\x7e\n]/);
    const sent = outputsLike(/^answer/).length;
    assert.ok(lines.length >= sent, `${lines.length} lines of ${sent} requests`);
  });

  for (const name of ['events --json', 'explain log by lines'])
    test(`of ${name}`, () => {
      const [[, text] = ['', '']] = outputsLike(new RegExp(`^${name}$`));
      for (const line of text.split('\n').filter((one) => one !== '')) JSON.parse(line);
    });

  test('of the metrics', () => {
    const [[, text] = ['', '']] = outputsLike(/^metrics$/);
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    assert.ok(body.includes('candor_'));
    for (const line of body.split('\n'))
      assert.match(
        line,
        /^(?:|#.*|[\da-f]+\r|\r|[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? [-+\d.eE]+|[a-z_]+.* [\d.]+)$/,
      );
  });
});

test('no answer of the gateway has such a character either', () => {
  const found = outputsLike(/^answer/).flatMap(([name, bytesOfAnswer]) => {
    const text = Buffer.from(bytesOfAnswer, 'latin1').toString('utf8').replaceAll('\r\n', '\n');
    const at = text.search(unseen);
    return at === -1 ? [] : [`${name}: ${excerpt(text, at)}`];
  });
  assert.deepEqual(found, []);
});

test('no page contains an element from the input', () => {
  for (const [name, text] of outputsLike(/page|text\/html/)) {
    const page = text.startsWith('HTTP/') ? text.slice(text.indexOf('\r\n\r\n')) : text;
    assert.ok(page.includes('<html') && !page.includes(element), name);
  }
});

test('no answer of the gateway contains a header from the input, and each Proxy-Status can be parsed', () => {
  for (const [name, text] of outputsLike(/^answer/)) {
    const head = text.slice(0, text.indexOf('\r\n\r\n'));
    assert.match(head, /^HTTP\/1\.1 \d{3} /, name);
    const lines = head.split('\r\n').slice(1);
    for (const line of lines) {
      assert.match(line, /^[A-Za-z-]+: [\x20-\x7e]*$/, name);
      assert.doesNotMatch(line, /^X-Injected/i, name);
      const [, status] = /^Proxy-Status: (.*)$/i.exec(line) ?? [];
      if (status !== undefined) assert.equal(parseList(status).length, 1, `${name}: ${status}`);
    }
  }
});
