import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failWith, succeed } from '#failures/result.ts';
import type { Launch } from '../core/launch.ts';
import { featureLauncher, type LaunchPart } from './launch.ts';

const launch: Launch = {
  application: 'shop',
  settings: { user: { name: 'ann' }, limits: { memory: 1 } },
  program: 'shop/1',
  kind: 'instance',
  release: null,
  directory: '/srv/shop',
  command: ['node', 'server.js'],
  environment: { A: '1' },
};

/** Puts a word before the command, and notes what it hears. */
function wrapping(word: string, heard: string[], refusal: string | null = null): LaunchPart {
  const hold = {
    started: (pid: number): void => void heard.push(`${word} started ${pid}`),
    ended: (): void => void heard.push(`${word} ended`),
  };
  return {
    key: (spec) => JSON.stringify(spec),
    prepare: (_, { command, environment }) =>
      refusal === null
        ? succeed({ command: [word, ...command], environment: { ...environment, [word]: '1' }, hold })
        : failWith({ errno: 'EPERM', reason: refusal }),
    adopt: () => hold,
  };
}

describe('the launcher of features', () => {
  test('passes a launch through the features that its application has, in their order', () => {
    const heard: string[] = [];
    const launcher = featureLauncher(
      ['user', 'secrets', 'limits'].map((name) => ({ name, launch: wrapping(name, heard) })),
    );
    const prepared = launcher.prepare(launch);
    assert.ok(prepared.ok);
    assert.deepEqual(prepared.value.command, ['limits', 'user', 'node', 'server.js']);
    assert.deepEqual(prepared.value.environment, { A: '1', user: '1', limits: '1' });
    prepared.value.hold?.started?.(7);
    prepared.value.hold?.ended?.();
    assert.deepEqual(heard, ['user started 7', 'limits started 7', 'limits ended', 'user ended']);
    assert.equal(launcher.key('shop', launch.settings), 'user {"name":"ann"}\nlimits {"memory":1}');
  });

  test('tells each feature the user who will run the program, and masks lines by all', () => {
    const owner = { uid: 1000, gid: 100 };
    const seen: unknown[] = [];
    const masking = (value: string): LaunchPart => ({
      key: () => '',
      prepare: (_, { command, environment, owner: told }) => {
        seen.push(told);
        return succeed({ command, environment, hold: { mask: (line) => line.replace(value, '***') } });
      },
    });
    const launcher = featureLauncher([
      { name: 'limits', launch: masking('one') },
      { name: 'user', launch: { ...masking('two'), owner: () => owner } },
    ]);
    const prepared = launcher.prepare(launch);
    assert.ok(prepared.ok);
    assert.deepEqual(seen, [owner, owner]);
    assert.equal(prepared.value.hold?.mask?.('one two three'), '*** *** three');
  });

  test('ends what the features before have kept where one refuses', () => {
    const heard: string[] = [];
    const launcher = featureLauncher([
      { name: 'user', launch: wrapping('user', heard) },
      { name: 'limits', launch: wrapping('limits', heard, 'no memory') },
    ]);
    assert.deepEqual(launcher.prepare(launch), failWith({ errno: 'EPERM', reason: 'no memory' }));
    assert.deepEqual(heard, ['user ended']);
  });

  test('does nothing for an application without these features, and keeps nothing of a program that it takes over', () => {
    const launcher = featureLauncher([{ name: 'user', launch: wrapping('user', []) }]);
    const plain = { ...launch, settings: {} };
    assert.deepEqual(launcher.prepare(plain), succeed({ command: plain.command, environment: plain.environment }));
    assert.equal(launcher.key('shop', {}), '');
    assert.equal(launcher.adopt(plain, 7), null);
    assert.notEqual(launcher.adopt(launch, 7), null);
  });
});
