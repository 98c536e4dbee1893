/** Whether a program that the configuration names can be executed. */
import { basename, delimiter, dirname, join } from 'node:path';
import { quoted } from '../schema/error-detail.ts';
import type { Environment } from './expand.ts';
import type { ConfigurationHost } from './host.ts';
import { suggestNearest } from './nearest.ts';
import type { FileReading } from './wanted-files.ts';

const executable: FileReading = { ok: true, text: '', isOpen: false };

/** `path`: absolute, or a name that is looked for in the folders of PATH. */
export async function lookForProgram(
  path: string,
  environment: Environment,
  host: ConfigurationHost,
): Promise<FileReading> {
  if (host.whyNotExecutable === undefined) return executable;
  if (!path.includes('/')) return lookInPath(path, environment, host);
  const errno = await host.whyNotExecutable(path);
  if (errno === null) return executable;
  return { ok: false, error: { message: sentence(path, errno), suggestion: await suggestion(path, errno, host) } };
}

async function lookInPath(name: string, environment: Environment, host: ConfigurationHost): Promise<FileReading> {
  for (const folder of (environment['PATH'] ?? '').split(delimiter))
    if (folder !== '' && (await host.whyNotExecutable?.(join(folder, name))) === null) return executable;
  return {
    ok: false,
    error: { message: `no folder of PATH has a program ${quoted(name)}`, suggestion: 'write its path from the root' },
  };
}

function sentence(path: string, errno: string): string {
  const name = quoted(basename(path));
  switch (errno) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `there is no program ${name} in ${quoted(dirname(path))}`;
    case 'EISDIR':
      return `${name} is a folder, not a program`;
    case 'EACCES':
      return `${name} may not be executed by this user`;
    default:
      return `${name} cannot be executed (${errno})`;
  }
}

async function suggestion(path: string, errno: string, host: ConfigurationHost): Promise<string | null> {
  if (errno === 'EACCES') return `chmod +x ${path}, and let this user enter the folders above it`;
  if (errno === 'EISDIR') return 'name the file in it';
  const names = await host.listDirectory(dirname(path));
  return names === null ? 'name a program that is there' : suggestNearest(basename(path), names);
}
