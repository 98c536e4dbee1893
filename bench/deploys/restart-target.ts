import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/free-port.ts';
import { needPeer } from '../tools.ts';
import { type DeployTarget, type TargetStart, untilAnswers } from './target.ts';

/** `TimeoutStopSec=` of systemd where a unit does not set it. */
const stopTimeoutMs = 90_000;

/**
 * What `systemctl restart` does with a service of one process, `Type=simple`: SIGTERM, wait until it has ended, start. nginx is in
 * front of it, as installed; only the WebSocket's path has what the documentation of nginx asks for.
 */
export const startBehindNginx: TargetStart = async (folder, { file, command, textOf }): Promise<DeployTarget> => {
  const nginx = needPeer('nginx');
  const [port, programPort] = [await freePort(), await freePort()];
  const write = (version: string): void => writeFileSync(join(folder, file), textOf(version));
  const start = (): ChildProcess =>
    spawn(command[0] as string, command.slice(1), {
      cwd: folder,
      stdio: 'ignore',
      env: { ...process.env, PORT: String(programPort) },
    });
  mkdirSync(join(folder, 'tmp'));
  write('v0');
  writeFileSync(join(folder, 'nginx.conf'), configuration(port, programPort));
  let program = start();
  const words = ['-p', folder, '-e', 'error.log', '-c', 'nginx.conf'];
  const front = spawn(nginx.path, words, { cwd: folder, stdio: 'ignore', env: { ...process.env, ...nginx.env } });
  const stop = async (): Promise<void> => void (await Promise.all([end(program), end(front)]));
  try {
    await untilAnswers(port);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    stop,
    upgrade: null,
    deploy: async (version) => {
      write(version);
      await end(program);
      program = start();
      return [];
    },
  };
};

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await exited;
  clearTimeout(late);
}

function configuration(port: number, programPort: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `  ${of}_temp_path tmp;`);
  return `daemon off;
pid nginx.pid;
error_log error.log;
events { }
http {
  access_log access.log;
${temporary.join('\n')}
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://127.0.0.1:${programPort}; }
    location /socket {
      proxy_pass http://127.0.0.1:${programPort};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }
  }
}
`;
}
