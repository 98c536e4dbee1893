import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { DashboardFiles } from './dashboard-files.ts';

/** The status and the text of the page, where its file is read so. */
async function pageOf(
  read: ConstructorParameters<typeof DashboardFiles>[1],
): Promise<readonly [number, string, Readonly<Record<string, string>>]> {
  const sent = { status: 0, text: '', headers: {} as Record<string, string> };
  const response = {
    setHeader: (name: string, value: string) => {
      sent.headers[name] = value;
      return response;
    },
    writeHead: (status: number) => Object.assign(response, { sent: (sent.status = status) }),
    end: (content: unknown = '') => void (sent.text = String(content)),
    set statusCode(status: number) {
      sent.status = status;
    },
  };
  const request = { headers: { 'accept-encoding': 'gzip' } };
  await new DashboardFiles('/pages', read).sendPage(
    request as unknown as IncomingMessage,
    response as unknown as ServerResponse,
  );
  return [sent.status, sent.text, sent.headers];
}

for (const [errno, expected] of [
  ['EMFILE', /The gateway has no descriptor left \(ulimit -n\)/],
  ['ENFILE', /The machine has no descriptor left \(sysctl fs\.file-max\)/],
] as const)
  test(`a page that cannot be read for want of a descriptor (${errno}) is not said to be missing`, async () => {
    const [status, text] = await pageOf(async () => errno);
    assert.equal(status, 503);
    assert.match(text, expected);
    assert.doesNotMatch(text, /missing/);
  });

test('a page that is not there is said to be missing', async () => {
  const [status, text] = await pageOf(async () => 'missing');
  assert.equal(status, 503);
  assert.match(text, /are missing/);
});

test('the plain file is sent where there is no smaller one', async () => {
  const page = Buffer.from('<!doctype html>');
  const [status, text] = await pageOf(async (path) => (path.endsWith('.gz') ? 'missing' : page));
  assert.deepEqual([status, text], [200, '<!doctype html>']);
});

test('no page of another origin that opens the page keeps a reference to its window', async () => {
  const [, , headers] = await pageOf(async () => Buffer.from('<!doctype html>'));
  assert.equal(headers['Cross-Origin-Opener-Policy'], 'same-origin');
});
