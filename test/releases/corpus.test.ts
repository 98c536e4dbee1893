// Starts processes: releases are programs that run behind a gateway, and only a process shows whether one starts.

import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Application, environmentOf } from './application.ts';
import { badReleases } from './bad-releases.ts';
import { oldRelease, writeFiles } from './base-application.ts';
import { goodReleases } from './good-releases.ts';
import { type Files, type Language, oldCommands } from './release-form.ts';
import { routeForms } from './routes.ts';
import { StockService } from './stock-service.ts';
import { Traffic } from './traffic.ts';

const releases = [...badReleases, ...goodReleases];

test('the corpus has forty bad releases of twenty kinds at least, and twenty good ones', () => {
  assert.equal(badReleases.length, 40);
  assert.equal(goodReleases.length, 20);
  assert.ok(new Set(badReleases.map(({ kind }) => kind)).size >= 20);
  assert.ok(badReleases.filter(({ subtle }) => subtle).length >= 10);
  assert.ok(releases.filter(({ language }) => language === 'python').length >= 20);
  assert.equal(new Set(releases.map(({ name }) => name)).size, releases.length);
});

test('a good release is to be promoted, and no bad one', () => {
  assert.ok(goodReleases.every(({ expected }) => expected === 'promoted'));
  assert.ok(badReleases.every(({ expected }) => expected !== 'promoted'));
});

test('every release differs from the old one, and names itself', () => {
  for (const { name, language, files } of releases) {
    const old = oldRelease(language);
    const changed = files(old);
    assert.equal(changed['VERSION'], `${name}\n`);
    const isOther = (path: string): boolean => path !== 'VERSION' && changed[path] !== old[path];
    assert.ok([...Object.keys(old), ...Object.keys(changed)].some(isOther), name);
    assert.deepEqual(files(old), changed, `${name} is a function of the old release alone`);
  }
});

for (const [name, isReady] of [
  ['missing-variable', false],
  ['syntax-error', false],
  ['empty-product-pages', true],
  ['other-markup', true],
] as const)
  test(`the release ${name} ${isReady ? 'starts, and ends by SIGTERM' : 'does not start'}`, async (context) => {
    const release = releases.find((one) => one.name === name);
    assert.ok(release !== undefined);
    const application = await start(context, release.files(oldRelease(release.language)), release.command, '');
    assert.equal(await application.isReady(15_000), isReady);
    assert.equal(await application.stop(8000), true);
  });

for (const language of ['node', 'python'] as const satisfies Language[])
  test(`the old release for ${language} answers all routes well at 100 requests a second`, async (context) => {
    const stock = await StockService.start();
    context.after(() => stock.stop());
    const application = await start(context, oldRelease(language), oldCommands[language], stock.url);
    assert.ok(await application.isReady(15_000));
    const traffic = new Traffic(application.port);
    await sleep(2000);
    await traffic.stop();
    // Whether an answer is late depends on what else the machine does.
    const faulty = traffic.answers.filter(({ fault }) => fault !== null && fault !== 'late');
    assert.deepEqual(faulty, []);
    assert.ok(traffic.answers.every(({ version }) => version === 'old'));
    const often = Object.entries(routeForms).filter(([, { weight }]) => weight >= 2);
    const asked = new Set<string>(traffic.answers.map(({ route }) => route));
    assert.deepEqual(
      often.filter(([route]) => !asked.has(route)),
      [],
    );
  });

async function start(context: TestContext, files: Files, command: readonly string[], stockUrl: string) {
  const folder = mkdtempSync(join(tmpdir(), 'candor-release-'));
  writeFiles(join(folder, 'release'), files);
  const environment = environmentOf(join(folder, 'data'), stockUrl);
  const application = await Application.start(join(folder, 'release'), command, environment, join(folder, 'log.txt'));
  context.after(async () => {
    await application.stop();
    await rm(folder, { recursive: true });
  });
  return application;
}
