import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { SmtpChannelSpec } from '../core/alert.ts';
import { systemClock } from '../system/system.ts';
import { certificateAuthority } from '../testing/certificates.ts';
import { alertSample } from './alert-samples.test-support.ts';
import type { SendResult } from './channel.ts';
import { encodedWords, SmtpChannel } from './smtp-channel.ts';
import { type SmtpBehaviour, SmtpServer } from './smtp-server.test-support.ts';

const authority = certificateAuthority(systemClock.wallTime());
const certificate = authority.issue({ names: ['127.0.0.1', 'localhost'] });
const open: SmtpServer[] = [];

afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function send(
  behaviour: SmtpBehaviour,
  spec: Partial<SmtpChannelSpec> = {},
  alert = alertSample,
  signal = new AbortController().signal,
): Promise<{ result: SendResult; server: SmtpServer }> {
  const server = new SmtpServer(behaviour);
  open.push(server);
  const port = await server.listen();
  const channel = new SmtpChannel(
    {
      ...{ type: 'smtp', host: '127.0.0.1', port, tls: 'none', user: null, password: null, ca: [] },
      ...{ from: 'candor@shop.test', to: ['a@shop.test', 'b@shop.test'] },
      ...spec,
    },
    'gw-1',
  );
  return { result: await channel.send({ alert, link: null }, signal), server };
}

test('a mail has its recipients, a subject and the whole text, and answers to the first one of its thread', async () => {
  const alert = {
    ...alertSample,
    title: 'Überlast ✖ am Upstream api',
    text: 'Zeile\r\n.\r\n..Ende',
    at: Date.UTC(2026, 10, 23, 21, 30),
  };
  const { result, server } = await send({}, {}, alert);
  assert.equal(result.ok, true, result.reason);
  const [mail] = server.mails;
  assert.deepEqual([mail?.from, mail?.to], ['candor@shop.test', ['a@shop.test', 'b@shop.test']]);
  const [head = '', body = ''] = mail?.data.split('\r\n\r\n') ?? [];
  assert.match(head, /^To: <a@shop.test>, <b@shop.test>$/m);
  assert.match(head, /^Date: Mon, 23 Nov 2026 21:30:00 \+0000$/m);
  assert.match(head, /^In-Reply-To: <[0-9a-f]{32}@shop.test>$/m);
  assert.ok(
    head.split('\r\n').every((line) => line.length <= 78 && /^[\x20-\x7e]*$/.test(line)),
    head,
  );
  assert.match(Buffer.from(body, 'base64').toString(), /Zeile\r\n\.\r\n\.\.Ende[^]*Next step:\r\nLook at/);
});

test('encoded words are short, and hold whole characters', () => {
  const text = `${'ü€😀'.repeat(40)} end`;
  const words = encodedWords(text).split('\r\n ');
  assert.ok(words.every((word) => word.length <= 75));
  const decoded = words.map((word) => Buffer.from(/^=\?utf-8\?B\?(.*)\?=$/.exec(word)?.[1] ?? '', 'base64').toString());
  assert.equal(decoded.join(''), text);
});

const login = { user: 'ops', password: 'pass-word' } as const;

describe('a mail server', () => {
  test('with STARTTLS gets login and mail within TLS alone', async () => {
    const { result, server } = await send(
      { tls: 'starttls', certificate, methods: 'PLAIN LOGIN' },
      { tls: 'starttls', ca: [authority.certificate], ...login },
    );
    assert.equal(result.ok, true, result.reason);
    assert.deepEqual([server.mails[0]?.login, server.mails[0]?.isSecure], ['ops:pass-word', true]);
    assert.deepEqual(server.commands.slice(0, 3), ['EHLO gw-1', 'STARTTLS', 'EHLO gw-1']);
    assert.ok(!/pass-word|b3Bz/.test(result.exchange.join('\n')), 'no secret is shown');
  });

  test('with TLS from the first byte works', async () => {
    const { result, server } = await send(
      { tls: 'implicit', certificate },
      { tls: 'implicit', ca: [authority.certificate] },
    );
    assert.deepEqual([result.ok, server.mails[0]?.isSecure], [true, true], result.reason);
  });

  test('that offers AUTH LOGIN alone works', async () => {
    const { result, server } = await send({ methods: 'LOGIN CRAM-MD5' }, login);
    assert.deepEqual([result.ok, server.mails[0]?.login], [true, 'ops:pass-word'], result.reason);
    assert.ok(!result.exchange.join('\n').includes(Buffer.from('pass-word').toString('base64')));
  });

  for (const methods of ['PLAIN', 'LOGIN'])
    test(`that repeats the login of AUTH ${methods} in its refusal has nothing of the password shown`, async () => {
      const [user, password] = ['me', 'pass-word'];
      const plain = Buffer.from(`\0${user}\0${password}`).toString('base64');
      const alone = Buffer.from(password).toString('base64');
      const refusal = `535-no: AUTH PLAIN ${plain}\r\n535-${alone.slice(0, 9)}...\r\n535 "${alone}" is ${password}, authentication failed`;
      const { result } = await send(
        {
          methods,
          answers: { AUTH: refusal, PASSWORD: refusal, ...(methods === 'LOGIN' ? { AUTH: '334 VXNlcm5hbWU6' } : {}) },
        },
        { user, password },
      );
      const shown = result.exchange.join('\n');
      assert.match(shown, /535 .*authentication failed/s);
      for (const secret of [plain, alone, password, alone.slice(0, 9)]) assert.ok(!shown.includes(secret), shown);
    });

  test('that does not offer STARTTLS gets neither login nor mail', async () => {
    const { result, server } = await send({ methods: 'PLAIN' }, { tls: 'starttls', ...login });
    assert.match(result.reason, /does not offer STARTTLS/);
    assert.deepEqual([result.isRetriable, server.commands], [false, ['EHLO gw-1']]);
  });

  test('whose certificate is not trusted gets neither login nor mail', async () => {
    const { result, server } = await send(
      { tls: 'starttls', certificate, methods: 'PLAIN' },
      { tls: 'starttls', ...login },
    );
    assert.match(result.reason, /certificate of an unknown CA|self-signed/);
    assert.deepEqual(server.commands, ['EHLO gw-1', 'STARTTLS']);
  });
});

const faults: readonly (readonly [
  fault: string,
  behaviour: SmtpBehaviour,
  reason: RegExp,
  isRetriable: boolean,
  spec?: Partial<SmtpChannelSpec>,
])[] = [
  [
    'refuses the login',
    { methods: 'PLAIN', answers: { AUTH: '535 wrong password' } },
    /refused the login \(535\)/,
    false,
    login,
  ],
  ['offers no login', {}, /neither AUTH PLAIN nor AUTH LOGIN/, false, login],
  ['refuses a recipient', { answers: { RCPT: '550 no such user' } }, /refused a recipient \(550\)/, false],
  ['defers the mail', { answers: { MAIL: '451 greylisted' } }, /refused the sender \(451\)/, true],
  ['refuses the content', { answers: { MESSAGE: '554 spam' } }, /did not accept the mail \(554\)/, false],
  ['is overloaded', { answers: { GREETING: '421 too busy' } }, /did not greet \(421\)/, true],
  ['is none', { answers: { GREETING: 'HTTP/1.1 400 Bad Request' } }, /no SMTP/, true],
  ['closes at once', { answers: { GREETING: 'close' } }, /closed the connection/, true],
  ['closes after the mail', { answers: { MESSAGE: 'close' } }, /closed the connection/, true],
  ['answers without an end', { answers: { EHLO: `250-${'x'.repeat(70_000)}` } }, /no SMTP/, true],
];

describe('a mail server that', () => {
  for (const [fault, behaviour, reason, isRetriable, spec] of faults)
    test(`${fault} ${isRetriable ? 'gets the mail again' : 'does not get it again'}, and the reason is said`, async () => {
      const { result } = await send(behaviour, spec);
      assert.match(result.reason, reason);
      assert.deepEqual([result.ok, result.isRetriable, result.nextStep === ''], [false, isRetriable, false]);
    });

  test('hangs is left when the caller aborts', async () => {
    const controller = new AbortController();
    const late = Object.assign(new Error('late'), { code: 'ABORT_ERR' });
    const sent = send({ answers: { DATA: null } }, {}, alertSample, controller.signal);
    for (let turn = 0; !open.at(-1)?.commands.includes('DATA') && turn < 10_000; turn += 1)
      await new Promise(setImmediate);
    controller.abort(late);
    assert.match((await sent).result.reason, /did not answer in time/);
  });
});
