import { Agent, request, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { addresses, type ClientOrder, type ClientReport, type Flow, type FlowSecond } from './flows.ts';
import { KnownAnswers, type SeenAnswer } from './known-answers.ts';

// The clients of a play: a process of its own. GATEWAY_PORT says where the gateway listens. The lab says by messages what is
// sent, and each second gets what the clients have seen.

const port = Number(process.env['GATEWAY_PORT']);
const timeoutUsualMs = 10_000;
/** Of requests under way, so that a gateway that answers nothing does not fill this process. */
const openMax = 1500;

const agents = new Map<string, Agent>();
const known = new KnownAnswers();
let flows: Readonly<Record<string, Flow>> = {};
let generation = 0;
let open = 0;
let seconds: Record<string, FlowSecond> = {};
let errors: Record<string, number> = {};

process.on('message', (order: ClientOrder) => {
  if (order.kind === 'learned') known.learned();
  else if (order.kind === 'streams') follow(order.events, order.sockets);
  else {
    flows = order.flows;
    generation++;
    for (const [name, flow] of Object.entries(flows)) void run(name, flow, generation);
  }
});
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => {});

const startedAt = Date.now();
setInterval(() => {
  const report: ClientReport = { second: Math.round((Date.now() - startedAt) / 1000), flows: seconds, errors };
  seconds = {};
  errors = {};
  process.send?.(report);
}, 1000);

/** Sends the requests of a flow until other flows are ordered. The times between them are exponential. */
async function run(name: string, flow: Flow, own: number): Promise<void> {
  while (generation === own && flow.perSecond > 0) {
    await sleep((-Math.log(1 - Math.random()) * 1000) / flow.perSecond);
    if (generation === own && open < openMax) void attempt(name, flow, flow.retries ?? 0, clientOf(flow));
  }
}

function clientOf({ clients = addresses }: Flow): string {
  return clients[Math.floor(Math.random() * clients.length)] ?? '127.0.66.1';
}

async function attempt(name: string, flow: Flow, retries: number, client: string): Promise<void> {
  open++;
  const seen = await send(flow, client);
  open--;
  count(name, flow, seen);
  if (seen.failure !== null && retries > 0) void attempt(name, flow, retries - 1, client);
}

function count(name: string, flow: Flow, seen: SeenAnswer): void {
  if (seen.failure !== null) errors[`${name} ${seen.failure}`] = (errors[`${name} ${seen.failure}`] ?? 0) + 1;
  if (flow.isOutsider === true) return;
  const second = secondOf(name);
  second.requests++;
  if (seen.failure !== null) second.failed++;
  const { isDifferent, isSlow } = known.judge(name, seen);
  if (isDifferent) second.different++;
  if (isSlow) second.slow++;
}

function secondOf(name: string): FlowSecond {
  return (seconds[name] ??= { requests: 0, failed: 0, different: 0, slow: 0 });
}

function agentOf(client: string): Agent {
  const agent = agents.get(client) ?? new Agent({ keepAlive: true, localAddress: client, timeout: 60_000 });
  agents.set(client, agent);
  return agent;
}

function send(flow: Flow, client: string): Promise<SeenAnswer> {
  const startedAt = performance.now();
  const path = flow.path.replace('{n}', String(1 + Math.floor(Math.random() * 500)));
  return new Promise((resolve) => {
    let answer: IncomingMessage | null = null;
    let bytes = 0;
    const end = (failure: string | null): void => {
      clearTimeout(timer);
      resolve({
        failure: failure ?? (answer !== null && (answer.statusCode ?? 0) >= 500 ? String(answer.statusCode) : null),
        status: answer?.statusCode ?? 0,
        type: answer?.headers['content-type'] ?? '',
        bytes,
        ms: performance.now() - startedAt,
      });
    };
    const body = flow.body ?? (flow.method === 'POST' ? '{"product":12,"count":1}' : '');
    const headers = { host: 'shop.test', ...(body === '' ? {} : { 'content-length': body.length }), ...flow.headers };
    const options = { agent: agentOf(client), host: '127.0.0.1', port, method: flow.method, path, headers };
    const sent = request(options, (response) => {
      answer = response;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes < (flow.leavesAfterBytes ?? Number.POSITIVE_INFINITY)) return;
        end(null);
        sent.destroy();
      });
      response.once('end', () => end(null)).once('error', () => end('cut'));
    });
    const timer = setTimeout(() => {
      end('timeout');
      sent.destroy();
    }, flow.timeoutMs ?? timeoutUsualMs);
    sent.once('error', (error: NodeJS.ErrnoException) => end(answer === null ? (error.code ?? 'error') : 'cut'));
    if (flow.bodyMs === undefined) sent.end(body);
    else void sendSlowly(body, flow.bodyMs, (slice, isLast) => (isLast ? sent.end(slice) : sent.write(slice)));
  });
}

async function sendSlowly(body: string, ms: number, write: (slice: string, isLast: boolean) => void): Promise<void> {
  const slices = 20;
  for (let index = 0; index < slices; index++) {
    write(body.slice((body.length * index) / slices, (body.length * (index + 1)) / slices), index === slices - 1);
    await sleep(ms / slices);
  }
}

function follow(events: number, sockets: number): void {
  for (let index = 0; index < events; index++) void followEvents(addresses[index % addresses.length] ?? '');
  for (let index = 0; index < sockets; index++) void followSocket(addresses[index % addresses.length] ?? '');
}

/** A page that follows events: it connects again a second after its stream has ended, as browsers do. */
async function followEvents(client: string): Promise<void> {
  const flow: Flow = { method: 'GET', path: '/events', perSecond: 0, timeoutMs: 600_000 };
  for (;;) {
    const seen = await send(flow, client);
    // A stream that ends as streams do is no failure.
    count('GET /events', flow, { ...seen, bytes: 0, ms: 0 });
    await sleep(1000);
  }
}

async function followSocket(client: string): Promise<void> {
  for (;;) {
    const ended = await new Promise<string | null>((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { localAddress: client, handshakeTimeout: 10_000 });
      let isOpen = false;
      const tick = setInterval(() => socket.readyState === socket.OPEN && socket.send('ping'), 1000);
      socket.on('open', () => {
        isOpen = true;
        count('WS /ws', { method: 'GET', path: '/ws', perSecond: 0 }, { ...opened, failure: null });
      });
      socket.on('error', (error) => !isOpen && resolve(/response: (\d+)/.exec(error.message)?.[1] ?? 'refused'));
      socket.on('close', (code) => {
        clearInterval(tick);
        resolve(code === 1006 ? 'cut' : null);
      });
    });
    const status = Number(ended) || 101;
    const failure = ended === null || (status >= 300 && status < 500) ? null : ended;
    if (ended !== null) count('WS /ws', { method: 'GET', path: '/ws', perSecond: 0 }, { ...opened, status, failure });
    await sleep(1000);
  }
}

const opened: SeenAnswer = { failure: null, status: 101, type: '', bytes: 0, ms: 0 };
