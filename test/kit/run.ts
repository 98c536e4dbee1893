import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../scripts/repository.ts';
import { toolOptions } from '../tool-options.ts';
import { killWatched, kitGatewayNames } from './kit-gateways.ts';
import { preparePython, pythonServers } from './sample-command.ts';
import { type RestartFigures, restartRolling } from './rolling-restarts.ts';

/** Too large for the lock file: installed here when they are asked for. */
const packages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  nest: {
    '@nestjs/core': '12.5.1',
    '@nestjs/common': '12.5.1',
    '@nestjs/platform-express': '12.5.1',
    'reflect-metadata': '0.2.2',
    rxjs: '7.8.2',
  },
  next: { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' },
};
const inLock = ['http', 'express', 'fastify', 'hono', 'koa'];
const all = [...inLock, ...Object.keys(packages), ...pythonServers];

const usage = `usage: npm run try:kit [-- <options>]

Restarts a sample application with the kit again and again while clients ask it: two instances of each framework behind
each gateway, one after the other. Prints a row for each: requests sent, and failed.

  --frameworks <names>  of ${all.join(', ')}, or plain: the same program without the kit (${inLock.join(',')}).
                        nest and next are installed into .cache/kit/; uvicorn and gunicorn come from Debian
  --gateways <names>    of ${kitGatewayNames.join(', ')} (all)
  --restarts <n>        of instances (50)
  --rate <n>            requests a second to each gateway (300)

It ends with 0 where no request has failed behind Candor.

example: npm run try:kit -- --frameworks express,koa --restarts 10
`;

const options = toolOptions(usage, ['frameworks', 'gateways'], { restarts: 50, rate: 300 });
const frameworks = options.frameworks === 'all' ? all : (options.frameworks?.split(',') ?? inLock);
const gateways = options.gateways?.split(',') ?? kitGatewayNames;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    killWatched();
    process.exit(130);
  });
process.exitCode = await run();

async function run(): Promise<number> {
  const wrong = [
    ...frameworks.filter((name) => ![...all, 'plain'].includes(name)),
    ...gateways.filter((name) => !kitGatewayNames.includes(name)),
  ];
  if (wrong.length > 0) {
    console.error(`unknown: ${wrong.join(', ')}\n\n${usage}`);
    return 2;
  }
  if (frameworks.some((name) => pythonServers.includes(name))) preparePython();
  let failedBehindCandor = 0;
  console.log('| framework | gateway | sent | failed | exit codes other than 0 |\n|---|---|---|---|---|');
  for (const framework of frameworks) {
    const environment = packages[framework] === undefined ? {} : { KIT_PACKAGES: install(framework) };
    const { restarts, rate } = options;
    for (const figures of await restartRolling({ framework, gateways, restarts, rate, environment })) {
      console.log(rowOf(figures));
      for (const kind of figures.kinds) console.error(`  ${kind.replaceAll(/\s+/g, ' ').slice(0, 200)}`);
      if (figures.gateway === 'candor' && framework !== 'plain') failedBehindCandor += figures.failed;
    }
  }
  return failedBehindCandor === 0 ? 0 : 1;
}

function rowOf({ framework, gateway, sent, failed, otherCodes }: RestartFigures): string {
  return `| ${framework} | ${gateway} | ${sent} | ${failed} | ${otherCodes} |`;
}

/** Returns the folder. */
function install(framework: string): string {
  const folder = join(cacheFolder, 'kit', framework);
  const file = join(folder, 'package.json');
  const done = join(folder, 'installed');
  if (!existsSync(done)) {
    mkdirSync(join(folder, 'pages'), { recursive: true });
    writeFileSync(file, JSON.stringify({ private: true, dependencies: packages[framework] }));
    npm(folder, ['install', '--no-audit', '--no-fund', '--ignore-scripts']);
    if (framework === 'next') buildNext(folder);
    writeFileSync(done, '');
  }
  return folder;
}

/** Pages in the oldest form that Next has: an API route answers every path of the load. */
function buildNext(folder: string): void {
  mkdirSync(join(folder, 'pages/api'), { recursive: true });
  writeFileSync(
    join(folder, 'pages/api/[[...path]].js'),
    `export default async function answer(request, response) {
  await new Promise((resolve) => setTimeout(resolve, request.url.includes('download') ? 400 : 20));
  response.status(200).send(request.url.includes('download') ? 'x'.repeat(50000) : request.url);
}
`,
  );
  writeFileSync(
    join(folder, 'next.config.js'),
    `module.exports = { rewrites: async () => [{ source: '/:path*', destination: '/api/:path*' }] };\n`,
  );
  npm(folder, ['exec', '--', 'next', 'build']);
}

function npm(folder: string, words: readonly string[]): void {
  const { status } = spawnSync('npm', words, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' },
    timeout: 300_000,
  });
  if (status !== 0) throw new Error(`npm ${words.join(' ')} failed in ${folder}`);
}
