/** Whether a path can be a folder that the gateway makes or uses. */
import { basename, dirname } from 'node:path';
import { quoted } from './error-detail.ts';
import type { ConfigurationHost } from './host.ts';
import type { FileReading } from './wanted-files.ts';

const possible: FileReading = { ok: true, text: '', isOpen: false };

export async function lookForFolder(path: string, host: ConfigurationHost): Promise<FileReading> {
  const read = await host.readFile(path, 0);
  if (!read.ok && read.why === 'ENOTDIR') return impossible(`a part of ${quoted(dirname(path))} is a file`);
  return read.ok || read.why === 'EFBIG' ? impossible(`${quoted(basename(path))} is a file, and no folder`) : possible;
}

function impossible(message: string): FileReading {
  return { ok: false, error: { message, suggestion: 'write the path of a folder; it is made if there is none' } };
}
