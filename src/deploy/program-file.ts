import { accessSync, closeSync, constants, openSync, readdirSync, readSync, statSync } from 'node:fs';

/** Looked at of a program: its first line, or the head of an executable with the name of its interpreter. */
const headBytesMax = 4096;

/** Processors in the field e_machine of ELF, by the name that Node and Docker have for them (elf(5), "Machine" of the gABI). */
const machines: Readonly<Record<number, string>> = {
  3: 'ia32',
  8: 'mips',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
  258: 'loong64',
};

/** Beginnings of executables of other systems. */
const otherSystems: readonly (readonly [magic: string, system: string])[] = [
  ['4d5a', 'Windows'],
  ['cffaedfe', 'macOS'],
  ['cafebabe', 'macOS, or for a Java virtual machine'],
];

/**
 * Why the kernel cannot execute a file that exists, a clause; null: nothing is wrong with it as far as its beginning shows. `shown`: its name for
 * people.
 */
export function faultOfProgramFile(path: string, shown: string, arch: string = process.arch): string | null {
  if (isFolder(path)) return `the program ${shown} is a directory: name the program in it`;
  const head = headOf(path);
  if (head === null) return null;
  const script = /^#! ?([^\n]*)/.exec(head.toString('latin1'))?.[1];
  if (script !== undefined) return faultOfScript(script, shown);
  if (head.toString('latin1', 0, 4) === '\x7fELF') return faultOfExecutable(head, shown, arch);
  const other = otherSystems.find(([magic]) => head.toString('hex').startsWith(magic));
  return other === undefined ? null : `the program ${shown} is built for ${other[1]}: build it for this system`;
}

/** `line`: what stands behind `#!`. */
function faultOfScript(line: string, shown: string): string | null {
  const words = line.trim();
  if (line.endsWith('\r'))
    return `the first line of ${shown} (\`#!${words}\`) ends with a carriage return, as on Windows (CRLF): save the file with line ends of Unix (LF), as \`sed -i 's/\\r$//'\` does`;
  const [interpreter = ''] = words.split(/\s/);
  if (interpreter === '' || exists(interpreter)) return null;
  return `${shown} exists, but ${interpreter}, the interpreter that its first line names, does not: install it, or correct the line`;
}

function faultOfExecutable(head: Buffer, shown: string, arch: string): string | null {
  const isLittle = head[5] === 1;
  const machine = isLittle ? head.readUInt16LE(18) : head.readUInt16BE(18);
  const name = machines[machine] ?? `the processor ${machine} of ELF`;
  if (name !== arch && !canRun(name, arch))
    return `the program ${shown} is built for another architecture, ${name}; this machine is ${arch}: build it for ${arch}`;
  // The interpreter of an executable is its dynamic loader; glibc's is missing on Alpine, and musl's elsewhere.
  const loader = /(\/[\w./-]+\/ld[\w.-]*\.so[\w.-]*)\0/.exec(head.toString('latin1'))?.[1];
  if (loader === undefined || exists(loader)) return null;
  return `${shown} exists, but its loader ${loader} does not: build it for the C library of this system, or statically`;
}

/** Some processors execute the programs of their predecessors, and an emulator all (binfmt_misc). */
function canRun(machine: string, arch: string): boolean {
  if (`${arch} ${machine}` === 'x64 ia32' || `${arch} ${machine}` === 'arm64 arm') return true;
  try {
    return readdirSync('/proc/sys/fs/binfmt_misc').some((name) => name.startsWith('qemu-'));
  } catch {
    return false;
  }
}

function headOf(path: string): Buffer | null {
  let descriptor: number | null = null;
  try {
    if (!statSync(path).isFile()) return null;
    descriptor = openSync(path, 'r');
    const head = Buffer.alloc(headBytesMax);
    const bytes = head.subarray(0, readSync(descriptor, head, 0, headBytesMax, 0));
    return bytes.length < 20 ? Buffer.concat([bytes, Buffer.alloc(20 - bytes.length, 0x20)]) : bytes;
  } catch {
    return null; // missing, or not ours to read
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function exists(path: string): boolean {
  try {
    accessSync(path, constants.F_OK);
    return true;
  } catch {
    return false;
  }
}
