/**
 * Asks on a new connection each time, 32 at once, and tells what became of each: `node new-connections.ts <port> <count>`.
 * An answer counts where it is 200, whole by its own Content-Length, and followed by a FIN.
 */
import { connect } from 'node:net';
import { browserFields } from '../browser-fields.ts';

const atOnce = 32;
const timeoutMs = 5000;

const [port, count] = process.argv.slice(2).map(Number);
const request = `GET /orders/1742 HTTP/1.1\r\nHost: localhost\r\n${browserFields.join('\r\n')}\r\nConnection: close\r\n\r\n`;

function ask(): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    let failure: string | null = null;
    const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true }, () => socket.write(request));
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    socket.on('error', (error: NodeJS.ErrnoException) => (failure = error.code ?? 'unknown'));
    socket.setTimeout(timeoutMs, () => {
      failure = 'no answer';
      socket.destroy();
    });
    socket.on('close', () => resolve(failure ?? judge(answer)));
  });
}

function judge(answer: string): string {
  if (answer === '') return 'closed without an answer';
  const end = answer.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1];
  if (end < 0 || length === undefined || answer.length - end - 4 !== Number(length)) return 'not whole';
  return answer.slice(9, 12);
}

const outcomes: Record<string, number> = {};
let left = Number(count);

async function askOneAfterTheOther(): Promise<void> {
  while (left-- > 0) {
    const outcome = await ask();
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
}

await Promise.all(Array.from({ length: atOnce }, askOneAfterTheOther));
console.log(JSON.stringify(outcomes));
