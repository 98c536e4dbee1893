import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPasswordFile } from './password-file.ts';

const argon = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
const bcrypt = `$2y$10$${'a'.repeat(53)}`;

test('empty lines and comments are passed over, and the rest are users', () => {
  const { users, flaws } = readPasswordFile(`# team\n\nada:${argon}\r\n  bob:${bcrypt}  \nAda Lovelace:${bcrypt}`);
  assert.deepEqual(flaws, []);
  assert.deepEqual([...users.keys()], ['ada', 'bob', 'Ada Lovelace']);
  assert.deepEqual(
    [...users.values()].map(({ hash }) => hash.kind),
    ['argon2', 'bcrypt', 'bcrypt'],
  );
});

test('a line may have groups', () => {
  const { users, flaws } = readPasswordFile(`ada:${argon}:admin, staff\nbob:${bcrypt}:\neve:${bcrypt}`);
  assert.deepEqual(flaws, []);
  assert.deepEqual(
    [...users.values()].map(({ groups }) => groups),
    [['admin', 'staff'], [], []],
  );
});

for (const [line, message] of [
  ['ada', /has no ":"/],
  [':x', /its name is empty/],
  ['ada:', /has no password/],
  ['ada:kanarie', /no hash that is understood/],
  ['ada:$apr1$kanarie$x', /MD5/],
  ['ada:{SHA}kanarie', /SHA-1/],
  ['ada:$6$kanarie', /crypt\(3\)/],
  ['ada:kanariexxxxxx', /crypt\(3\)/],
  ['ada:$2y$10$kanarie', /not whole/],
  [`ada:$2y$15$${'a'.repeat(53)}`, /cost 15/],
  [`ada:${argon.replace('m=19456', 'm=4194304')}`, /more memory or time/],
  [`ada:${argon.replace('t=2', 't=999')}`, /more memory or time/],
  [`ada:${argon.replace('v=19', 'v=16')}`, /not whole, or not one/],
  ['ada:$argon2id$kanarie', /not whole/],
  ['ada:$scrypt$ln=20,r=8,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4', /more memory or time/],
  [`ada:${argon}\nada:${bcrypt}`, /there twice/],
  [`ada:${argon}:admin:kanarie`, /more than name, hash and groups/],
] as const)
  test(`${line.slice(0, 30)} is refused, and its password not repeated`, () => {
    const { flaws } = readPasswordFile(line);
    assert.equal(flaws.length, 1);
    assert.match(flaws[0]?.message ?? '', message);
    assert.doesNotMatch(JSON.stringify(flaws), /kanarie/);
  });
