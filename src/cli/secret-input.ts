import { isatty } from 'node:tty';
import { readInput } from './configuration-read.ts';
import type { SecretInput } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';

/** Standard input. */
export const standardSecretInput: SecretInput = {
  get isTerminal() {
    return isatty(0);
  },
  async readAll(bytesMax) {
    const read = await readInput(bytesMax);
    return read.ok ? Buffer.from(read.content) : null;
  },
  askHidden(question) {
    return new Promise((resolve, reject) => {
      const { stdin, stderr } = process;
      stderr.write(question);
      let typed = '';
      const end = (value: string | null): void => {
        stdin.off('data', onData);
        stdin.setRawMode(false);
        stdin.pause();
        stderr.write('\n');
        resolve(value);
      };
      const onData = (text: string): void => {
        for (const character of text) {
          if (character === '\r' || character === '\n') return end(typed);
          if (character === ctrl.c || (character === ctrl.d && typed === '')) return end(null);
          if (character === ctrl.u) typed = '';
          else if (character === ctrl.h || character === del) typed = [...typed].slice(0, -1).join('');
          else if (character >= ' ') typed += character;
        }
      };
      try {
        stdin.setRawMode(true);
      } catch {
        return reject(
          new CommandFailure('usage', 'This terminal cannot hide what is typed: give the value by a pipe.'),
        );
      }
      stdin.setEncoding('utf8').on('data', onData).resume();
    });
  },
};

const ctrl = { c: '\u0003', d: '\u0004', h: '\u0008', u: '\u0015' };
const del = '\u007f';
