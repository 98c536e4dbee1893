import { type AdaptedKind, type Conversion, NotConvertible, type SourceFile } from './conversion.ts';

/** Larger files are not written by people. */
export const sourceBytesMax = 1024 * 1024;

/** Converts the text of a file. Throws `NotConvertible` where nothing of it can be used. */
export async function adaptFile(kind: AdaptedKind, file: SourceFile): Promise<Conversion> {
  if (/^\s*$/.test(file.text)) throw new NotConvertible(0, 'the file is empty');
  const control = /[\0-\x08\x0e-\x1f]/.exec(file.text);
  if (control !== null) {
    const line = file.text.slice(0, control.index).split('\n').length;
    throw new NotConvertible(line, 'it is no text: it has control characters');
  }
  const other = kindOf(file.name, file.text);
  // Lines of many a file look like processes.
  if (kind === 'procfile' && other !== null && other !== kind) throw otherKind(other, file);
  try {
    return await read(kind, file);
  } catch (error) {
    if (error instanceof NotConvertible && other !== null && other !== kind) throw otherKind(other, file);
    throw error;
  }
}

function otherKind(kind: AdaptedKind, { name }: SourceFile): NotConvertible {
  return new NotConvertible(0, `it looks like ${kindNames[kind]}: \`candor adapt ${kind} ${name}\``);
}

async function read(kind: AdaptedKind, file: SourceFile): Promise<Conversion> {
  switch (kind) {
    case 'procfile':
      return (await import('./procfile.ts')).readProcfile(file);
    case 'compose':
      return (await import('./compose.ts')).readCompose(file);
    case 'pm2':
      return (await import('./pm2.ts')).readEcosystem(file);
    case 'systemd':
      return (await import('./systemd.ts')).readUnit(file);
  }
}

export const kindNames: Readonly<Record<AdaptedKind, string>> = {
  procfile: 'a Procfile',
  compose: 'a compose file',
  pm2: 'an ecosystem file of pm2',
  systemd: 'a unit of systemd',
};

/** Which kind a file looks like, by its name and its first lines. */
function kindOf(name: string, text: string): AdaptedKind | null {
  if (/^Procfile(?:\.\w+)?$/.test(name)) return 'procfile';
  if (/\.(?:service|timer)$/.test(name) || /^\[(?:Unit|Service|Timer)\]\s*$/m.test(text)) return 'systemd';
  if (/(?:^|\.)ecosystem\.|ecosystem\.config\./.test(name) || /\bapps\s*:\s*\[/.test(text)) return 'pm2';
  if (/^services:\s*(?:#.*)?$/m.test(text)) return 'compose';
  if (/^(?:web|worker|release):\s*\S/m.test(text)) return 'procfile';
  return null;
}
