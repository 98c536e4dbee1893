// Only `npm run test:complete` runs this file: it packs and installs; `npm test` holds in test/architecture.test.ts that packages import nothing of `src/` or Node.
// Starts processes: npm, a compiler, and a program that imports what is installed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { installPackages } from '../../scripts/pack.ts';
import { cacheFolder, repositoryRoot, toolPath } from '../../scripts/repository.ts';

const home = join(cacheFolder, 'packages');
// That for Python is none of npm.
const names = globSync('packages/*/package.json', { cwd: repositoryRoot }).map((path) => path.split('/')[1] as string);

const user = `import { explain, LogExplainer, type Finding, type SummaryReport, whose } from 'candor-explain';
import { explain as sentenceOf, type Failure, shapeOf, shapeWords } from 'candor-failures';

const line = '2026/11/21 21:14:03 [error] 31#31: *5 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.7, server: a.example, request: "GET / HTTP/1.1", upstream: "http://10.0.0.5:3000/", host: "a.example"';
const found: Finding | null = new LogExplainer().read(line);
const summary: SummaryReport = explain(line).summary;
const failure: Failure = { cause: 'connect_refused', stage: 'connect', evidence: { address: '10.0.0.5:3000' } };
console.log([found?.type, summary.failures, shapeWords[shapeOf(failure)], sentenceOf(failure).includes('10.0.0.5:3000')].join(' '));
const body = '<html>\\r\\n<head><title>502 Bad Gateway</title></head>\\r\\n<body>\\r\\n<center><h1>502 Bad Gateway</h1></center>\\r\\n<hr><center>nginx</center>\\r\\n</body>\\r\\n</html>\\r\\n';
console.log(whose({ status: 502, headers: { server: 'nginx' }, body }).author);
// @ts-expect-error A cause has its evidence.
export const without: Failure = { cause: 'connect_refused', stage: 'connect', evidence: {} };
`;

describe('the packages of the repository', () => {
  before(
    () => {
      rmSync(home, { recursive: true, force: true });
      mkdirSync(home, { recursive: true });
      installPackages(names, home);
      writeFileSync(join(home, 'user.ts'), user);
    },
    { timeout: 120_000 },
  );

  it('are installed without any other package', () => {
    const installed = globSync('node_modules/*', { cwd: home }).map((path) => path.replace('node_modules/', ''));
    assert.deepEqual(installed.toSorted(), names.map((name) => `candor-${name}`).toSorted());
  });

  for (const name of names)
    it(`have no source and no test, and their license: ${name}`, () => {
      const folder = join(home, 'node_modules', `candor-${name}`);
      const files = globSync('**/*.*', { cwd: folder });
      assert.deepEqual(
        files.filter((path) => /\.test\.|(?<!\.d)\.ts$/.test(path)),
        [],
      );
      assert.match(readFileSync(join(folder, 'dist', 'LICENSE'), 'utf8'), /^MIT License/);
      assert.equal(
        (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { license: string }).license,
        'MIT',
      );
    });

  it('can be imported, and do what their READMEs say', () => {
    const ran = spawnSync(process.execPath, ['user.ts'], { cwd: home, encoding: 'utf8' });
    assert.equal(ran.stdout, 'connection_refused 1 unreachable true\nnginx\n', ran.stderr);
  });

  it('have types that do not need those of Node', () => {
    const words = [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--target',
      'es2024',
      '--module',
      'nodenext',
      '--lib',
      'es2024,dom',
      '--types',
      '',
      'user.ts',
    ];
    const ran = spawnSync(process.execPath, [toolPath('typescript', 'tsc'), ...words], { cwd: home, encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stdout);
  });
});
