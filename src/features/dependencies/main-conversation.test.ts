import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { SeededRandom } from '../../testing/seeded-random.ts';
import { findingText, stateOf } from './finding.ts';
import type { Conversation, ConversationStep } from './main-conversation.ts';
import { MysqlConversation } from './main-mysql.ts';
import { PostgresConversation } from './main-postgres.ts';
import { RedisConversation } from './main-redis.ts';
import { ScramLogin } from './main-scram.ts';

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const postgres = (more: object = {}): Conversation =>
  new PostgresConversation(
    { user: 'shop', database: 'shop', password: null, readOnly: false, ...more },
    new SeededRandom(1),
  );
const mysql = (more: object = {}): Conversation =>
  new MysqlConversation({ user: 'shop', database: '', password: null, ...more });
const redis = (more: object = {}): Conversation =>
  new RedisConversation({ user: '', password: null, readOnly: false, ...more });

/** What a check says when these bytes come, one after the other as the conversation takes them. */
function heard(conversation: Conversation, bytes: Uint8Array): string {
  conversation.begin();
  let held = bytes;
  for (;;) {
    let taken = 0;
    const turn: ConversationStep = conversation.onBytes(held, (count) => (taken = count));
    if (turn !== null && 'finding' in turn) return `${stateOf(turn.finding)}: ${findingText(turn.finding)}`;
    if (taken === 0) return 'waits';
    held = held.subarray(taken);
  }
}

const message = (type: string, body: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return Buffer.concat([ascii(type), length, ascii(body)]);
};
const error = (code: string, text: string): Buffer => message('E', `SFATAL\0VFATAL\0C${code}\0M${text}\0\0`);
const asks = (kind: number, more = ''): Buffer => message('R', `\0\0\0${String.fromCharCode(kind)}${more}`);
const packet = (bytes: string, sequence = 0): Buffer =>
  Buffer.concat([Buffer.from([bytes.length & 255, bytes.length >> 8, 0, sequence]), ascii(bytes)]);
const mysqlError = (code: number, text: string): Buffer =>
  packet(`\xff${String.fromCharCode(code & 255, code >> 8)}${text}`);

describe('what is said of answers', () => {
  for (const [what, conversation, bytes, wanted] of [
    [
      'PostgreSQL that starts',
      postgres(),
      error('57P03', 'the database system is starting up'),
      'down: takes no requests yet or any more: it starts, recovers or stops (the database system is starting up)',
    ],
    [
      'PostgreSQL without a free connection',
      postgres(),
      error('53300', 'sorry, too many clients already'),
      'down: takes no more connections (sorry, too many clients already)',
    ],
    [
      'PostgreSQL that asks for a password',
      postgres(),
      asks(10, 'SCRAM-SHA-256\0\0'),
      'up: answers, and asks for a login',
    ],
    [
      'PostgreSQL that lets in, on a standby',
      postgres(),
      Buffer.concat([asks(0), message('S', 'in_hot_standby\0on\0'), message('Z', 'I')]),
      'degraded: is a replica and takes no writes',
    ],
    [
      'the same, for an application that only reads',
      postgres({ readOnly: true }),
      Buffer.concat([asks(0), message('S', 'in_hot_standby\0on\0'), message('Z', 'I')]),
      'up: is ready',
    ],
    [
      'PostgreSQL that wants the password in clear text',
      postgres({ password: 'x' }),
      asks(3),
      'up: answers, and asks for a login of another kind than the check has',
    ],
    [
      'a web server in place of PostgreSQL',
      postgres(),
      ascii('HTTP/1.1 400 Bad Request\r\n'),
      'down: answers in another protocol (not that of PostgreSQL)',
    ],
    [
      'MySQL without a free connection',
      mysql(),
      mysqlError(1040, 'Too many connections'),
      'down: takes no more connections (Too many connections)',
    ],
    [
      'MySQL that has blocked the host',
      mysql(),
      mysqlError(1129, "Host '10.0.0.9' is blocked"),
      "down: has blocked this host (Host '10.0.0.9' is blocked)",
    ],
    [
      'MySQL that lets the host not in',
      mysql(),
      mysqlError(1130, 'Host is not allowed'),
      'down: lets this host not in (Host is not allowed)',
    ],
    ['Redis that is ready', redis(), ascii('+PONG\r\n$11\r\nrole:master\r\n'), 'up: is ready'],
    [
      'Redis that loads',
      redis(),
      ascii('-LOADING Redis is loading the dataset in memory\r\n'),
      'down: takes no requests yet or any more: it starts, recovers or stops (LOADING Redis is loading the dataset in memory)',
    ],
    [
      'Redis that cannot save',
      redis(),
      ascii('-MISCONF Errors writing to the AOF file\r\n'),
      'degraded: takes no writes: it cannot save its data (MISCONF Errors writing to the AOF file)',
    ],
    [
      'a replica of Redis',
      redis(),
      ascii('+PONG\r\n$39\r\nrole:slave\r\nmaster_link_status:up\r\nabc:d\r\n'),
      'degraded: is a replica and takes no writes',
    ],
    [
      'Redis that asks for a password',
      redis(),
      ascii('-NOAUTH Authentication required.\r\n'),
      'up: answers, and asks for a login',
    ],
    [
      'Redis with another password',
      redis({ password: 'x' }),
      ascii('-WRONGPASS invalid username-password pair\r\n'),
      'down: rejects the login (WRONGPASS invalid username-password pair)',
    ],
    ['Redis that forbids INFO', redis(), ascii('+PONG\r\n-NOPERM no permissions\r\n'), 'up: is ready'],
  ] as const)
    test(what, () => assert.equal(heard(conversation, bytes), wanted));

  test('words of a peer are one visible line', () => {
    assert.equal(heard(postgres(), error('XX000', 'a\u001b[31mb\nc')), 'down: answers with an error (a [31mb c)');
  });
});

test('SCRAM-SHA-256 answers the server that repeats its nonce, and no other one', () => {
  const login = new ScramLogin('pencil', new SeededRandom(1));
  const [, nonce = ''] = /^n,,n=,r=([\w+/]{24})$/.exec(login.first) ?? [];
  const said = (more: string): string | null => login.finalFor(`r=${nonce}${more}`);
  for (const wrong of [',s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096', 'x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=9999999', 'x,s=*,i=4096'])
    assert.equal(said(wrong), null);
  assert.equal(login.finalFor('r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'), null);
  assert.match(said('x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096') ?? '', /^c=biws,r=[\w+/]{24}x,p=[\w+/=]{44}$/);
  assert.equal(login.isServersOwn('v=AAAA'), false);
});

describe('whatever comes from the network', () => {
  const conversations: readonly (() => Conversation)[] = [
    () => postgres(),
    () => postgres({ password: 'x' }),
    () => mysql(),
    () => mysql({ password: 'x', database: 'shop' }),
    () => redis(),
    () => redis({ password: 'x' }),
  ];
  const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 0, 10, 13, 255, 254, 82, 69, 43, 36, 45));
  const anything = fc.array(byte, { maxLength: 300 }).map((all) => Uint8Array.from(all));
  /** Bytes that begin as an answer does. */
  const likely = fc
    .tuple(
      fc.constantFrom(
        asks(10, 'SCRAM-SHA-256\0\0'),
        asks(5, 'salt'),
        asks(11),
        error('53300', 'full'),
        packet('\x0a5.5\0aaaabbbbbbbb\0\xff\xff!\0\0\xff\xff\x15aaaaaaaaaabbbbbbbbbbbbb\0mysql_native_password\0'),
        packet('\xfeother\0scramble', 2),
        ascii('+PONG\r\n'),
        ascii('$-1\r\n'),
        ascii('$99999999999\r\n'),
      ),
      anything,
      anything,
    )
    .map((parts) => Buffer.concat(parts));
  test('a check never throws, never loops, and takes no more than there is', () => {
    fc.assert(
      fc.property(fc.constantFrom(...conversations), fc.oneof(anything, likely), (make, bytes) => {
        const conversation = make();
        conversation.begin();
        let held: Uint8Array = bytes;
        for (let steps = 0; ; steps++) {
          assert.ok(steps <= bytes.length);
          let taken = 0;
          const turn = conversation.onBytes(held, (count) => (taken = count));
          assert.ok(taken >= 0 && taken <= held.length);
          if ((turn !== null && 'finding' in turn) || taken === 0) return;
          held = held.subarray(taken);
        }
      }),
      { numRuns: 20_000 },
    );
  });
  test('a cut answer is waited for, and none of its parts is taken for another', () => {
    const whole = Buffer.concat([asks(0), message('S', 'server_version\x0015\0'), message('Z', 'I')]);
    for (let length = 0; length < whole.length; length++)
      assert.equal(heard(postgres(), whole.subarray(0, length)), 'waits', `${length} bytes`);
  });
});
