import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/free-port.ts';
import { installPackages } from '../tools.ts';
import { type DeployTarget, type TargetStart, untilAnswers } from './target.ts';

/** An exact version, installed into its own folder: it is a rival and not a dependency. */
export const pm2Package = 'pm2@7.0.4';

/**
 * `pm2 reload` of two processes in cluster mode. `killTimeoutMs`: how long it waits after its SIGINT before it kills; null: its
 * default, 1.6 s.
 */
export function startPm2(killTimeoutMs: number | null): TargetStart {
  return async (folder, { file, textOf }): Promise<DeployTarget> => {
    const pm2 = join(installPackages('pm2', [pm2Package]), 'node_modules', 'pm2', 'bin', 'pm2');
    const port = await freePort();
    const env = {
      ...process.env,
      PORT: String(port),
      PM2_HOME: join(folder, 'pm2'),
      // It would ask a host of its makers.
      PM2_DISABLE_VERSION_CHECK: 'true',
    };
    const run = async (...words: readonly string[]): Promise<void> => {
      const child = spawn(process.execPath, [pm2, ...words], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
      let printed = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text));
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`pm2 ${words[0]} ended with ${code}: ${printed.slice(-500)}`);
    };
    const write = (version: string): void => writeFileSync(join(folder, file), textOf(version));
    write('v0');
    const stop = (): Promise<void> => run('kill');
    try {
      const patience = killTimeoutMs === null ? [] : ['--kill-timeout', String(killTimeoutMs)];
      await run('start', file, '--name', 'web', '-i', '2', ...patience);
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
        await run('reload', 'web');
        return [];
      },
    };
  };
}
