import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { debsFolder, download } from '../../scripts/fetch-peer.ts';
import { repositoryRoot } from '../../scripts/repository.ts';

interface SampleCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

/** Where Debian's packages of Python are unpacked. */
const pythonFolder = join(debsFolder, 'boots-python');
const pythonPackages = ['gunicorn', 'uvicorn', 'h11', 'click', 'asgiref'].map((name) => `python3-${name}`);

/** As their documentation asks for: keep-alive longer than the gateway's, one process that serves several requests at a time. */
const servers: Readonly<Record<string, (port: number) => readonly string[]>> = {
  uvicorn: (port) => ['sample_python:asgi_app', '--port', `${port}`, '--timeout-keep-alive', '65', '--no-access-log'],
  gunicorn: (port) => [
    ...['sample_python:wsgi_app', '-b', `127.0.0.1:${port}`, '--workers', '1', '--threads', '32'],
    ...['--keep-alive', '65', '--graceful-timeout', '9', '--worker-class', 'gthread'],
  ],
};

export const pythonServers: readonly string[] = Object.keys(servers);

/** How the sample application starts: `sample.ts` on Node, or one of Python's servers. */
export function sampleCommand(framework: string, port: number): SampleCommand {
  const server = servers[framework];
  if (server === undefined) {
    const args = [join(repositoryRoot, 'test/kit/sample.ts'), framework];
    return { command: process.execPath, args, environment: {} };
  }
  const paths = [
    join(repositoryRoot, 'test/kit'),
    join(repositoryRoot, 'packages/kit-python'),
    join(pythonFolder, 'usr/lib/python3/dist-packages'),
  ];
  const environment = { PYTHONPATH: paths.join(':'), PYTHONDONTWRITEBYTECODE: '1' };
  return { command: 'python3', args: ['-m', framework, ...server(port)], environment };
}

/** Throws where Debian's packages are not there and cannot be fetched. */
export function preparePython(): void {
  if (existsSync(join(pythonFolder, 'usr/lib/python3/dist-packages/uvicorn'))) return;
  mkdirSync(pythonFolder, { recursive: true });
  download(pythonPackages);
  const downloads = join(debsFolder, 'downloads');
  for (const name of pythonPackages) {
    const file = readdirSync(downloads).find((entry) => entry.startsWith(`${name}_`));
    if (file === undefined) throw new Error(`${name} could not be fetched from Debian (offline?)`);
    spawnSync('dpkg-deb', ['-x', join(downloads, file), pythonFolder]);
  }
}
