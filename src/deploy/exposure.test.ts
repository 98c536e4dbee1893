import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposedAt, listenAdvice } from './exposure.ts';

test('a port is exposed where it is open on every address, of either family', () => {
  assert.equal(exposedAt([{ host: '0.0.0.0', port: 3000 }], 3000), '0.0.0.0:3000');
  const two = [
    { host: '127.0.0.1', port: 3000 },
    { host: '::', port: 3000 },
  ];
  assert.equal(exposedAt(two, 3000), '[::]:3000');
});

test('a port of loopback is not exposed, whatever else the application listens on', () => {
  for (const host of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '192.0.2.1'])
    assert.equal(exposedAt([{ host, port: 3000 }], 3000), null);
  assert.equal(exposedAt([{ host: '0.0.0.0', port: 9090 }], 3000), null);
  assert.equal(exposedAt([], 3000), null);
});

const commands: readonly (readonly [command: readonly string[], host: string | undefined, advice: RegExp])[] = [
  [['npx', 'next', 'start'], undefined, /: `next start -H 127\.0\.0\.1`$/],
  [['node_modules/.bin/next', 'start'], undefined, /`next start -H/],
  [['node', 'node_modules/node-red/red.js'], undefined, /does not read the HOST/],
  [['node', 'node_modules/.bin/node-red'], undefined, /`node-red -p \{port\} -D uiHost=127\.0\.0\.1`$/],
  [['gunicorn', 'app:app'], undefined, /`gunicorn -b 127\.0\.0\.1:\{port\}`$/],
  [['sh', '-c', 'cd app && exec gunicorn app:app'], undefined, /`gunicorn -b/],
  [['python3', '-m', 'uvicorn', 'main:app'], undefined, /`uvicorn --host 127\.0\.0\.1 --port \{port\}`$/],
  [['python3', 'manage.py', 'runserver'], undefined, /`manage\.py runserver 127\.0\.0\.1:\{port\}`$/],
  [['npx', 'vite', '--port', '4000'], undefined, /`vite --host 127\.0\.0\.1 --port \{port\}`$/],
  [['/usr/bin/php', '-S', '0.0.0.0:80'], undefined, /`php -S 127/],
  [
    ['node', 'constructor'],
    undefined,
    /does not read the HOST environment variable, which Candor sets to 127\.0\.0\.1$/,
  ],
  [['node', 'server.js'], undefined, /an option of its own, such as --host: it does not read the HOST/],
  [['node', 'server.js'], '0.0.0.0', /: its HOST environment variable is 0\.0\.0\.0, by the configuration$/],
  [[], undefined, /does not read the HOST/],
];

for (const [command, host, advice] of commands)
  test(`what to do where \`${command.join(' ')}\`${host === undefined ? '' : ` with HOST=${host}`} listens elsewhere`, () => {
    assert.match(listenAdvice(command, host), /^let it listen on 127\.0\.0\.1/);
    assert.match(listenAdvice(command, host), advice);
  });
