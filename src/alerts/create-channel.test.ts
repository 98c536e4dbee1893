import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { alertSample } from './alert-samples.test-support.ts';
import type { SendResult } from './channel.ts';
import { CommandChannel, commandEnvironment } from './create-channel.ts';

const node = process.execPath;

function run(script: string, signal = new AbortController().signal): Promise<SendResult> {
  return new CommandChannel([node, '-e', script, 'a b; echo $HOME']).send({ alert: alertSample, link: null }, signal);
}

describe('a command', () => {
  test('gets its arguments as they are written and the alert as JSON on its standard input', async () => {
    const result = await run(
      "let t='';process.stdin.on('data',(d)=>t+=d).on('end',()=>console.log(JSON.parse(t).key, process.argv[1]))",
    );
    assert.equal(result.ok, true);
    assert.equal(result.exchange.at(-1), '< incident:run-1-3 a b; echo $HOME');
  });

  test('gets of the environment what programs need, and what is named for it', () => {
    const own = { PATH: '/bin', HOME: '/root', LANG: 'C', TZ: 'UTC', USER: 'a', CANDOR_CHANNEL: 'x' };
    const secrets = {
      CANDOR_TOKEN: 'secret',
      CANDOR_START: 'mark',
      DATABASE_URL: 'secret',
      AWS_SECRET_ACCESS_KEY: 'b',
    };
    assert.deepEqual(commandEnvironment({ ...own, ...secrets }), own);
  });

  test('that fails gets the message again, and what it printed is shown without secrets, also its own', async () => {
    const script = "console.error('no network', process.argv.at(-1), 'token=c4nary');process.exit(3)";
    const command = [node, '-e', script, '--', '--token', 'c4narycanary'];
    const result = await new CommandChannel(command).send(
      { alert: alertSample, link: null },
      new AbortController().signal,
    );
    assert.deepEqual([result.ok, result.isRetriable], [false, true]);
    assert.match(result.reason, /exited with 3/);
    assert.equal(result.exchange.at(-1), '< no network … token=…');
  });

  test('that reads nothing may succeed', async () => {
    assert.equal((await run('process.stdin.destroy()')).ok, true);
  });

  test('that prints without an end keeps the end of it alone', async () => {
    const result = await run(
      "for(let i=0;i<20000;i++)process.stdout.write('x'.repeat(100));process.stdout.write('end')",
    );
    assert.ok(result.exchange.join('').length < 5000);
    assert.match(result.exchange.at(-1) ?? '', /end$/);
  });

  test('that hangs is killed with what it has started', async () => {
    const controller = new AbortController();
    const hangs =
      "require('child_process').spawn(process.execPath,['-e','setInterval(()=>{},1000)'],{stdio:'inherit'});setInterval(()=>{},1000)";
    const sent = run(hangs, controller.signal);
    controller.abort();
    assert.match((await sent).reason, /did not end in time and was killed/);
  });

  test('that does not exist is named', async () => {
    const result = await new CommandChannel(['/nowhere/tell']).send(
      { alert: alertSample, link: null },
      new AbortController().signal,
    );
    assert.match(result.reason, /\/nowhere\/tell does not exist/);
  });
});
