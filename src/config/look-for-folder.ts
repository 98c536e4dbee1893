/** Whether a path can be a folder that the gateway makes or uses, or a file that it follows. */
import { basename, dirname } from 'node:path';
import { quoted } from '../schema/error-detail.ts';
import type { ConfigurationHost } from './host.ts';
import type { FileReading } from './wanted-files.ts';

const possible: FileReading = { ok: true, text: '', isOpen: false };

/** 'written_folder': the gateway makes it if it is missing. */
export async function lookForFolder(
  path: string,
  kind: 'written_folder' | 'folder',
  host: ConfigurationHost,
): Promise<FileReading> {
  const read = await host.readFile(path, 0);
  const step = `write the path of a folder${kind === 'written_folder' ? '; it is made if there is none' : ''}`;
  if (!read.ok && read.why === 'ENOTDIR') return impossible(`a part of ${quoted(dirname(path))} is a file`, step);
  const isFile = read.ok || read.why === 'EFBIG';
  return isFile ? impossible(`${quoted(basename(path))} is a file, and no folder`, step) : possible;
}

/** A file may come later. */
export async function lookForFile(path: string, host: ConfigurationHost): Promise<FileReading> {
  const read = await host.readFile(path, 0);
  return !read.ok && read.why === 'EISDIR'
    ? impossible(`${quoted(basename(path))} is a folder, not a file`, 'name the file in it')
    : possible;
}

function impossible(message: string, suggestion: string): FileReading {
  return { ok: false, error: { message, suggestion } };
}
