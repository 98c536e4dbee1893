import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { host, port, version } from './config.mjs';
import { accountPage, homePage, loginPage, productPage, searchPage } from './pages.mjs';
import * as store from './store.mjs';

const html = 'text/html; charset=utf-8';
const json = 'application/json';

function send(response, status, type, body, headers = {}) {
  const bytes = Buffer.from(body);
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, ...headers });
  response.end(bytes);
}

const sendJson = (response, status, value, headers) => send(response, status, json, JSON.stringify(value), headers);

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function jsonOf(request) {
  try {
    return JSON.parse(await bodyOf(request));
  } catch {
    throw Object.assign(new Error('the body is no JSON'), { status: 400 });
  }
}

function userOf(request) {
  const token = /(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
  return token === undefined ? null : store.userOf(token);
}

const someProducts = (from, count) =>
  Array.from({ length: count }, (_, index) => store.productOf(1 + ((from + index * 7) % store.productCount)));

async function home(_request, response) {
  await store.query(5);
  send(response, 200, html, homePage(someProducts(0, 24)));
}

async function search(_request, response, url) {
  await store.query(60);
  const text = (url.searchParams.get('q') ?? '').replaceAll(/[^\w ]/g, '');
  send(response, 200, html, searchPage(text, someProducts(text.length, 15)));
}

async function product(_request, response, url) {
  await store.query(15);
  const found = store.productOf(Number(url.pathname.slice('/product/'.length)));
  if (found === null) return send(response, 404, html, '<h1>Not found</h1>');
  send(response, 200, html, productPage(found, await store.stockOf(found.id)));
}

async function listProducts(_request, response, url) {
  await store.query(20);
  const page = Number(url.searchParams.get('page') ?? 1);
  sendJson(response, 200, { page, products: someProducts(page * 20, 20) });
}

async function showCart(request, response) {
  const user = userOf(request);
  if (user === null) return sendJson(response, 401, { error: 'not logged in' });
  sendJson(response, 200, await store.cartOf(user));
}

async function addToCart(request, response) {
  const user = userOf(request);
  const { product, count } = await jsonOf(request);
  if (user === null) return sendJson(response, 401, { error: 'not logged in' });
  if (store.productOf(product) === null) return sendJson(response, 422, { error: 'no such product' });
  await store.addToCart(user, product, count);
  sendJson(response, 201, { product, count });
}

async function checkout(request, response) {
  const user = userOf(request);
  const { product, count } = await jsonOf(request);
  if (user === null) return sendJson(response, 401, { error: 'not logged in' });
  const found = store.productOf(product);
  if (found === null) return sendJson(response, 422, { error: 'no such product' });
  sendJson(response, 201, await store.placeOrder(user, found, count));
}

async function showOrder(_request, response, url) {
  const order = await store.orderOf(url.pathname.slice('/api/orders/'.length));
  if (order === null) return sendJson(response, 404, { error: 'no such order' });
  sendJson(response, 200, order);
}

async function logIn(request, response) {
  const user = new URLSearchParams(await bodyOf(request)).get('user');
  await store.query(50);
  if (user === null) return send(response, 400, html, loginPage());
  const cookie = `session=${store.tokenOf(user)}; Path=/; HttpOnly`;
  send(response, 302, html, '', { location: '/', 'set-cookie': cookie });
}

async function showLogin(_request, response) {
  send(response, 200, html, loginPage());
}

async function account(request, response) {
  const user = userOf(request);
  if (user === null) return send(response, 302, html, '', { location: '/login' });
  await store.query(30);
  send(response, 200, html, accountPage(user));
}

async function recommend(_request, response) {
  await store.query(10);
  const stock = await store.stockOf(1);
  sendJson(response, 200, { stock, recommended: someProducts(3, 5) });
}

async function exportOrders(_request, response, url) {
  if (url.searchParams.get('format') !== 'csv') throw new Error('only CSV can be written');
  send(response, 200, 'text/csv', 'order,total\n');
}

async function newsletter(_request, response) {
  send(response, 200, html, '<h1>Newsletter of 2019</h1>');
}

const types = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };

async function file(_request, response, url) {
  const body = await readFile(new URL(`public${url.pathname}`, import.meta.url)).catch(() => null);
  if (body === null) return send(response, 404, html, '<h1>Not found</h1>');
  const type = types[url.pathname.split('.').at(-1)] ?? 'application/octet-stream';
  send(response, 200, type, body, { 'cache-control': 'max-age=3600', etag: `"${body.length}"` });
}

const streams = new Set();
async function events(_request, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  streams.add(response);
  let count = 0;
  const timer = setInterval(() => response.write(`id: ${++count}\ndata: {"visitors":${count}}\n\n`), 300);
  response.on('close', () => {
    clearInterval(timer);
    streams.delete(response);
  });
}

async function health(_request, response) {
  send(response, 200, 'text/plain', 'ok\n');
}

async function deepHealth(_request, response) {
  await store.orderOf('o-none');
  sendJson(response, 200, { database: 'ok', stock: (await store.stockOf(1)) >= 0 ? 'ok' : 'unknown' });
}

const routes = [
  ['GET', /^\/$/, home],
  ['GET', /^\/search$/, search],
  ['GET', /^\/product\/\d+$/, product],
  ['GET', /^\/api\/products$/, listProducts],
  ['GET', /^\/api\/cart$/, showCart],
  ['POST', /^\/api\/cart$/, addToCart],
  ['POST', /^\/api\/checkout$/, checkout],
  ['GET', /^\/api\/orders\/[\w-]+$/, showOrder],
  ['GET', /^\/api\/recommendations$/, recommend],
  ['GET', /^\/api\/export$/, exportOrders],
  ['GET', /^\/login$/, showLogin],
  ['POST', /^\/login$/, logIn],
  ['GET', /^\/account$/, account],
  ['GET', /^\/newsletter$/, newsletter],
  ['GET', /^\/(?:assets|images)\/[\w.-]+$/, file],
  ['GET', /^\/events$/, events],
  ['GET', /^\/healthz$/, health],
  ['GET', /^\/health\/deep$/, deepHealth],
];

let isStopping = false;

async function answer(request, response) {
  response.setHeader('x-test-version', version);
  if (isStopping) response.setHeader('connection', 'close');
  const url = new URL(request.url, 'http://shop.test');
  const route = routes.find(([method, path]) => method === request.method && path.test(url.pathname));
  if (route === undefined) return send(response, 404, html, '<h1>Not found</h1>');
  await route[2](request, response, url);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (!(error.status >= 400)) console.error(`${request.method} ${request.url}: ${error.stack}`);
    if (!response.headersSent) sendJson(response, error.status ?? 500, { error: error.message });
    else response.destroy();
  });
});

function stop() {
  isStopping = true;
  server.close(() => process.exit(0));
  for (const stream of streams) stream.end();
  setTimeout(() => process.exit(0), 10_000).unref();
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
server.keepAliveTimeout = 65_000;
server.listen(port, host, () => console.log(`shop ${version} listens on ${host}:${port}`));
