import { connect, createServer, type Socket } from 'node:net';

/**
 * The clients and the endpoints of `stalls.ts`, in a process of their own. Its first argument is a list of addresses, on which it
 * answers every request with 200; it sends their port to its parent. The parent then sends a `LoadPlan`: requests at a constant
 * rate, to all routes in turn. `report` asks for the figures since the last report.
 */
export interface LoadPlan {
  readonly port: number;
  readonly perSecond: number;
  readonly routes: number;
  readonly hosts: number;
}

export interface LoadFigures {
  readonly requests: number;
  readonly failed: number;
  readonly longestMs: number;
}

const connectionsMax = 512;
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Requests and answers are small enough to arrive in one read. */
function serve(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  socket.on('data', () => void socket.write(answer));
}

async function listenAll(addresses: readonly string[]): Promise<number> {
  let port = 0;
  for (const host of addresses) {
    const server = createServer({ noDelay: true }, serve);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog: 64 }, resolve);
    });
    const address = server.address();
    if (address !== null && typeof address === 'object') port = address.port;
  }
  return port;
}

let figures = { requests: 0, failed: 0, longestMs: 0 };
let plan: LoadPlan | null = null;
let next = 0;
const free: Socket[] = [];
let open = 0;

function ask(): void {
  if (plan === null) return;
  const { port, routes, hosts } = plan;
  const socket = free.pop();
  const route = next++ % routes;
  const text = `GET /p${route} HTTP/1.1\r\nHost: h${route % hosts}.example.org\r\n\r\n`;
  if (socket !== undefined) return send(socket, text);
  if (open >= connectionsMax) {
    figures.failed++;
    return;
  }
  open++;
  const created = connect({ port, host: '127.0.0.1', noDelay: true });
  created.setEncoding('latin1');
  created.on('error', () => created.destroy());
  created.on('close', () => {
    open--;
    const at = free.indexOf(created);
    if (at >= 0) free.splice(at, 1);
  });
  send(created, text);
}

function send(socket: Socket, text: string): void {
  const startedAt = performance.now();
  socket.once('data', (answered) => {
    figures.requests++;
    if (!String(answered).startsWith('HTTP/1.1 200')) figures.failed++;
    figures.longestMs = Math.max(figures.longestMs, performance.now() - startedAt);
    free.push(socket);
  });
  socket.write(text);
}

let dueAt = performance.now();
setInterval(() => {
  const now = performance.now();
  if (plan === null || now - dueAt > 1000) dueAt = now;
  for (; plan !== null && dueAt < now; dueAt += 1000 / plan.perSecond) ask();
}, 2);

process.on('message', (message: LoadPlan | 'report') => {
  if (message !== 'report') {
    plan = message;
    return;
  }
  process.send?.(figures satisfies LoadFigures);
  figures = { requests: 0, failed: 0, longestMs: 0 };
});
process.on('disconnect', () => process.exit(0));

process.send?.({ port: await listenAll(JSON.parse(process.argv[2] ?? '[]') as string[]) });
